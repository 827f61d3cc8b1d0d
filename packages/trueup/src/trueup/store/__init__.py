"""Typed reads and writes of our own objects: Applications, projects, settings, and what an installation is made of."""
