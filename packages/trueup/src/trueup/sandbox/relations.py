"""Which objects of the cache belong together, as ``relates`` of a stage file says."""

from collections.abc import Iterator, Mapping

from pocketkube.workloads import Object
from pocketkube.workloads.facts import has_labels, selects
from trueup.kube.cache import WatchCache
from trueup.model.live import LiveObject, Owner
from trueup.model.resource import GroupKind, ResourceKey, group_of
from trueup.sandbox.lifecycle import Controller, Related

Members = dict[ResourceKey, LiveObject]


class Relations:
    """Finds what is related to an object, and what an object is related to.

    Args:
        controllers: by the kind they control.
        cache: where objects are.
    """

    def __init__(self, controllers: Mapping[GroupKind, Controller], cache: WatchCache) -> None:
        self._cache = cache
        self._watching: dict[GroupKind, list[tuple[GroupKind, Related]]] = {}
        for kind, controller in controllers.items():
            for related in controller.relates:
                self._watching.setdefault(related.group_kind, []).append((kind, related))
        self._controllers = controllers
        self._places: dict[tuple[GroupKind, str], Members] = {}
        self._orphans: dict[tuple[GroupKind, str], Members] = {}
        self._objects: dict[str, tuple[str, Object]] = {}

    def changed(self, old: LiveObject | None, new: LiveObject | None) -> set[ResourceKey]:
        """Takes a change of the cache; returns the objects whose controllers should decide again."""
        if old is not None:
            self._forget(old, gone=new is None or new.uid != old.uid)
        if new is not None:
            self._remember(new)
        woken: set[ResourceKey] = set()
        for live in (new, old):
            if live is not None:
                woken.update(self._related_to(live))
        if new is not None and new.group_kind in self._controllers:
            woken.add(new.key)
        return woken

    def of(self, live: LiveObject, controller: Controller) -> list[Object]:
        """What a controller is shown of an object's surroundings."""
        found: dict[str, LiveObject] = {}
        for related in controller.relates:
            for other in [*self._of(live, related, [*found.values()])]:
                found[other.uid] = other
        return [self.decoded(other) for other in found.values()]

    def decoded(self, live: LiveObject) -> Object:
        """An object as JSON values, which nobody may change: it is shown again."""
        version, known = self._objects.get(live.uid, ("", None))
        if known is None or version != live.resource_version:
            known = live.object()
            self._objects[live.uid] = (live.resource_version, known)
        return known

    def _of(self, live: LiveObject, related: Related, before: list[LiveObject]) -> Iterator[LiveObject]:
        kind, namespace = related.group_kind, live.key.namespace
        match related.by:
            case "owner":
                yield from (child for child in self._cache.children(live.uid) if child.group_kind == kind)
                selector = self._selector(live)
                orphans = self._orphans.get((kind, namespace), {}).values() if selector else ()
                yield from (orphan for orphan in orphans if selects(selector, orphan.labels))
            case "selector" | "labels":
                members = self._places.get((kind, namespace), {}).values()
                yield from (member for member in members if self._matches(live, related, member))
            case "target" | "name":
                name = live.key.name if related.by == "name" else self._target(live, kind)
                found = self._cache.get(ResourceKey(kind.group, kind.kind, namespace, name)) if name else None
                if found is not None:
                    yield found
            case "controller":
                for other in before:
                    above = self._controller_of(other)
                    if above is not None and above.group_kind == kind:
                        yield above

    def _related_to(self, live: LiveObject) -> Iterator[ResourceKey]:
        """The objects that are shown this one."""
        for kind, related in self._watching.get(live.group_kind, ()):
            match related.by:
                case "owner":
                    owner = _controlling(live)
                    if owner is not None and GroupKind(group_of(owner.api_version), owner.kind) == kind:
                        yield ResourceKey(kind.group, kind.kind, live.key.namespace, owner.name)
                    elif owner is None:
                        yield from self._adopters(live, kind)
                case "name":
                    yield ResourceKey(kind.group, kind.kind, live.key.namespace, live.key.name)
                case "selector" | "labels" | "target":
                    for other in self._places.get((kind, live.key.namespace), {}).values():
                        if self._matches(other, related, live):
                            yield other.key

    def _adopters(self, orphan: LiveObject, kind: GroupKind) -> Iterator[ResourceKey]:
        for other in self._places.get((kind, orphan.key.namespace), {}).values():
            selector = self._selector(other)
            if selector and selects(selector, orphan.labels):
                yield other.key

    def _matches(self, live: LiveObject, related: Related, member: LiveObject) -> bool:
        if related.by == "target":
            return self._target(live, member.group_kind) == member.key.name
        selector = self._spec(live).get("selector")
        if related.by == "labels":
            return has_labels(member.labels, selector) if selector else False
        return selects(selector, member.labels)

    def _selector(self, live: LiveObject) -> Object | None:
        """The label selector by which a kind adopts; a Service's plain labels are none."""
        selector = self._spec(live).get("selector")
        fits = isinstance(selector, dict) and ("matchLabels" in selector or "matchExpressions" in selector)
        return selector if fits else None

    def _target(self, live: LiveObject, kind: GroupKind) -> str:
        reference = self._spec(live).get("scaleTargetRef") or {}
        same = reference.get("kind") == kind.kind and group_of(reference.get("apiVersion", "")) == kind.group
        return str(reference.get("name", "")) if same else ""

    def _spec(self, live: LiveObject) -> Object:
        return self.decoded(live).get("spec") or {}

    def _controller_of(self, live: LiveObject) -> LiveObject | None:
        owner = _controlling(live)
        if owner is None:
            return None
        key = ResourceKey(group_of(owner.api_version), owner.kind, live.key.namespace, owner.name)
        found = self._cache.get(key)
        return found if found is not None and found.uid == owner.uid else None

    def _remember(self, live: LiveObject) -> None:
        place = (live.group_kind, live.key.namespace)
        self._places.setdefault(place, {})[live.key] = live
        if _controlling(live) is None:
            self._orphans.setdefault(place, {})[live.key] = live

    def _forget(self, live: LiveObject, *, gone: bool) -> None:
        place = (live.group_kind, live.key.namespace)
        for members in (self._places, self._orphans):
            members.get(place, {}).pop(live.key, None)
        if gone:
            self._objects.pop(live.uid, None)


def _controlling(live: LiveObject) -> Owner | None:
    return next((owner for owner in live.owners if owner.controller), None)
