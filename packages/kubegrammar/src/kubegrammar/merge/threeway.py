"""Client-side apply: last applied × wanted × live → one patch, as kubectl computes it (apimachinery
``strategicpatch.CreateThreeWayMergePatch``; for custom resources ``jsonmergepatch``).

What Git declares is set, what was applied last and is no longer declared goes, all else is left alone. That holds of
the items of a list too, where its schema says what tells them apart. kubectl replaces such a list where the patch
cannot speak of items: in custom resources, and where two items share the key that a patch names them by (two ports of
one number). Here it is sent whole, with the items of others in it.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import msgspec

from kubegrammar.merge.schema import ANYTHING, Type
from kubegrammar.merge.strategic import strategic_merge
from kubegrammar.merge.typed import kind_of, member_type
from kubegrammar.patch import equal, merge_patch

Object = dict[str, Any]
Identity = tuple[Hashable, ...]

_REPLACE: Final = {"$patch": "replace"}


class Merging(msgspec.Struct, frozen=True):
    """How objects of a kind merge.

    Attributes:
        type: what the cluster's schema says of the kind.
        strategic: the server takes strategic merge patches of it; custom resources know JSON merge patches alone.
    """

    type: Type
    strategic: bool


class Patch(msgspec.Struct, frozen=True):
    """A patch; empty where nothing is to be changed.

    Attributes:
        exact: a list with items of others is in it whole, so that it is right for this very version of the object.
    """

    body: Object
    exact: bool = False


def three_way(last: Sequence[Object], wanted: Object, live: Object, merging: Merging) -> Patch:
    """The patch, strategic or JSON merge, that brings ``live`` to what ``wanted`` declares.

    Args:
        last: what is known to have been applied, by each record of it; values count in lists of scalars alone.

    Nothing is changed, the patch shares parts with the arguments.

    Raises:
        ValueError: the objects are nested too deep.
    """
    making = _Making(merging.strategic)
    try:
        return Patch(making.members(last, wanted, live, merging.type), making.exact)
    except RecursionError:
        raise ValueError("the object is nested too deep") from None


def identities(items: list[Any], type_: Type) -> list[Identity] | None:
    """What tells the items of a list apart, in their order: the keys that the schema names, defaults filled in, and a
    number for items that are alike. None where the list is atomic, or an item has no key.
    """
    names = _key_names(type_)
    if names is None:
        return None
    found: list[Identity] = []
    counted: dict[Identity, int] = {}
    for item in items:
        known = _identity(item, names, type_.element)
        if known is None:
            return None
        counted[known] = counted.get(known, 0) + 1
        found.append((*known, counted[known]))
    return found


def _key_names(type_: Type) -> tuple[str, ...] | None:
    """The keys of a list's items, none for a set; None for an atomic list."""
    if type_.list_type == "map" and type_.keys:
        return type_.keys
    if type_.list_type == "set":
        return ()
    if _merges(type_):
        return (type_.patch_merge_key,) if type_.patch_merge_key else ()
    return None


def _identity(item: Any, names: tuple[str, ...], element: Type | None) -> Identity | None:
    if not names:
        return None if isinstance(item, dict | list) else (type(item).__name__, item)
    if not isinstance(item, dict):
        return None
    known: list[Hashable] = []
    for name in names:
        declared = element.fields.get(name) if element is not None else None
        value = item.get(name, declared.default if declared is not None else None)
        if isinstance(value, dict | list):
            return None
        known += (type(value).__name__, value)
    return tuple(known) if any(name in item for name in names) else None


def _merges(type_: Type) -> bool:
    return "merge" in type_.patch_strategy


class _Making:
    """One patch in the making."""

    def __init__(self, strategic: bool) -> None:
        self.strategic = strategic
        self.exact = False

    def members(self, last: Sequence[Object], wanted: Object, live: Object, type_: Type) -> Object:
        patch: Object = {}
        for name, value in wanted.items():
            there = live.get(name)
            if value is None:
                # A null in a manifest means that the field is not to be there.
                if there is not None:
                    patch[name] = None
            elif isinstance(value, dict) and isinstance(there, dict):
                before = [one[name] for one in last if isinstance(one.get(name), dict)]
                inner = member_type(type_, name)
                change = self.members(before, value, there, kind_of(value, inner)[1])
                if self.strategic and "retainKeys" in inner.patch_strategy:
                    _retain(change, value, there)
                if change:
                    patch[name] = change
            elif isinstance(value, list) and isinstance(there, list):
                before_items = [one[name] for one in last if isinstance(one.get(name), list)]
                inner = member_type(type_, name)
                patch.update(self.items(name, before_items, value, there, kind_of(value, inner)[1]))
            elif there is None or not equal(value, there):
                patch[name] = value
        gone = {name for one in last for name in one if name not in wanted and live.get(name) is not None}
        return {**patch, **dict.fromkeys(sorted(gone))}

    def items(self, name: str, last: Sequence[list[Any]], wanted: list[Any], live: list[Any], type_: Type) -> Object:
        """What a patch says about a list."""
        ours, theirs = identities(wanted, type_), identities(live, type_)
        if ours is None or theirs is None or not (ours or theirs):
            return {} if equal(wanted, live) else {name: self._whole(wanted, type_)}
        before: dict[Identity, list[Any]] = {}
        for record in last:
            for identity, item in zip(identities(record, type_) or (), record, strict=False):
                before.setdefault(identity, []).append(item)
        there = dict(zip(theirs, live, strict=True))
        three = _Items(before, dict(zip(ours, wanted, strict=True)), there)
        if self.strategic and _merges(type_) and _told_apart(type_, wanted, live, *last):
            return self._by_item(name, three, type_)
        merged = self._merged(three, type_)
        if not equal(merged, live) and self.strategic and type_.patch_merge_key:
            grouped = _grouped(three.wanted, type_.patch_merge_key)
            merged = self._merged(_Items(before, grouped, there), type_)
        if equal(merged, live):
            return {}
        self.exact = True
        return {name: self._whole(merged, type_)}

    def _whole(self, items: list[Any], type_: Type) -> list[Any]:
        return [*items, _REPLACE] if self.strategic and _merges(type_) else items

    def _by_item(self, name: str, three: "_Items", type_: Type) -> Object:
        """Changes of items, deletions and the order, as directives of a strategic patch."""
        key = type_.patch_merge_key
        changed: list[Any] = []
        for identity, item in three.wanted.items():
            if identity not in three.live:
                changed.append(item)
            elif key and (change := self._change(three, identity, type_)):
                changed.append({**change, key: item[key]})
        gone = three.gone()
        patch: Object = {}
        if key:
            changed += [{"$patch": "delete", key: item[key]} for item in gone]
        elif gone:
            patch[f"$deleteFromPrimitiveList/{name}"] = gone
        if changed:
            patch[name] = changed
        if patch or not three.in_order():
            order = [{key: item[key]} if key else item for item in three.wanted.values()]
            if order:
                patch[f"$setElementOrder/{name}"] = order
        return patch

    def _merged(self, three: "_Items", type_: Type) -> list[Any]:
        """The list as it should be: our items in our order, those of others before the item that they stood before."""
        left = three.left()
        merged: list[Any] = []
        ours = {identity: self._item(three, identity, type_) for identity in three.wanted}
        if three.in_order():
            pending = iter(ours.items())
            for identity, item in three.live.items():
                if identity in left:
                    merged.append(item)
                elif identity in ours:
                    for other, mine in pending:
                        merged.append(mine)
                        if other == identity:
                            break
            return [*merged, *(mine for _, mine in pending)]
        return [*ours.values(), *left.values()]

    def _item(self, three: "_Items", identity: Identity, type_: Type) -> Any:
        wanted = three.wanted[identity]
        there = three.live.get(identity)
        if not isinstance(wanted, dict) or not isinstance(there, dict):
            return wanted if there is None else there
        change = self._change(three, identity, type_)
        if not self.strategic:
            return merge_patch(there, change)
        return strategic_merge(there, change, kind_of(wanted, type_.element or ANYTHING)[1]) if change else there

    def _change(self, three: "_Items", identity: Identity, type_: Type) -> Object:
        wanted, there = three.wanted[identity], three.live[identity]
        before = [item for item in three.last.get(identity, ()) if isinstance(item, dict)]
        element = kind_of(wanted, type_.element or ANYTHING)[1]
        change = self.members(before, wanted, there, element)
        if self.strategic and "retainKeys" in type_.patch_strategy:
            _retain(change, wanted, there)
        return change


class _Items(msgspec.Struct, frozen=True):
    """The items of a list on the three sides."""

    last: dict[Identity, list[Any]]
    wanted: dict[Identity, Any]
    live: dict[Identity, Any]

    def gone(self) -> list[Any]:
        return [item for identity, item in self.live.items() if identity in self.last and identity not in self.wanted]

    def left(self) -> dict[Identity, Any]:
        """Live items of others."""
        ours = self.last.keys() | self.wanted.keys()
        return {identity: item for identity, item in self.live.items() if identity not in ours}

    def in_order(self) -> bool:
        """Whether our items that are live have our order."""
        ours = [identity for identity in self.wanted if identity in self.live]
        return ours == [identity for identity in self.live if identity in self.wanted]


def _told_apart(type_: Type, *lists: list[Any]) -> bool:
    """Whether the one key that a strategic patch knows items by names each once."""
    key = type_.patch_merge_key
    for items in lists:
        names = [item.get(key) if key and isinstance(item, dict) else item for item in items]
        if None in names or any(isinstance(name, dict | list) for name in names) or len(set(names)) < len(names):
            return False
    return True


def _grouped(items: dict[Identity, Any], key: str) -> dict[Identity, Any]:
    """In the order in which a strategic merge leaves items of one key: together."""
    groups: dict[str, dict[Identity, Any]] = {}
    for identity, item in items.items():
        groups.setdefault(repr(item.get(key)), {})[identity] = item
    return {identity: item for group in groups.values() for identity, item in group.items()}


def _retain(change: Object, wanted: Object, live: Object) -> None:
    """The directive by which what Git does not declare of a union goes."""
    kept = sorted(name for name, value in wanted.items() if value is not None)
    if kept and (change or any(value is not None and name not in wanted for name, value in live.items())):
        change["$retainKeys"] = kept
