"""Image automation: a newer image in a registry becomes a commit in Git."""
