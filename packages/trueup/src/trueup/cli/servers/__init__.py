"""API servers that commands talk to: where they are, and who is signed in there."""
