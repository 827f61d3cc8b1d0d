"""From something changed to somebody works on it: queue, workers, outcomes, clock."""
