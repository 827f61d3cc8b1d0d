"""The performance suite: what the engine's work costs, as ratios to a bare loop of the same writes in the same run."""
