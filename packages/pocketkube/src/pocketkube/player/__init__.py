"""Plays what a cluster without nodes lacks: nodes, a cloud, and where nobody else runs them, controllers."""
