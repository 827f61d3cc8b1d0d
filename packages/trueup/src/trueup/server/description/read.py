"""Reads the description from its text (``wire/*.txt``).

A file has packages, a package has services and messages. ``name Request > Response`` is a method, with ``>>`` where
responses are many and ``>+`` where requests are; below it are its bindings. ``5 limit int64?`` is a field: its number,
its name and its type, with ``*`` for many, ``!`` for one that is always written, ``?`` for one whose emptiness is not
its absence. ``map`` before a type has words for keys, ``= name`` is JSON's name where it is another, and ``inline``
says that JSON has the fields of the message in its place. A message of another package is named by its last word,
where no message here has that name.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

from trueup.server.description.values import (
    SCALARS,
    Binding,
    Description,
    FieldOf,
    Label,
    MessageOf,
    MethodOf,
)

_Resolve = Callable[[str, str], str]
_SUFFIXES: dict[str, Label] = {"*": "repeated", "!": "required", "?": "pointer"}


@cache
def description() -> Description:
    """The description of the whole API."""
    folder = files("trueup.server.description") / "wire"
    return read([each.read_text("utf-8") for each in sorted(folder.iterdir(), key=lambda each: each.name)])


def read(texts: list[str]) -> Description:
    """A description from the texts of its files.

    Raises:
        ValueError: a message is named that is not there, or a line is none.
    """
    blocks = [block for text in texts for block in _blocks(text)]
    names = {f"{package}.{name}" for package, kind, name, _ in blocks if kind == "message"}
    full = {(package, name): f"{package}.{name}" for package, kind, name, _ in blocks if kind == "message"}
    last: dict[str, list[str]] = {}
    for name in names:
        last.setdefault(name.rpartition(".")[2], []).append(name)

    def resolve(package: str, name: str) -> str:
        if name in SCALARS:
            return name
        found = full.get((package, name))
        if found is not None:
            return found
        candidates = [name] if name in names else last.get(name, [])
        if len(candidates) != 1:
            raise ValueError(f"{package}: {name} is no message, or several are")
        return candidates[0]

    messages, services = {}, {}
    for package, kind, name, lines in blocks:
        whole = f"{package}.{name}"
        if kind == "message":
            fields = [part for part in " ".join(lines).split(", ") if part]
            messages[whole] = MessageOf(whole, tuple(_field(resolve, package, each.rstrip(",")) for each in fields))
        else:
            services[whole] = tuple(_methods(resolve, package, whole, lines))
    return Description(messages, services)


def _blocks(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Package, kind, name and further lines of each service and message."""
    package = ""
    block: tuple[str, str, str, list[str]] | None = None
    for line in text.splitlines():
        if line.startswith(" ") and block is not None:
            block[3].append(line.strip())
            continue
        if block is not None:
            yield block
            block = None
        kind, _, name = line.partition(" ")
        if kind == "package":
            package = name
        elif line:
            block = (package, kind, name, [])
    if block is not None:
        yield block


def _field(resolve: _Resolve, package: str, text: str) -> FieldOf:
    number, name, kind, *more = text.split()
    label: Label = ""
    if kind == "map":
        kind, *more = more
        label = "map"
    elif kind[-1] in _SUFFIXES:
        label, kind = _SUFFIXES[kind[-1]], kind[:-1]
    json = more[more.index("=") + 1] if "=" in more else name
    return FieldOf(int(number), name, resolve(package, kind), label, json, "inline" in more)


def _methods(resolve: _Resolve, package: str, service: str, lines: list[str]) -> Iterator[MethodOf]:
    found: list[tuple[list[str], list[Binding]]] = []
    for line in lines:
        words = line.split()
        if words[2:] and words[2] in (">", ">>", ">+"):
            found.append((words, []))
        else:
            found[-1][1].append(Binding(*words))
    for (name, request, arrow, response), bindings in found:
        yield MethodOf(
            service,
            name,
            resolve(package, request),
            resolve(package, response),
            arrow == ">>",
            tuple(bindings),
            arrow == ">+",
        )
