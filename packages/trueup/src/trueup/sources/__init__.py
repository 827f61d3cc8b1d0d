"""Where manifests come from: Git repositories, mirrored, and read by revision."""
