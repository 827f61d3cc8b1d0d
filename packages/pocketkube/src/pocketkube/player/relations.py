"""Which objects belong together, as ``relates`` of a stage file says."""

from collections.abc import Iterator, Mapping

from pocketkube.player.lifecycle import Controller, Related
from pocketkube.player.objects import FollowedObjects, Key, Kind, Object, SeenObject, group_of, kind_of
from pocketkube.workloads.facts import has_labels, selects

Members = dict[Key, SeenObject]


class Relations:
    """Finds what is related to an object, and what an object is related to.

    Args:
        controllers: by the kind they control.
        objects: where they are.
    """

    def __init__(self, controllers: Mapping[Kind, Controller], objects: FollowedObjects) -> None:
        self._objects = objects
        self._watching: dict[Kind, list[tuple[Kind, Related]]] = {}
        for kind, controller in controllers.items():
            for related in controller.relates:
                self._watching.setdefault(related.of, []).append((kind, related))
        self._controllers = controllers
        self._places: dict[tuple[Kind, str], Members] = {}
        self._orphans: dict[tuple[Kind, str], Members] = {}
        self._decoded: dict[str, tuple[int, Object]] = {}

    def changed(self, old: SeenObject | None, new: SeenObject | None) -> set[Key]:
        """Takes a change; returns the objects whose controllers should decide again."""
        if old is not None:
            self._forget(old, gone=new is None or new.uid != old.uid)
        if new is not None:
            self._remember(new)
        woken: set[Key] = set()
        for live in (new, old):
            if live is not None:
                woken.update(self._related_to(live))
        if new is not None and new.kind in self._controllers:
            woken.add(new.key)
        return woken

    def of(self, live: SeenObject, controller: Controller) -> list[Object]:
        """What a controller is shown of an object's surroundings."""
        found: dict[str, SeenObject] = {}
        for related in controller.relates:
            for other in [*self._of(live, related, [*found.values()])]:
                found[other.uid] = other
        return [self.decoded(other) for other in found.values()]

    def decoded(self, live: SeenObject) -> Object:
        """An object as JSON values, which nobody may change: it is shown again."""
        version, known = self._decoded.get(live.uid, (0, None))
        if known is None or version != live.version:
            known = live.object()
            self._decoded[live.uid] = (live.version, known)
        return known

    def _of(self, live: SeenObject, related: Related, before: list[SeenObject]) -> Iterator[SeenObject]:
        kind, namespace = related.of, live.key.namespace
        match related.by:
            case "owner":
                yield from (child for child in self._objects.children(live.uid) if child.kind == kind)
                selector = self._selector(live)
                orphans = self._orphans.get((kind, namespace), {}).values() if selector else ()
                yield from (orphan for orphan in orphans if selects(selector, orphan.labels))
            case "selector" | "labels":
                members = self._places.get((kind, namespace), {}).values()
                yield from (member for member in members if self._matches(live, related, member))
            case "target" | "name":
                name = live.key.name if related.by == "name" else self._target(live, kind)
                found = self._objects.get(Key(kind, namespace, name)) if name else None
                if found is not None:
                    yield found
            case "controller":
                for other in before:
                    above = self._controller_of(other)
                    if above is not None and above.kind == kind:
                        yield above

    def _related_to(self, live: SeenObject) -> Iterator[Key]:
        """The objects that are shown this one."""
        for kind, related in self._watching.get(live.kind, ()):
            match related.by:
                case "owner":
                    owner = live.controlling
                    if owner is not None and kind_of(owner.api_version, owner.kind) == kind:
                        yield Key(kind, live.key.namespace, owner.name)
                    elif owner is None:
                        yield from self._adopters(live, kind)
                case "name":
                    yield Key(kind, live.key.namespace, live.key.name)
                case "selector" | "labels" | "target":
                    for other in self._places.get((kind, live.key.namespace), {}).values():
                        if self._matches(other, related, live):
                            yield other.key

    def _adopters(self, orphan: SeenObject, kind: Kind) -> Iterator[Key]:
        for other in self._places.get((kind, orphan.key.namespace), {}).values():
            selector = self._selector(other)
            if selector and selects(selector, orphan.labels):
                yield other.key

    def _matches(self, live: SeenObject, related: Related, member: SeenObject) -> bool:
        if related.by == "target":
            return self._target(live, member.kind) == member.key.name
        selector = self._spec(live).get("selector")
        if related.by == "labels":
            return has_labels(member.labels, selector) if selector else False
        return selects(selector, member.labels)

    def _selector(self, live: SeenObject) -> Object | None:
        """The label selector by which a kind adopts; a Service's plain labels are none."""
        selector = self._spec(live).get("selector")
        fits = isinstance(selector, dict) and ("matchLabels" in selector or "matchExpressions" in selector)
        return selector if fits else None

    def _target(self, live: SeenObject, kind: Kind) -> str:
        reference = self._spec(live).get("scaleTargetRef") or {}
        same = reference.get("kind") == kind.kind and group_of(reference.get("apiVersion", "")) == kind.group
        return str(reference.get("name", "")) if same else ""

    def _spec(self, live: SeenObject) -> Object:
        return self.decoded(live).get("spec") or {}

    def _controller_of(self, live: SeenObject) -> SeenObject | None:
        owner = live.controlling
        if owner is None:
            return None
        key = Key(kind_of(owner.api_version, owner.kind), live.key.namespace, owner.name)
        found = self._objects.get(key)
        return found if found is not None and found.uid == owner.uid else None

    def _remember(self, live: SeenObject) -> None:
        place = (live.kind, live.key.namespace)
        self._places.setdefault(place, {})[live.key] = live
        if live.controlling is None:
            self._orphans.setdefault(place, {})[live.key] = live

    def _forget(self, live: SeenObject, *, gone: bool) -> None:
        place = (live.kind, live.key.namespace)
        for members in (self._places, self._orphans):
            members.get(place, {}).pop(live.key, None)
        if gone:
            self._decoded.pop(live.uid, None)
