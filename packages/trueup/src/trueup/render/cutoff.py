"""A file that is the beginning of what it was: cut off by a fault, or shortened by somebody.

Nobody stops in the middle of a line, and who takes documents out takes whole ones. What ends between two lines inside
the only document is an edit: nothing tells them apart.
"""

from typing import Any

from kubegrammar import pattern, yaml
from kubegrammar.encoding import salvaged

_MARK = pattern.compile(rf"(?m)^---(?:[{pattern.SPACE}#]|\z)")
_LINE_END = ("\n", "\r")
_PARSED = 1024 * 1024
"""Bytes of a file that is parsed to see whether its last line matters; of a larger one it does."""


_AS_IF = "of the version that was synced last, as if it had been cut off; if it is meant, end it with"


def cut_off(before: bytes, after: bytes) -> str:
    """Why a file looks cut off; empty when it does not.

    Args:
        before: its content at the last sync.
        after: its content now, with which the former begins.
    """
    old, new = salvaged(before), salvaged(after).rstrip("\ufffd")
    rest = old[len(new) :]
    if not rest.strip():
        return ""
    if new.endswith(_LINE_END) or rest.startswith(_LINE_END):
        if _between_documents(new, rest) or not _takes_documents(new, rest):
            return ""
        return f"it ends in the middle of a document {_AS_IF} a whole one"
    if new.rstrip().endswith("}") and rest.lstrip().startswith("{"):
        # JSON after JSON on one line.
        return ""
    if not old.endswith(_LINE_END) and "\n" not in rest and _declared(before) == _declared(after):
        return ""
    return f"it ends in the middle of a line {_AS_IF} a line end"


def _between_documents(new: str, rest: str) -> bool:
    """Whether a document ends where the text does."""
    last = _MARK.split(new)[-1]
    if new.rstrip().endswith("}") and rest.lstrip().startswith("{"):
        return True
    return _MARK.match(rest.lstrip()) is not None or not last.strip()


def _takes_documents(new: str, rest: str) -> bool:
    """Whether whole documents are in what is missing, beside the end of the one that is left in part."""
    last = _MARK.split(new)[-1]
    begun = any(line.strip() and not line.lstrip().startswith("#") for line in last.splitlines())
    return not begun or _MARK.search(rest) is not None


def _declared(data: bytes) -> Any:
    """What makes the objects of a text which they are; the text itself where it cannot be read."""
    if len(data) > _PARSED:
        return data
    try:
        documents = yaml.load_all(data, "").documents
    except yaml.YamlError:
        return data
    return [_identity(document.value) for document in documents]


def _identity(value: Any) -> Any:
    if isinstance(value, dict) and value.get("kind") and "items" not in value:
        return value.get("apiVersion"), value["kind"], value.get("metadata")
    return _unnumbered(value)


def _unnumbered(value: Any) -> Any:
    """A value without its numbers: 10 may well have become 1."""
    if isinstance(value, dict):
        return {key: _unnumbered(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unnumbered(inner) for inner in value]
    return 0 if isinstance(value, int | float) else value
