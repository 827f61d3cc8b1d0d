"""The line of a YAML file at which a field of an object is written."""

from collections.abc import Sequence

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def line_of_field(data: bytes, line: int, field: str) -> int:
    """Where a field is written, from 1: the deepest part of its path that is there.

    Args:
        data: a text that could be read.
        line: at which the object's document begins, from 1.
        field: as a server names it: ``spec.ports[port=80].name``, ``metadata.annotations.example.com/a``.

    Returns:
        ``line`` itself where the object or the field is not found.
    """
    try:
        documents: Sequence[Node | None] = list(yaml.compose_all(data, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return line
    node = next((each for each in documents if each is not None and each.start_mark.line + 1 == line), None)
    rest = field
    while node is not None and rest:
        if isinstance(node, MappingNode):
            found, rest = _below(node, rest.removeprefix("."))
        elif isinstance(node, SequenceNode) and rest.startswith("["):
            # A quoted value may hold a bracket: the item's name ends where a field begins, or at the end.
            inner, _, rest = rest[1:].partition("]")
            item = _item(node, inner)
            found = (item, item) if item is not None else None
        else:
            break
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _below(node: MappingNode, rest: str) -> tuple[tuple[Node, Node] | None, str]:
    """Key and value of the field that a path begins with, and the rest of the path. Keys may have dots themselves."""
    best: tuple[Node, Node] | None = None
    length = -1
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or len(key.value) < length:
            continue
        if rest.startswith(key.value) and rest[len(key.value) : len(key.value) + 1] in ("", ".", "["):
            # Of a key that is there twice the last one counts.
            best, length = (key, value), len(key.value)
    return best, rest[max(length, 0) :]


def _item(node: SequenceNode, inner: str) -> Node | None:
    """The item of an index, or of the values that identify it; what a server adds by default is not in the file."""
    if inner.isdecimal():
        return node.value[int(inner)] if int(inner) < len(node.value) else None
    wanted = dict(part.partition("=")[::2] for part in inner.split(","))
    for item in node.value:
        if not isinstance(item, MappingNode):
            continue
        has = {k.value: v.value for k, v in item.value if isinstance(k, ScalarNode) and isinstance(v, ScalarNode)}
        common = wanted.keys() & has.keys()
        if common and all(wanted[name].strip('"') == has[name] for name in common):
            return item
    return None
