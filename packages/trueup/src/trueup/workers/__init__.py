"""The only place that starts tools and scripts: spawned, limited, killed; and the cache of what they made."""
