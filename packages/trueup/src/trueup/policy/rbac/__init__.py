"""Rights of who asks the API server: ``argocd-rbac-cm``, the built-in policy, roles of projects. Pure."""
