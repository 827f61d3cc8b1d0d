"""Secrets as people may see them: equal values get equal masks, different ones different masks."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trueup.diff.literal import NO_LITERALS, Literals
from trueup.diff.normalise import comparable, is_secret
from trueup.model.annotations import LAST_APPLIED

_SHORTEST = 8
_FIELDS = ("data", "stringData")
_IDENTITY = ("apiVersion", "kind", "name", "namespace", "uid", "resourceVersion")
"""Which object it is: told by every tree of objects, and what readers find it by."""


def masked(*sides: dict[str, Any] | None, lent: Literals = NO_LITERALS) -> list[dict[str, Any] | None]:
    """Comparable copies of the sides of one comparison, with the values of Secrets masked consistently.

    One Secret among the sides masks them all: which kind is shown is for the objects to say, not for a caller. The
    record of the last client-side apply is left out.

    Args:
        lent: as of :class:`Masks`.
    """
    reduced = [comparable(side) if side is not None else None for side in sides]
    mask = Masks(lent=lent)
    secret = any(side is not None and is_secret(side) for side in sides)
    return [side and (mask.secret(side) if secret else mask.shown(side)) for side in reduced]


class Masks:
    """Masks for the objects that are shown together.

    A Secret is masked by what it is itself, wherever it stands: as an object, in a list, below a field, and as JSON in
    an annotation. Other annotations of a Secret are masked where they hold one of its values, plain or in base64.

    Args:
        annotations: names of annotations whose values are masked on every object
            (``resource.sensitive.mask.annotations``).
        lent: texts of Secrets that objects may have been made with: they are masked wherever they stand, but for what
            names the object itself.
        alike: all values get the same mask, and all annotations of a Secret one: for who brings one of the sides along,
            and would learn from equal masks that a guess is right.
    """

    def __init__(self, annotations: Sequence[str] = (), lent: Literals = NO_LITERALS, *, alike: bool = False) -> None:
        self._annotations, self._lent, self._alike = frozenset(annotations), lent, alike
        self._masks: dict[str, str] = {}

    @property
    def used(self) -> bool:
        """Whether something has been masked."""
        return bool(self._masks)

    def shown(self, value: Any) -> Any:
        """A copy of an object, or of a part of one, as people may see it."""
        return self._without_lent(self._shown(value))

    def secret(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The same of an object that is to be masked as a Secret, whatever it says it is."""
        found: dict[str, Any] = self._without_lent(self._secret(obj))
        return found

    def text(self, text: str) -> str:
        """A text about objects."""
        return self._lent.replaced(text, self._of_text)

    def _without_lent(self, value: Any) -> Any:
        if not self._lent:
            return value
        if not isinstance(value, dict):
            return self._literal(value)
        metadata = value.get("metadata")
        found = {name: each if name in _IDENTITY else self._literal(each) for name, each in value.items()}
        if isinstance(metadata, dict):
            named = {name: each for name, each in metadata.items() if name in _IDENTITY}
            found["metadata"] = {**self._literal(metadata), **named}
        return found

    def _literal(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self._literal(name): self._literal(each) for name, each in value.items()}
            case list():
                return [self._literal(each) for each in value]
            case bool() | None:
                return value
            case int() | float():
                spelt = str(value)
                return value if (shown := self.text(spelt)) == spelt else shown
            case _:
                return value

    def _of_text(self, text: str) -> str:
        return self._of(text) or ""

    def _shown(self, value: Any) -> Any:
        match value:
            case list():
                return [self._shown(each) for each in value]
            case dict() if is_secret(value):
                return self._secret(value)
            case dict():
                copy = {name: self._shown(each) for name, each in value.items()}
                return self._with_annotations(copy) if isinstance(copy.get("metadata"), dict) else copy
            case _:
                return value

    def _secret(self, obj: dict[str, Any]) -> dict[str, Any]:
        result = {name: each if name in _FIELDS else self._shown(each) for name, each in obj.items()}
        for field in _FIELDS:
            if field not in result:
                continue
            values = result[field]
            result[field] = (
                {name: self._of(values[name], encoded=field == "data") for name in sorted(values, key=str)}
                if isinstance(values, dict)
                else self._of(values)
            )
        return self._with_annotations(result, set(_texts(obj)))

    def _with_annotations(self, obj: dict[str, Any], secrets: set[str] | None = None) -> dict[str, Any]:
        metadata = obj.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        if not isinstance(metadata, dict) or not isinstance(annotations, dict):
            return obj
        shown = {name: self._annotation(name, value, secrets) for name, value in annotations.items()}
        return {**obj, "metadata": {**metadata, "annotations": shown}}

    def _annotation(self, name: str, value: Any, secrets: set[str] | None) -> Any:
        text = value if isinstance(value, str) else ""
        if name in self._annotations or (self._alike and secrets is not None):
            return self._of(value)
        if "Secret" in text and text.lstrip()[:1] in ("{", "["):
            try:
                copy = msgspec.json.decode(text)
                shown = self._shown(copy)
            except (msgspec.DecodeError, RecursionError):
                return self._of(value)
            if shown != copy:
                return msgspec.json.encode(shown).decode()
        if secrets and (name == LAST_APPLIED or any(secret in str(value) for secret in secrets)):
            return self._of(value)
        return value

    def _of(self, value: Any, *, encoded: bool = False) -> str | None:
        """One mask for one value, in ``data`` and in ``stringData``."""
        if value is None:
            return None
        plain = (_decoded(value) or value) if encoded and isinstance(value, str) else value
        longer = 0 if self._alike else len(self._masks)
        return self._masks.setdefault(repr(plain), "+" * (_SHORTEST + longer))


def _texts(obj: dict[str, Any]) -> Iterator[str]:
    """The values of a Secret in base64 and plain, but for those so short that they occur anywhere."""
    for field in _FIELDS:
        values = obj.get(field)
        for text in values.values() if isinstance(values, dict) else (values,):
            if not isinstance(text, str):
                continue
            other = _decoded(text) if field == "data" else base64.b64encode(text.encode("utf-8", "replace")).decode()
            yield from (spelling for spelling in (text, other) if len(spelling) >= 4)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except ValueError:
        return ""
