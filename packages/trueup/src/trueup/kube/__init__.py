"""Async Kubernetes client: credentials, discovery, schemas, reads and writes, watch cache, typed API errors."""
