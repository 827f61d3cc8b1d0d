"""Changing a YAML text by the bytes of a value alone: comments, quotes, order and line ends stay as they are."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import yaml
from yaml.error import MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kubegrammar import pattern
from kubegrammar.yaml.errors import YamlError
from kubegrammar.yaml.read import load_all
from kubegrammar.yaml.scalars import is_timestamp, reads_as_string
from kubegrammar.yaml.write import dump

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PLAIN: Final = pattern.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=~-]*(?::[A-Za-z0-9_./@+=~-]+)*")
"""Texts that are plain scalars in every place of a YAML text."""
_PROPERTY_ENDS: Final = frozenset(" \t\r\n\v\f,[]{}")
_COMMENT: Final = pattern.compile(r"[ \t]+#(.*)")
_BLOCK_STYLES: Final = ("|", ">")
_ASKED_ALONE: Final = 20
"""Changes that are tried one by one, to name the line of the one that cannot be made."""
_Nested: TypeAlias = dict[Step, Any]
"""New strings by the steps that lead to them."""


class Value(msgspec.Struct, frozen=True):
    """A scalar of a text.

    Attributes:
        document: which, from 0.
        path: keys and indices that lead to it.
        text: its content, quotes and escapes resolved.
        comment: what follows ``#`` on its line; empty where nothing does.
        line: from 1.
    """

    document: int
    path: Path
    text: str
    comment: str
    line: int
    start: int
    end: int
    style: str


class Text:
    """A YAML text and changes to it. Each change gives a new text.

    Raises:
        YamlError: it cannot be read.
    """

    def __init__(self, data: bytes, origin: str) -> None:
        self._data, self._origin = data, origin
        self.values = [document.value for document in load_all(data, origin).documents]
        self._mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
        self._text = data.removeprefix(_BYTE_ORDER_MARK).decode()
        try:
            # Null documents are left out of the values, so they are here.
            composed = yaml.compose_all(self._text, Loader=yaml.CSafeLoader)
            self._nodes = [node for node in composed if not _is_null(node)]
        except (MarkedYAMLError, RecursionError) as error:
            raise YamlError(origin, 1, 1, "not readable as YAML") from error

    @property
    def data(self) -> bytes:
        """The text."""
        return self._data

    def scalars(self) -> Iterator[Value]:
        """Every scalar that is a value, in the order of the text; one that aliases lead to comes once."""
        seen: set[int] = set()
        for document, node in enumerate(self._nodes):
            yield from self._scalars(node, document, (), seen)

    def scalar(self, path: Sequence[Step], document: int = 0) -> Value | None:
        """The scalar at a path; None when there is nothing, or no scalar."""
        node = self._find(tuple(path), document)
        if not isinstance(node, ScalarNode):
            return None
        return self._value(node, document, tuple(path))

    def replace(self, value: Value, new: str) -> "Text":
        """The text with another content for one scalar, in its quotes. Content that would not be read as this string
        without quotes gets them.

        Raises:
            YamlError: the scalar is a block (``|``), or stands for others too, by an anchor.
        """
        return self.replace_all([(value, new)])

    def replace_all(self, changes: Sequence[tuple[Value, str]]) -> "Text":
        """The text with other contents for several scalars, in the order of the text; as :meth:`replace`, in one go.

        Raises:
            YamlError: as :meth:`replace`.
        """
        pieces, at = [], 0
        nested: list[_Nested] = [{} for _ in self.values]
        for value, new in changes:
            if value.style in _BLOCK_STYLES:
                raise self._error(value.line, "the value is a block; write it on one line")
            pieces += [self._text[at : value.start], _scalar(new, value.style)]
            at = value.end
            _plant(nested, value, new)
        written = "".join([*pieces, self._text[at:]])
        made = Text(self._mark + written.encode(), self._origin)
        if made.values == [_replaced(value, each) for value, each in zip(self.values, nested, strict=True)]:
            return made
        for value, new in changes[:_ASKED_ALONE] if len(changes) > 1 else ():
            self.replace(value, new)  # says which one it is
        raise self._error(
            changes[0][0].line, "the value cannot be changed alone: an anchor or a duplicate key stands for it too"
        )

    def put(self, path: Sequence[Step], new: str, document: int = 0) -> "Text":
        """The text with a string at a path of keys; what is missing on the way is added at the end of what is there.

        Raises:
            YamlError: something on the way is no mapping, or the value cannot be changed alone.
        """
        path = tuple(path)
        found = self.scalar(path, document)
        if found is not None:
            return self if self._is(path, document, new) else self.replace(found, new)
        return self._grown(path, new, document)

    def _grown(self, path: Path, new: Any, document: int) -> "Text":
        """The text with a value at a path that leads to none: below the deepest mapping that is there."""
        for depth in range(len(path), -1, -1):
            node = self._find(path[:depth], document)
            if node is None and depth:
                continue
            if node is None:
                return self._appended(_nested(path, new), document)
            if depth and _is_null(node):
                return self._filled(path[:depth], _nested(path[depth:], new), document)
            if depth < len(path) and isinstance(node, MappingNode):
                return self._entered(node, path[depth], _nested(path[depth + 1 :], new))
            what = "a text" if depth == len(path) else "a mapping"
            shown = ".".join(map(str, path[:depth])) or "the document"
            raise self._error(node.start_mark.line + 1, f"{shown} is not {what}")
        raise AssertionError("the first node of a document is looked at last")

    def append(self, path: Sequence[Step], item: Any, document: int = 0) -> "Text":
        """The text with one more item in the list at a path; the list, and what leads to it, is made where missing.

        Raises:
            YamlError: what is there is no list.
        """
        path = tuple(path)
        node = self._find(path, document)
        if node is None or _is_null(node):
            if node is not None:
                return self._filled(path, [item], document)
            return self._grown(path, [item], document)
        if not isinstance(node, SequenceNode):
            raise self._error(node.start_mark.line + 1, f"{'.'.join(map(str, path))} is not a list")
        if node.flow_style or not node.value:
            return self._in_flow(node, msgspec.json.encode(item).decode(), bool(node.value))
        indent = node.start_mark.column
        lines = dump(item).rstrip("\n").splitlines()
        block = [f"{' ' * indent}{'  ' if number else '- '}{line}" for number, line in enumerate(lines)]
        return self._lines_after(node, block)

    # --- looking -------------------------------------------------------------------------------------------------

    def _is(self, path: Path, document: int, new: str) -> bool:
        found = self.values[document]
        for step in path:
            found = found[step]
        return bool(found == new and isinstance(found, str))

    def _find(self, path: Path, document: int) -> Node | None:
        if document >= len(self._nodes):
            return None
        node: Node | None = self._nodes[document]
        for step in path:
            if isinstance(node, MappingNode):
                # The last of duplicate keys is the one that counts.
                node = next((v for k, v in reversed(node.value) if isinstance(k, ScalarNode) and k.value == step), None)
            elif isinstance(node, SequenceNode) and isinstance(step, int):
                node = node.value[step] if step < len(node.value) else None
            else:
                return None
        return node

    def _scalars(self, node: Node, document: int, path: Path, seen: set[int]) -> Iterator[Value]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode):
                    yield from self._scalars(value, document, (*path, key.value), seen)
        elif isinstance(node, SequenceNode):
            for number, value in enumerate(node.value):
                yield from self._scalars(value, document, (*path, number), seen)
        elif isinstance(node, ScalarNode):
            yield self._value(node, document, path)

    def _value(self, node: ScalarNode, document: int, path: Path) -> Value:
        start, end = node.start_mark.index, node.end_mark.index
        start = _after_properties(self._text, start, node)
        comment = _COMMENT.match(self._text[end : _line_end(self._text, end)])
        return Value(
            document=document,
            path=path,
            text=node.value,
            comment=comment[1].strip() if comment else "",
            line=node.start_mark.line + 1,
            start=start,
            end=end,
            style=node.style or "",
        )

    # --- adding --------------------------------------------------------------------------------------------------

    def _entered(self, node: MappingNode, key: Step, value: Any) -> "Text":
        if node.flow_style or not node.value:
            pair = f"{msgspec.json.encode(str(key)).decode()}: {msgspec.json.encode(value).decode()}"
            return self._in_flow(node, pair, bool(node.value))
        indent = " " * node.value[0][0].start_mark.column
        lines = dump({str(key): value}).rstrip("\n").splitlines()
        return self._lines_after(node, [indent + line for line in lines])

    def _filled(self, path: Path, value: Any, document: int) -> "Text":
        """A value for a key that has none."""
        node = self._find(path, document)
        assert node is not None
        start, end = node.start_mark.index, node.end_mark.index
        space = "" if self._text[start - 1 : start] == " " else " "
        written = self._text[:start] + space + msgspec.json.encode(value).decode() + self._text[end:]
        return Text(self._mark + written.encode(), self._origin)

    def _in_flow(self, node: Node, item: str, more: bool) -> "Text":
        end = node.end_mark.index - 1
        kept = self._text[:end].rstrip(" \t\r\n")
        comma = "" if not more else " " if kept.endswith(",") else ", "
        written = kept + comma + item + self._text[len(kept) : end] + self._text[end:]
        return Text(self._mark + written.encode(), self._origin)

    def _lines_after(self, node: Node, lines: list[str]) -> "Text":
        """Lines below the last one of a block, below the comment that ends it."""
        line_end = self._line_end
        last = _last(node)
        at = last.end_mark.index
        if not (isinstance(last, ScalarNode) and last.style in _BLOCK_STYLES and self._text[at - 1 : at] == "\n"):
            at = self._end_of_block(node)
        before, after = self._text[:at], self._text[at:]
        if before and not before.endswith("\n"):
            before += line_end
        written = before + "".join(line + line_end for line in lines) + after
        return Text(self._mark + written.encode(), self._origin)

    def _end_of_block(self, node: Node) -> int:
        """Behind the line of a block's last token. Its own mark is where the next token begins, behind comments; that
        of its last node may be far above, where an alias leads to. What looks like a comment above that mark is text.
        """
        lines = self._text[: node.end_mark.index].splitlines(keepends=True)
        rest = self._text[node.end_mark.index :]
        if lines and not lines[-1].endswith(("\n", "\r")) and lines[-1].strip():
            return node.end_mark.index + (rest.find("\n") + 1 or len(rest))
        at, floor = sum(map(len, lines)), _last(node).end_mark.index
        while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")) and at - len(lines[-1]) >= floor:
            at -= len(lines.pop())
        return at

    def _appended(self, value: Any, document: int) -> "Text":
        if document:
            raise self._error(1, "the document is not there")
        text = self._text
        if text and not text.endswith("\n"):
            text += self._line_end
        return Text(self._mark + (text + dump(value).replace("\n", self._line_end)).encode(), self._origin)

    @property
    def _line_end(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"

    def _error(self, line: int, problem: str) -> YamlError:
        return YamlError(self._origin, line, 1, problem)


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {str(step): value}
    return value


def _last(node: Node) -> Node:
    """The node whose text ends a block."""
    while isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
    return node


def _is_null(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null")


def _line_end(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found


def _after_properties(text: str, start: int, node: ScalarNode) -> int:
    """Where the content begins: the mark of a scalar with an anchor or a tag is at that."""
    while text[start : start + 1] in ("&", "!") and node.style not in _BLOCK_STYLES:
        begin = start + 1
        while begin < len(text) and text[begin] not in _PROPERTY_ENDS:
            begin += 1
        rest = begin
        while rest < len(text) and text[rest] in " \t\r\n":
            rest += 1
        if rest == begin or rest > node.end_mark.index:
            break
        start = rest
    return start


def _scalar(text: str, style: str) -> str:
    if style == "'" and "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style == "" and _PLAIN.fullmatch(text) and reads_as_string(text) and not is_timestamp(text):
        return text
    return msgspec.json.encode(text).decode()


def _plant(nested: list[_Nested], value: Value, new: str) -> None:
    place: Any = nested
    for step in (value.document, *value.path)[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[(value.document, *value.path)[-1]] = new


def _replaced(document: Any, changes: _Nested | str) -> Any:
    """A copy of a document with other strings at some places."""
    if isinstance(changes, str):
        return changes
    if not changes:
        return document
    items = enumerate(document) if isinstance(document, list) else document.items()
    copied = {step: _replaced(item, changes[step]) if step in changes else item for step, item in items}
    return list(copied.values()) if isinstance(document, list) else copied
