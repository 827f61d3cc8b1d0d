"""From the parser's events to Python values: nothing is composed before the limits have been asked.

The parser (libyaml's, in C) hands out one event after the other and holds no tree, so depth, number of nodes and alias
expansion are known before the memory for them is taken.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn, cast

from msgspec import Struct
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from kubegrammar.yaml.errors import YamlError, YamlLimits
from kubegrammar.yaml.scalars import (
    MERGE_TAG,
    NUMBER_STARTS,
    PYTHON_TAG,
    WORDS,
    Scalar,
    ScalarError,
    plain_key,
    plain_value,
    tagged_key,
    tagged_value,
)

_MERGE: Final = object()
"""The key ``<<``."""

IDENTITY: Final = frozenset({"apiVersion", "kind", "metadata"})
"""Keys that an object has once. Twice in one mapping, they are two objects that have lost the ``---`` between them."""

_ITEM_DEPTH: Final = 3
"""Of a mapping that is an item of a list of objects (``items``)."""

_WARNINGS_TOLD: Final = 20
_KEY_TOLD: Final = 80

# Go's measure of excessive aliasing (go-yaml v2, decode.go): small documents may be almost all aliases, large ones
# hardly any, and what lies between is on a straight line.
_ALIASES_FREE: Final = 100
_NODES_FREE: Final = 1000
_SMALL: Final = 400_000
_LARGE: Final = 4_000_000
_SMALL_SHARE: Final = 0.99
_LARGE_SHARE: Final = 0.10


class _Anchored(Struct):
    """The node that an anchor names, and the number of nodes in it, aliases expanded; 0 while it is still open."""

    event: NodeEvent
    value: Any = None
    size: int = 0


class Constructor:
    """Builds the documents of one text.

    Args:
        data: UTF-8.
        origin: the text's name, for errors and warnings.

    Attributes:
        warnings: one for each duplicate key, naming origin and line.
        glued: 1-based line at which a second object begins inside the document that was read last; 0 for none.
    """

    def __init__(self, data: bytes, origin: str, limits: YamlLimits) -> None:
        self.warnings: list[str] = []
        # The parser gives None only after the end of the stream, where nobody asks.
        self._next = cast(Callable[[], Event], CParser(data).get_event)
        self._origin = origin
        self._limits = limits
        self._nodes = 0
        self._depth = 0
        self._repeated = 0
        self._duplicates = 0
        self._known_keys: dict[str, str] = {}
        self._begin_document()

    def document(self) -> tuple[Any, int] | None:
        """The next document's value and the 1-based line of its first node; None at the end of the text.

        Raises:
            YamlError: a limit is exceeded, or Kubernetes' meaning of a node is an error.
            yaml.YAMLError: the text is no YAML.
        """
        while True:
            event = self._next()
            if type(event) is StreamEndEvent:
                if self._duplicates > _WARNINGS_TOLD:
                    more = self._duplicates - _WARNINGS_TOLD
                    self.warnings.append(f"{self._origin}: {more} more duplicate keys, the last of each is used")
                return None
            if type(event) is DocumentStartEvent:
                self._begin_document()
                root = self._next()
                return self._node(root), line_of(root)

    def _begin_document(self) -> None:
        self.glued = 0
        self._in_item = 0
        self._anchors: dict[str, _Anchored] = {}
        self._first_node = self._nodes
        self._alias_nodes = 0

    def _node(self, event: Event) -> Any:
        """The value of the node that begins with `event`; takes its events up to the last."""
        if type(event) is ScalarEvent and event.anchor is None and self._nodes < self._limits.nodes:
            self._nodes += 1
            return self._scalar(event)
        if type(event) is AliasEvent:
            return self._alias(event)
        self._count(event)
        node = cast(NodeEvent, event)
        if node.anchor is None:
            return self._value(node)
        anchored = self._anchors[node.anchor] = _Anchored(node)
        before = self._nodes
        anchored.value = self._value(node)
        anchored.size = self._nodes - before + 1
        return anchored.value

    def _value(self, event: NodeEvent) -> Any:
        if type(event) is MappingStartEvent:
            self._enter(event)
            mapping = self._mapping()
            self._depth -= 1
            return mapping
        if type(event) is SequenceStartEvent:
            self._enter(event)
            items = []
            while type(item := self._next()) is not SequenceEndEvent:
                items.append(self._node(item))
            self._depth -= 1
            return items
        return self._scalar(cast(ScalarEvent, event))

    def _mapping(self) -> dict[str, Any]:
        """The mapping whose start has been taken."""
        next_event, known_keys = self._next, self._known_keys
        mapping: dict[str, Any] = {}
        merged: set[str] = set()
        twice: dict[str, int] = {}
        top = self._depth == 1
        while type(event := next_event()) is not MappingEndEvent:
            if type(event) is ScalarEvent and event.value in known_keys and _is_bare(event):
                self._nodes += 1
                key: object = known_keys[event.value]
            else:
                key = self._key(event)
            value_event = next_event()
            if key is _MERGE:
                # In the order of the text, as in Go: what is merged late wins over what was written before.
                found = self._merge(value_event)
                mapping.update(found)
                merged.update(found)
                continue
            assert isinstance(key, str)
            if key in mapping and key not in merged:
                self._warn_of_duplicate(event, key)
                twice.setdefault(key, line_of(event))
            if top and key == "items":
                self._in_item = 0
            mapping[key] = self._node(value_event)
            if top and key == "items":
                self.glued = self.glued or self._in_item
        if twice:
            self._note_glued(twice)
        return mapping

    def _note_glued(self, twice: Mapping[str, int]) -> None:
        """Take down where a second object begins in the mapping that ends here, which has these keys twice."""
        lines = [line for key, line in twice.items() if key in IDENTITY]
        if is_glued(twice, top=self._depth == 1):
            self.glued = min(lines)
        elif lines and self._depth == _ITEM_DEPTH:
            self._in_item = min(lines)

    def _key(self, event: Event) -> object:
        """The key, a string or the merge key."""
        if type(event) is AliasEvent:
            target = self._anchored(event).event
            self._count(event)
            return self._key_of(target, event)
        self._count(event)
        node = cast(NodeEvent, event)
        if node.anchor is not None:
            self._anchors[node.anchor] = _Anchored(
                node, None if type(node) is not ScalarEvent else self._scalar(node), 1
            )
        return self._key_of(node, event)

    def _key_of(self, node: NodeEvent, place: Event) -> object:
        if type(node) is not ScalarEvent:
            self._fail(place, "a key is a mapping or a sequence")
        text, tag = node.value, node.tag
        if text == "<<" and node is place and (tag == MERGE_TAG or (tag is None and node.implicit[0])):
            return _MERGE
        try:
            if tag is not None and tag != "!":
                return tagged_key(tag, text)
            if tag == "!" or not node.implicit[0]:
                return text
            key = plain_key(text)
        except ScalarError as error:
            self._fail(place, str(error))
        if key == text:
            self._known_keys[text] = key
        return key

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text, tag = event.value, event.tag
        if tag is None:
            if not event.implicit[0] or (text not in WORDS and text[0] not in NUMBER_STARTS):
                return text
        elif tag == "!":
            return text
        try:
            return plain_value(text) if tag is None else tagged_value(tag, text)
        except ScalarError as error:
            self._fail(event, str(error))

    def _alias(self, event: AliasEvent) -> Any:
        """A copy of what the alias stands for: nobody who edits one place may change another."""
        anchored = self._anchored(event)
        self._count(event, 1 + anchored.size)
        self._alias_nodes += anchored.size
        total = self._nodes - self._first_node
        if (
            self._alias_nodes > _ALIASES_FREE
            and total > _NODES_FREE
            and self._alias_nodes / total > _allowed_alias_share(total)
        ):
            self._fail(event, "document contains excessive aliasing")
        return self._copy(anchored.value, event, self._limits.depth - self._depth)

    def _anchored(self, event: AliasEvent) -> _Anchored:
        anchored = self._anchors.get(event.anchor or "")
        if anchored is None:
            self._fail(event, "an alias to an anchor that is not defined before it")
        if not anchored.size:
            self._fail(event, "an alias inside the value of its own anchor")
        return anchored

    def _copy(self, value: Any, event: AliasEvent, room: int) -> Any:
        if not isinstance(value, dict | list):
            if isinstance(value, str):
                self._repeat(value, event)
            return value
        if room <= 0:
            self._fail(event, "nested too deeply")
        if isinstance(value, dict):
            for key in value:
                self._repeat(key, event)
            return {key: self._copy(item, event, room - 1) for key, item in value.items()}
        return [self._copy(item, event, room - 1) for item in value]

    def _repeat(self, text: str, event: AliasEvent) -> None:
        self._repeated += len(text)
        if self._repeated > self._limits.repeated:
            self._fail(event, "document contains excessive aliasing")

    def _merge(self, event: Event) -> dict[str, Any]:
        """The mapping that a merge key asks for: a mapping, or a sequence of them in which earlier ones win."""
        aliased = type(event) is AliasEvent
        value = self._node(event)
        if isinstance(value, dict):
            return value
        if aliased or not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._fail(event, "a merge key needs a mapping or a sequence of mappings")
        found: dict[str, Any] = {}
        for item in reversed(value):
            found.update(item)
        return found

    def _enter(self, event: NodeEvent) -> None:
        tag = cast(MappingStartEvent | SequenceStartEvent, event).tag
        if tag is not None and tag.startswith(PYTHON_TAG):
            self._fail(event, "a tag may not ask for a Python object")
        self._depth += 1
        if self._depth > self._limits.depth:
            self._fail(event, "nested too deeply")

    def _count(self, event: Event, nodes: int = 1) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.nodes:
            self._fail(event, "too many nodes")

    def _warn_of_duplicate(self, event: Event, key: str) -> None:
        self._duplicates += 1
        if self._duplicates <= _WARNINGS_TOLD:
            told = key if len(key) <= _KEY_TOLD else key[:_KEY_TOLD] + "…"
            self.warnings.append(f"{self._origin}:{line_of(event)}: duplicate key {told!r}, the last one is used")

    def _fail(self, event: Event, problem: str) -> NoReturn:
        mark = event.start_mark
        assert mark is not None
        raise YamlError(self._origin, mark.line + 1, mark.column + 1, problem)


def line_of(event: Event) -> int:
    """The 1-based line at which an event begins."""
    assert event.start_mark is not None
    return event.start_mark.line + 1


def is_glued(twice: Iterable[str], *, top: bool) -> bool:
    """Whether a mapping with these duplicate keys is two objects in one. Below the top one of the keys may be a slip of
    another kind."""
    return len(IDENTITY.intersection(twice)) > (0 if top else 1)


def _is_bare(event: ScalarEvent) -> bool:
    return event.tag is None and event.anchor is None and event.implicit[0]


def _allowed_alias_share(nodes: int) -> float:
    between = (min(max(nodes, _SMALL), _LARGE) - _SMALL) / (_LARGE - _SMALL)
    return _SMALL_SHARE + between * (_LARGE_SHARE - _SMALL_SHARE)
