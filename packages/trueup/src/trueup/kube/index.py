"""The objects a watch cache holds, found by key, by owner reference and by what ``classify`` says. No I/O here.

Bodies are kept of what ``keep`` says and of what was asked for; of the rest, what a tree shows (:class:`Node`).

Three sources meet: lists, watch events and the responses of our own writes. Resource versions put them in order.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeVar

from trueup.kube.node import Brief, node_of
from trueup.kube.object import newer, supersedes
from trueup.kube.room import Room, weight
from trueup.model.live import LiveObject, Node, Seen, Shown
from trueup.model.resource import GroupKind, ResourceKey

Classify = Callable[[LiveObject], str | None]
_Place = tuple[GroupKind, str]
Change = tuple[Seen | None, Seen | None]
"""An object before and after; None before it was there, None after it went."""
Keep = Callable[[LiveObject], bool]
_Kept = TypeVar("_Kept", LiveObject, Seen)

ASKED = 20_000
"""Objects that are remembered to have been asked for. One that is forgotten is only read again."""


class Index:
    """Live objects of one cluster. Every method that changes it returns what changed.

    Args:
        classify: the group an object belongs to (for us: its application), None for none.
        by_namespace: each namespace has a watch of its own, whose versions say nothing of the others'.
        room: told of the memory that the objects take; whoever reads them asks it first.
        keep: whether an object's body is kept though nobody has asked for it; so is that of every object of a group.
        brief: what a tree shows of an object.
    """

    def __init__(
        self,
        classify: Classify,
        *,
        by_namespace: bool = False,
        room: Room | None = None,
        keep: Keep = lambda _: True,
        brief: Brief = lambda _: Shown(),
    ) -> None:
        self._room = room or Room()
        self._keep, self._brief = keep, brief
        self._asked: OrderedDict[ResourceKey, None] = OrderedDict()
        self._classify = classify
        self._by_namespace = by_namespace
        self._kinds: dict[GroupKind, dict[ResourceKey, Seen]] = {}
        self._groups: dict[str, dict[ResourceKey, LiveObject]] = {}
        self._group_of: dict[ResourceKey, str] = {}
        self._children: dict[str, dict[ResourceKey, Seen]] = {}
        self._progress: dict[_Place, str] = {}
        self._gone: dict[_Place, set[str]] = {}

    def get(self, key: ResourceKey) -> Seen | None:
        return self._kinds.get(GroupKind(key.group, key.kind), {}).get(key)

    def ask(self, key: ResourceKey) -> Node | None:
        """From now on the body of this object is kept. Gives what there is of it where the body has to be read."""
        if key in self._group_of:
            return None
        self._asked[key] = None
        self._asked.move_to_end(key)
        if len(self._asked) > ASKED:
            self._asked.popitem(last=False)
        found = self.get(key)
        return found if isinstance(found, Node) else None

    def reduced(self, found: LiveObject) -> Seen:
        """What is kept of an object."""
        kept = found.key in self._asked or self._classify(found) is not None or self._keep(found)
        return found if kept else node_of(found, self._brief)

    def of_kind(self, kind: GroupKind) -> list[Seen]:
        return list(self._kinds.get(kind, {}).values())

    def kinds(self) -> list[GroupKind]:
        return list(self._kinds)

    def counts(self) -> tuple[int, int]:
        """How many kinds are followed, and how many objects there are of them."""
        return len(self._kinds), sum(map(len, self._kinds.values()))

    def group(self, name: str) -> dict[ResourceKey, LiveObject]:
        return dict(self._groups.get(name, {}))

    def children(self, uid: str) -> list[Seen]:
        return list(self._children.get(uid, {}).values())

    def progressed(self, kind: GroupKind, resource_version: str, namespace: str = "") -> None:
        """The watch of a kind, or of its objects in one namespace, has told everything up to this version."""
        self._progress[self._place(kind, namespace)] = resource_version

    def appeared(self, found: LiveObject) -> list[Change]:
        """A watch event: the object was added or changed."""
        changes = self._take(self.reduced(found))
        self.progressed(found.group_kind, found.resource_version, found.key.namespace)
        return changes

    def disappeared(self, found: LiveObject) -> list[Change]:
        """A watch event: the object, in the state given, was deleted."""
        self.progressed(found.group_kind, found.resource_version, found.key.namespace)
        self._gone.get(self._place_of(found.key), set()).discard(found.uid)
        current = self.get(found.key)
        if current is None or newer(current.resource_version, found.resource_version):
            return []  # an object of that name was created again, and its creation is known already
        if current.uid != found.uid and not newer(found.resource_version, current.resource_version):
            return []
        return self._drop(current)

    def written(self, found: LiveObject) -> list[Change]:
        """The response to a write of ours.

        An object that is absent although its kind's watch has passed this version was deleted since.
        """
        progress = self._progress.get(self._place_of(found.key), "")
        if self.get(found.key) is None and not supersedes(found.resource_version, progress):
            return []
        return self._take(self.reduced(found))

    def completed(self, found: LiveObject) -> list[Change]:
        """The body of an object that was asked for, read beside the watch."""
        current = self.get(found.key)
        if current is None or newer(current.resource_version, found.resource_version):
            # It went, or its next event brings the body.
            return []
        return self._take(self.reduced(found))

    def removed(self, key: ResourceKey, uid: str) -> list[Change]:
        """The server says that the object is gone. Events of it that are still under way are not believed."""
        self._gone.setdefault(self._place_of(key), set()).add(uid)
        current = self.get(key)
        return self._drop(current) if current is not None and current.uid == uid else []

    def replaced(
        self, kind: GroupKind, objects: Iterable[Seen], resource_version: str, namespace: str = ""
    ) -> list[Change]:
        """A complete list of a kind, or of its objects in one namespace. Objects written since it was taken stay.

        A list older than what the watch had told means that the storage was restored from the past: then only the
        list counts.
        """
        place = self._place(kind, namespace)
        restored = newer(self._progress.get(place, ""), resource_version)
        if restored:
            self._gone.pop(place, None)
        self._progress[place] = resource_version
        listed = {found.key: self.reduced(found) if isinstance(found, LiveObject) else found for found in objects}
        changes: list[Change] = []
        for current in self.of_kind(kind):
            if self._place_of(current.key) != place:
                continue
            written_since = newer(current.resource_version, resource_version) and not restored
            if current.key not in listed and not written_since:
                changes += self._drop(current)
        for found in listed.values():
            changes += self._put(found, self.get(found.key)) if restored else self._take(found)
        self._gone[place] = self._gone.get(place, set()) & {found.uid for found in listed.values()}
        return changes

    def _place(self, kind: GroupKind, namespace: str) -> _Place:
        return kind, namespace if self._by_namespace else ""

    def _place_of(self, key: ResourceKey) -> _Place:
        return self._place(GroupKind(key.group, key.kind), key.namespace)

    def _take(self, found: Seen) -> list[Change]:
        current = self.get(found.key)
        if found.uid in self._gone.get(self._place_of(found.key), ()):
            return []
        if current is not None:
            same = current.resource_version == found.resource_version and current.api_version == found.api_version
            if same and (isinstance(current, LiveObject) or isinstance(found, Node)):
                return []
            if newer(current.resource_version, found.resource_version):
                return []
            if current.uid != found.uid and not supersedes(found.resource_version, current.resource_version):
                return []
        return self._put(found, current)

    def _put(self, found: Seen, current: Seen | None) -> list[Change]:
        if current is not None:
            self._unlink(current)
        self._room.used += weight(found)
        key = found.key
        self._kinds.setdefault(found.group_kind, {})[key] = found
        group = self._classify(found) if isinstance(found, LiveObject) else None
        if group is not None and isinstance(found, LiveObject):
            self._group_of[key] = group
            self._groups.setdefault(group, {})[key] = found
        for owner in found.owners:
            self._children.setdefault(owner.uid, {})[key] = found
        return [(current, found)]

    def _drop(self, current: Seen) -> list[Change]:
        self._unlink(current)
        del self._kinds[current.group_kind][current.key]
        return [(current, None)]

    def _unlink(self, current: Seen) -> None:
        self._room.used -= weight(current)
        group = self._group_of.pop(current.key, None)
        if group is not None:
            _discard(self._groups, group, current.key)
        for owner in current.owners:
            _discard(self._children, owner.uid, current.key)


def _discard(groups: dict[str, dict[ResourceKey, _Kept]], name: str, key: ResourceKey) -> None:
    members = groups.get(name, {})
    members.pop(key, None)
    if not members:
        groups.pop(name, None)
