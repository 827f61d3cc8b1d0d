"""A child that reads and changes files for image automation. Started by :class:`~.editing.Apart` alone."""

import sys

from trueup.features.images.editing import handle
from trueup.sources.tree import within_limits
from trueup.workers.worker import serve

_DEEP = 3000
"""Python's recursion limit here: YAML may nest as deep as its reader allows."""


def main() -> None:
    """Serve tasks until the input ends."""
    sys.setrecursionlimit(_DEEP)
    within_limits()
    serve(handle)


if __name__ == "__main__":
    main()
