"""Thin reconcilers: observe, decide, act, leave."""
