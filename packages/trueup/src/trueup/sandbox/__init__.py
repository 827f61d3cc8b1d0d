"""Embedded parts for first runs, previews and tests: a real control plane, and the nodes it lacks as data."""
