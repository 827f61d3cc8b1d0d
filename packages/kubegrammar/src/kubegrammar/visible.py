"""Strangers' text without what would steer a terminal, turn a line around or hide in it."""

_BREAKS = {"\n": "\\n", "\r": "\\r"}


def seen(text: str, keep: str = "\n\t") -> bool:
    """Whether all of a text shows itself, but for what is kept: no control, direction or format character."""
    return text.isprintable() or all(char.isprintable() or char in keep for char in text)


def visible(text: str, keep: str = "\n\t") -> str:
    """A text whose control, direction and format characters are shown by their codes: ``\\x1b``, ``\\u202e``.

    Args:
        keep: control characters that stay; empty for what must be one line.
    """
    return text if seen(text, keep) else "".join(char if seen(char, keep) else code(char) for char in text)


def escaped(text: str) -> str:
    """JSON whose unseen characters are escaped: it means the same."""
    return text if seen(text) else "".join(char if seen(char) else _json_escape(char) for char in text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def code(char: str) -> str:
    """A character by its number; one that breaks a line as everybody writes it."""
    if char in _BREAKS:
        return _BREAKS[char]
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
