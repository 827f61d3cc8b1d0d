"""Examples in the help of commands."""

import click


def examples(*lines: str) -> str:
    """The end of a command's help: lines that can be run as they are, after names are put in."""
    # The mark keeps click from filling the paragraph.
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def examples_of(command: click.Command) -> list[str]:
    """The lines of a command's examples."""
    head, _, told = (command.epilog or "").partition("Examples:\n")
    return [line.strip() for line in told.splitlines()] if head.strip("\b\n") == "" else []
