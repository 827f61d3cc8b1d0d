"""A Kubernetes API in one process, without containers: for first runs, previews and tests. Not for production."""
