"""Destinations: the clusters that Applications go to, each with connections, caches and troubles of its own."""
