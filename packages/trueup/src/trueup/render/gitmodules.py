"""What a ``.gitmodules`` file says: which submodules there are, and where their repositories lie.

The file is a stranger's. No path of it is ever laid out: it is compared with what the commit's tree has at it.
"""

import posixpath
from collections.abc import Iterator

import msgspec

from trueup.model.errors import RenderFailed

FILE = ".gitmodules"
MAX_FILE = 256 * 1024
"""Bytes of a file that is read."""
_NONE = "none"
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
_RELATIVE = ("./", "../")


class Submodule(msgspec.Struct, frozen=True):
    """One entry.

    Attributes:
        path: of the folder, as the repository's tree has it.
        url: as it stands there.
    """

    path: str
    url: str


def read_gitmodules(text: str, file: str = FILE) -> dict[str, Submodule]:
    """The submodules of a file by their paths: those that have a URL, and are not to be left alone (``update = none``).

    Args:
        file: its name, for messages.

    Raises:
        RenderFailed: it is not written as Git's configuration is; names file and line.
    """
    entries: dict[str, dict[str, str]] = {}
    for section, key, value in _settings(text, file):
        entries.setdefault(section, {})[key] = value
    found = {}
    for entry in entries.values():
        path, url = entry.get("path", "").rstrip("/"), entry.get("url", "")
        if path and url and entry.get("update", "") != _NONE:
            found[path] = Submodule(path, url)
    return found


def absolute_url(url: str, of: str) -> str:
    """The URL of a submodule; one that begins with ``./`` or ``../`` is relative to its repository's (as Git has it:
    ``relative_url`` of ``remote.c``).

    Args:
        of: URL of the repository that the submodule is of; empty where it has none.

    Raises:
        RenderFailed: it is relative to nothing, or leaves the host.
    """
    if not url.startswith(_RELATIVE):
        return url
    if not of:
        raise RenderFailed(
            f"the submodule's URL {url[:200]!r} is relative, and the repository has none", hint="write the whole URL"
        )
    base, rest, separator = of.rstrip("/"), url, "/"
    while rest.startswith(_RELATIVE):
        if rest.startswith("./"):
            rest = rest[2:]
            continue
        rest, above = rest[3:], base.rpartition("/")
        if above[1] and above[0] and not above[0].endswith(":/"):
            base = above[0]
        elif "://" not in base and ":" in base:
            base, separator = base.rpartition(":")[0], ":"
        else:
            raise RenderFailed(
                f"the submodule's URL {url[:200]!r} leads out of the repository's host",
                hint="correct it in .gitmodules",
            )
    return f"{base}{separator}{rest}".rstrip("/")


def _settings(text: str, file: str) -> Iterator[tuple[str, str, str]]:
    """Section (of submodules, its name), key and value of each setting, in their order."""
    section = ""
    for number, line in _lines(text):
        stripped = line.strip()
        if stripped.startswith("["):
            section, stripped = _section(stripped, f"{file}:{number}")
        if not stripped or stripped[0] in "#;":
            continue
        key, equals, value = stripped.partition("=")
        key = key.strip().lower()
        if not key or not key.replace("-", "").isalnum():
            raise _unreadable(f"{file}:{number}", "neither a section nor a setting")
        if section:
            yield section, key, _value(value, f"{file}:{number}") if equals else "true"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a backslash at its end joins one to the next."""
    joined, began = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        began = began or number
        # A last backslash that is escaped itself joins nothing.
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined += line[:-1]
            continue
        yield began, joined + line
        joined, began = "", 0
    if joined:
        yield began, joined


def _section(line: str, where: str) -> tuple[str, str]:
    """The name of a section of a submodule, empty for any other; and what stands behind it on its line."""
    head, quote, rest = line[1:].partition('"')
    if not quote or "]" in head:
        _, closed, after = line.partition("]")
        if not closed:
            raise _unreadable(where, "a section without its end")
        return "", after.strip()
    name, position = "", 0
    while position < len(rest) and rest[position] != '"':
        position += rest[position] == "\\"
        name += rest[position : position + 1]
        position += 1
    after = rest[position + 1 :].lstrip()
    if not after.startswith("]"):
        raise _unreadable(where, "a section without its end")
    return (name if head.strip().lower() == "submodule" else ""), after[1:].strip()


def _value(text: str, where: str) -> str:
    """A value without its quotes, its escapes and the comment behind it."""
    made: list[str] = []
    quoted, kept, position = False, 0, 0
    text = text.strip()
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
            escaped = _ESCAPES.get(text[position : position + 1])
            if escaped is None:
                raise _unreadable(where, "a backslash before what needs none")
            made.append(escaped)
        elif character == '"':
            quoted = not quoted
        elif character in "#;" and not quoted:
            break
        else:
            made.append(character)
        position += 1
        if quoted or not character.isspace():
            kept = len(made)
    if quoted:
        raise _unreadable(where, "a quote without its end")
    return "".join(made[:kept])


def _unreadable(where: str, why: str) -> RenderFailed:
    return RenderFailed(
        f"{where}: {why}", hint=f"correct it; git config --file {posixpath.basename(FILE)} --list reads it"
    )
