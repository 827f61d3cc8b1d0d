"""Reading YAML: one call, one text, all its documents."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from kubegrammar import pattern
from kubegrammar.encoding import NotText, decode
from kubegrammar.yaml.construct import Constructor
from kubegrammar.yaml.errors import YamlError, YamlLimits
from kubegrammar.yaml.jsonstream import Cut

_DEFAULT: Final = YamlLimits()
_CONTROLS: Final = pattern.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_TAG_LINE: Final = pattern.compile("(?m)^%TAG")
_GLUED_COMMENT: Final = pattern.compile(r"(?m)^---#")
_MARK_AFTER_SEPARATOR: Final = pattern.compile(r"(?m)^(---[^\n]*\n)\x{feff}")
_TAG_DIRECTIVES: Final = 100
"""The parser compares each tag directive with all before it: tens of thousands take minutes."""


class Document(Struct, frozen=True):
    """One document of a text.

    Attributes:
        value: JSON values alone; mappings keep the order of their keys.
        line: 1-based, where the first node begins.
        glued: 1-based line at which a second object begins without ``---`` (``apiVersion``, ``kind`` or ``metadata``
            comes twice); 0 for none.
    """

    value: Any
    line: int
    glued: int = 0


class Loaded(Struct, frozen=True):
    """The documents of a text in their order, and what its author should know."""

    documents: list[Document]
    warnings: list[str]


def load_all(data: bytes, origin: str, limits: YamlLimits = _DEFAULT) -> Loaded:
    """Reads every document of a text; empty and null documents are left out.

    The meaning is that of sigs.k8s.io/yaml. Refused, though Go would read it as something else or drop it without a
    word: an integer outside 64 bits, a ``!!binary`` that is no text, text after the end of a document, and a tag that
    asks for a Python object. Duplicate keys: the last wins, with a warning.

    Read as kubectl reads: UTF-16 (and UTF-32) with a byte order mark, one before each document, JSON documents with
    nothing between them, and a last line that ends though its line end is missing, which a text block keeps.

    Args:
        origin: names the text in errors and warnings, usually a path inside a repository.

    Raises:
        YamlError: no YAML, no text, more than the limits allow, or something that JSON cannot say.
    """
    _refuse_large(data, origin, limits)
    text = _decode(data, origin)
    return _documents_of(text if text.endswith("\n") else f"{text}\n", origin, limits)


def _documents_of(text: str, origin: str, limits: YamlLimits) -> Loaded:
    if "---#" in text:
        # To kubectl a mark with a comment glued to it is a mark.
        text = _GLUED_COMMENT.sub("--- #", text)
    if "\ufeff" in text:
        # Files that were put one behind the other.
        text = _MARK_AFTER_SEPARATOR.sub(r"\1", text)
    if text.lstrip().startswith("{"):
        # As kubectl does, and because YAML folds lines inside quotes that JSON leaves alone.
        cut = Cut(text, origin, limits)
        if cut.documents:
            return _joined(cut, origin, limits)
    try:
        return _read(text, origin, limits)
    except YamlError:
        cut = Cut(text, origin, limits)
        if not cut.documents:
            raise
    return _joined(cut, origin, limits)


def _joined(cut: Cut, origin: str, limits: YamlLimits) -> Loaded:
    """The JSON documents of a text and the YAML documents beside them, in their order."""
    rest = _read(cut.rest, origin, limits)
    documents = [*(Document(*found) for found in cut.documents), *rest.documents]
    return Loaded(sorted(documents, key=lambda document: document.line), [*cut.warnings, *rest.warnings])


def _read(text: str, origin: str, limits: YamlLimits) -> Loaded:
    """The documents of a YAML text."""
    if text.count("%TAG") > _TAG_DIRECTIVES and len(_TAG_LINE.findall(text)) > _TAG_DIRECTIVES:
        raise YamlError(origin, 1, 1, "too many tag directives")
    constructor = Constructor(text.encode(), origin, limits)
    try:
        documents = list(_documents(constructor))
    except MarkedYAMLError as error:
        raise _syntax_error(error, text, origin) from None
    except ReaderError:
        raise _character_error(text, origin) from None
    except RecursionError:
        raise YamlError(origin, 1, 1, "nested too deeply") from None
    return Loaded(documents, constructor.warnings)


def load(data: bytes, origin: str, limits: YamlLimits = _DEFAULT) -> Any:
    """Reads a text of one document, as sigs.k8s.io/yaml does; None when it has none. Duplicate keys: the last wins, and
    nobody is told.

    Raises:
        YamlError: as `load_all`, or more than one document.
    """
    _refuse_large(data, origin, limits)
    documents = _documents_of(_decode(data, origin), origin, limits).documents
    if len(documents) > 1:
        raise YamlError(origin, documents[1].line, 1, "one document expected, a second one begins here")
    return documents[0].value if documents else None


def _refuse_large(data: bytes, origin: str, limits: YamlLimits) -> None:
    if len(data) > limits.size:
        raise YamlError(origin, 1, 1, f"larger than {limits.size} bytes")


def _documents(constructor: Constructor) -> Iterator[Document]:
    while (found := constructor.document()) is not None:
        value, line = found
        if value is not None:
            yield Document(value, line, constructor.glued)


def _decode(data: bytes, origin: str) -> str:
    try:
        return decode(data)
    except NotText as error:
        raise YamlError(origin, *_place(error.before), str(error)) from None


def _character_error(text: str, origin: str) -> YamlError:
    found = _CONTROLS.search(text)
    if found is None:
        return YamlError(origin, 1, 1, "not readable as text")
    before = text[: found.start()]
    offset = len(before.encode())
    what = "not valid UTF-8 text, NUL" if found[0] == "\0" else f"control character U+{ord(found[0]):04X}"
    return YamlError(origin, *_place(before), f"{what} at byte {offset}")


def _place(before: str) -> tuple[int, int]:
    """The 1-based line and column of what follows `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _syntax_error(error: MarkedYAMLError, text: str, origin: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "not YAML"
    if mark is None:
        return YamlError(origin, 1, 1, problem)
    lines = text.splitlines()
    line, column = mark.line, mark.column
    if line >= len(lines):
        # The text ends too early; the parser points behind a line break that it has added itself.
        line = max(len(lines) - 1, 0)
        column = len(lines[line]) if lines else 0
    elif lines[line][column : column + 1] == "\t":
        return YamlError(origin, line + 1, column + 1, "TAB is not allowed as indentation")
    begin = error.context_mark
    if error.context and begin is not None and begin is not mark and begin.line != mark.line:
        problem = f"{problem} {error.context} that begins on line {begin.line + 1}"
    return YamlError(origin, line + 1, column + 1, problem)
