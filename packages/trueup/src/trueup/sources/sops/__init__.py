"""Files that were encrypted by SOPS: values by AES-GCM under a data key, and that under age or OpenPGP keys."""
