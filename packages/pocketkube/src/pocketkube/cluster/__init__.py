"""An embedded Kubernetes API: what a GitOps engine and kubectl need, in one process. Not for production."""
