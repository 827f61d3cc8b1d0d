"""An embedded Kubernetes API: what a GitOps engine and kubectl need of a cluster, in one process. Not for production."""
