"""Lists by what their elements are known by: found at once, however long the list is.

Whoever may write a manifest may write a list of a hundred thousand elements, and a record of ownership that names each:
to look for each name in the whole list would take hours.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from kubegrammar.json import canonical

MOST_KINDS_OF_KEYS = 16
"""Sets of key fields by which one list is indexed. A schema has one, or one for each default that is left out."""


def identity(value: Any) -> Hashable:
    """Equal for values that are equal in JSON, as :func:`kubegrammar.patch.equal` compares them."""
    if isinstance(value, bool):
        return ("b", value)
    if isinstance(value, dict):
        return ("m", frozenset((name, identity(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("l", tuple(map(identity, value)))
    return value if isinstance(value, str | int | float) or value is None else ("j", canonical(value))


class Elements:
    """The places of a list's elements, by some of their fields or by the whole of them."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._by_fields: dict[tuple[str, ...], dict[Hashable, list[int]]] = {}
        self._by_value: dict[Hashable, list[int]] | None = None

    def with_keys(self, keys: Mapping[str, Any]) -> list[int]:
        """Places of the objects that have these fields with these values; a field that is absent is null.

        A list that is asked about by too many sets of fields tells nothing any more.
        """
        fields = tuple(sorted(keys))
        index = self._by_fields.get(fields)
        if index is None:
            if len(self._by_fields) >= MOST_KINDS_OF_KEYS:
                return []
            index = self._by_fields[fields] = defaultdict(list)
            for place, item in enumerate(self._items):
                if isinstance(item, dict):
                    index[tuple(identity(item.get(name)) for name in fields)].append(place)
        return index.get(tuple(identity(keys[name]) for name in fields), [])

    def equal_to(self, value: Any) -> list[int]:
        """Places of the elements that are this value."""
        if self._by_value is None:
            self._by_value = defaultdict(list)
            for place, item in enumerate(self._items):
                self._by_value[identity(item)].append(place)
        return self._by_value.get(identity(value), [])

    def named(self, name: str, known: Any) -> list[int]:
        """Places that an entry of FieldsV1 names: ``k:`` by keys, ``v:`` by value.

        Args:
            known: the JSON behind the prefix.
        """
        if name.startswith("k:"):
            return self.with_keys(known) if isinstance(known, dict) else []
        return self.equal_to(known) if name.startswith("v:") else []
