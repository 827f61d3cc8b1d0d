"""What works without a cluster of one's own: rendering a folder, checking a repository."""
