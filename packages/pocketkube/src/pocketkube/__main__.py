"""``python -m pocketkube``."""

from pocketkube.cli import main

main()
