"""What was worked out or has failed, remembered within bounds. Losing it costs work, never a verdict."""
