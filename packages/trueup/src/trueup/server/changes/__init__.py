"""What has changed, for those who follow it (docs/streams.md)."""
