"""What Git hosts and registries tell of pushes, at ``/api/webhook``."""
