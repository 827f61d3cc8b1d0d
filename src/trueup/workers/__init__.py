"""The only place that starts tools and scripts: spawned, limited, killed."""
