"""The API server: what is asked of an engine by people and programs, on one port, by one description."""
