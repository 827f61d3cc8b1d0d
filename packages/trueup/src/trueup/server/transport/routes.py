"""From a verb and a path to a method, by the description's bindings."""

from collections.abc import Iterable
from urllib.parse import unquote

import msgspec

from trueup.server.description.values import Binding, MethodOf

LONGEST = 8192
"""Characters of a path."""


class Route(msgspec.Struct, frozen=True):
    """A method, and what the path says of its request."""

    method: MethodOf
    binding: Binding
    values: tuple[tuple[str, str], ...]


class _Node(msgspec.Struct):
    words: dict[str, "_Node"] = {}
    any: "_Node | None" = None
    rest: dict[str, tuple[MethodOf, Binding]] = {}
    ends: dict[str, tuple[MethodOf, Binding]] = {}


class Routes:
    """All bindings, by their segments. Where two have the same one, the first that is built has it.

    Args:
        built: keys of the methods that are.
    """

    def __init__(self, methods: Iterable[MethodOf], built: Iterable[str] = ()) -> None:
        self._root = _Node()
        known = frozenset(built)
        for method in methods:
            for binding in method.bindings:
                self._add(method, binding, known)

    def _add(self, method: MethodOf, binding: Binding, built: frozenset[str]) -> None:
        node = self._root
        ends = node.ends
        for segment in binding.path.strip("/").split("/"):
            if segment.endswith("=**}"):
                ends = node.rest
                break
            if segment.startswith("{"):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.words.setdefault(segment, _Node())
            ends = node.ends
        before = ends.get(binding.verb)
        if before is None or (before[0].key not in built and method.key in built):
            ends[binding.verb] = (method, binding)

    def find(self, verb: str, path: str) -> Route | frozenset[str]:
        """The route of a path as it was sent, its segments still encoded; the verbs it has where this one is not among
        them, none where there is no such path."""
        if len(path) > LONGEST:
            return frozenset()
        segments = path.strip("/").split("/")
        found = self._walk(self._root, segments, verb)
        if isinstance(found, frozenset):
            return found
        method, binding = found
        return Route(method, binding, tuple(_values(binding.path, segments)))

    def _walk(self, node: _Node, segments: list[str], verb: str) -> tuple[MethodOf, Binding] | frozenset[str]:
        """Words go before fields, and a path that leads nowhere is left for the next one."""
        verbs: frozenset[str] = frozenset()
        if not segments:
            return node.ends.get(verb) or node.rest.get(verb) or frozenset([*node.ends, *node.rest])
        for child in (node.words.get(segments[0]), node.any):
            if child is not None:
                found = self._walk(child, segments[1:], verb)
                if not isinstance(found, frozenset):
                    return found
                verbs |= found
        return node.rest.get(verb) or (verbs | frozenset(node.rest))


def _values(template: str, segments: list[str]) -> Iterable[tuple[str, str]]:
    for place, part in enumerate(template.strip("/").split("/")):
        if part.endswith("=**}"):
            yield part[1:].partition("=")[0], unquote("/".join(segments[place:]))
        elif part.startswith("{"):
            yield part[1:-1], unquote(segments[place])
