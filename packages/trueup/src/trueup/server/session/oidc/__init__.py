"""Signing in by an identity provider: OpenID Connect, and Dex, which speaks it."""
