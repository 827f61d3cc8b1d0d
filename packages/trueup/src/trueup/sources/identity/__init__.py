"""Identities that are exchanged for what a server is shown: apps and accounts whose passwords live for an hour."""
