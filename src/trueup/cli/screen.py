"""The one printer: what commands tell people, without what would steer their terminal."""

import click


def plain(text: object) -> str:
    """A text whose control and direction characters are shown by their codes; line breaks and tabs stay.

    Messages of commits, conditions and errors are strangers' words: an escape sequence in one may retitle the window,
    hide what follows or answer for the user; a direction mark may turn a name around.
    """
    return "".join(char if char.isprintable() or char in "\n\t" else _code(char) for char in str(text))


def say(text: object = "", *, err: bool = False, fg: str | None = None, bold: bool | None = None) -> None:
    """Print a line for people; colour only on a terminal."""
    click.secho(plain(text), err=err, fg=fg, bold=bold)


def styled(line: str) -> None:
    """Print a line of pieces that were each made plain before they got a style of their own."""
    click.echo(line)


def raw(text: str | bytes, *, end: bool = True) -> None:
    """Print what programs read, to the byte; without a line break at its end where ``end`` is False."""
    click.echo(text, nl=end)


def _code(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
