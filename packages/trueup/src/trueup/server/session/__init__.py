"""Signing in: who asks, and what they may."""
