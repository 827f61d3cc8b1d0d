"""What an expression refuses, and how long what it makes may be."""

from typing import Final

LONGEST: Final = 1_000_000
"""Characters or items of what a function makes."""


class FunctionRefusal(ValueError):
    """A function does not take what it is given; the message is the function's own."""
