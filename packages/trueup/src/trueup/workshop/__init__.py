"""Git, registry and CI for first runs: small servers of the field's protocols, in this process."""
