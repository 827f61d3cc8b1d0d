"""What is built beside the reconcilers: each feature with its pure core, its adapters and its reconciler."""
