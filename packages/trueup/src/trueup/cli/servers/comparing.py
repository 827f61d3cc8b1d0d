"""What an application declares and how that compares, as an API server tells it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubegrammar import yaml
from trueup import diff as diffs
from trueup.cli.app.inspect import Compared
from trueup.cli.app.sources import Revisions
from trueup.cli.screen import say
from trueup.cli.servers.applications import positioned
from trueup.cli.servers.shape import part, rows, unpacked, word, words
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey, group_of

if TYPE_CHECKING:
    from trueup.cli.servers.applications import ServedApplication

Object = dict[str, Any]
_SECRET = ("", "Secret")
_TRACKING = "argocd.argoproj.io/tracking-id"


async def declared(app: "ServedApplication", revisions: Revisions) -> list[Object]:
    """The objects that an application declares, at these revisions where some are said; masked."""
    query: Object = {}
    if revisions.whole or revisions.each:
        said = revisions.of((await app.view()).app)
        query = {"revision": said[0]} if revisions.whole else positioned(said)
    found = words(await app.ask("GET", "/manifests", query), "manifests")
    return [unpacked(text, "manifests") or {} for text in found]


async def brought(app: "ServedApplication", revisions: Revisions) -> list[Manifest]:
    """The same as manifests; what is in Secrets is masked."""
    from trueup.render.output import manifest_of

    server = app.session.server.address
    return [manifest_of(body, server) for body in await declared(app, revisions)]


async def live_objects(app: "ServedApplication") -> list[Object]:
    """The objects of an application that are there; masked."""
    items = rows(await app.ask("GET", "/managed-resources"), "items")
    found = [live for each in items if (live := _object(each, "liveState")) is not None]
    for live in found:
        part(live, "metadata").pop("managedFields", None)
    return found


async def compared(app: "ServedApplication", revisions: Revisions) -> Compared:
    """What a sync would change, of the declared revision or another one."""
    items = rows(await app.ask("GET", "/managed-resources"), "items")
    sides = {_key(each): (_object(each, "normalizedLiveState"), _after(each)) for each in items}
    if revisions.whole or revisions.each:
        targets = {key_of(body): body for body in await declared(app, revisions)}
        before = {_key(each): _object(each, "targetState") for each in items}
        sides = moved(sides, before, targets)
        if any((key.group, key.kind) == _SECRET for key in targets):
            say("warning: values of Secrets are not compared: the server shows those of no revision", err=True)
    differing = {key: (old, new) for key, (old, new) in sorted(sides.items()) if old != new}
    return Compared(
        {str(key): diffs.render(old, new, left="live", right="git") for key, (old, new) in differing.items()},
        {
            str(key): (yaml.dump(old) if old else "", yaml.dump(new) if new else "")
            for key, (old, new) in differing.items()
        },
        [],
    )


def moved(
    sides: Mapping[ResourceKey, tuple[Object | None, Object | None]],
    before: Mapping[ResourceKey, Object | None],
    targets: Mapping[ResourceKey, Object],
) -> dict[ResourceKey, tuple[Object | None, Object | None]]:
    """Objects as they are and as they would be, where something else is declared. Pure.

    What changes between the two declarations changes what a sync would make of an object now: defaults and what others
    have set are in that, and in no declaration.

    Args:
        sides: as they are, and as a sync would make them now.
        before: what is declared now.
        targets: what would be.
    """
    found: dict[ResourceKey, tuple[Object | None, Object | None]] = {}
    for key in sides.keys() | targets.keys():
        live, becomes = sides.get(key, (None, None))
        target = targets.get(key)
        if target is None:
            found[key] = (live, None) if before.get(key) is not None else (live, becomes)
        elif becomes is None:
            found[key] = (live, diffs.comparable(target))
        else:
            known = before.get(key) or target
            found[key] = (live, laid(becomes, diffs.comparable(known), _alike(target, known)))
    return found


def laid(base: Any, before: Any, after: Any) -> Any:
    """A value with what changes from ``before`` to ``after``. Lists of named things are told by the names. Pure."""
    if before == after:
        return base
    if isinstance(base, dict) and isinstance(before, dict) and isinstance(after, dict):
        found = {name: value for name, value in base.items() if name in after or name not in before}
        for name, value in after.items():
            found[name] = laid(base[name], before.get(name), value) if name in base else value
        return found
    named = [_by_name(each) for each in (base, before, after)]
    if named[0] is None or named[1] is None or named[2] is None:
        return after
    old, was, new = named[0], named[1], named[2]
    kept = [laid(old[name], was.get(name), value) if name in old else value for name, value in new.items()]
    return kept + [value for name, value in old.items() if name not in was and name not in new]


def _by_name(value: Any) -> dict[str, Object] | None:
    """A list of things that have a name each, by it; None where it is another."""
    if not isinstance(value, list) or not all(isinstance(each, dict) and "name" in each for each in value):
        return None
    found = {str(each["name"]): each for each in value}
    return found if len(found) == len(value) else None


def _alike(target: Object, known: Object) -> Object:
    """A declaration with the marks and the masks of another one of the same object."""
    found = diffs.comparable(target)
    mark = part(part(known, "metadata"), "annotations").get(_TRACKING)
    if mark:
        metadata = found["metadata"] = dict(part(found, "metadata"))
        metadata["annotations"] = {_TRACKING: mark, **part(metadata, "annotations")}
    key = key_of(target)
    if (key.group, key.kind) == _SECRET:
        masked = part(diffs.comparable(known), "data")
        found["data"] = {name: masked.get(name, value) for name, value in part(found, "data").items()}
    return found


def _after(item: Object) -> Object | None:
    """The object as a sync would make it; as it is where nothing would change."""
    if not item.get("modified"):
        return _object(item, "normalizedLiveState")
    return _object(item, "predictedLiveState") if item.get("targetState") else None


def _text(body: Object | None) -> str:
    return yaml.dump(body) if body else ""


def _object(item: Object, name: str) -> Object | None:
    return unpacked(word(item, name), name)


def _key(item: Object) -> ResourceKey:
    return ResourceKey(word(item, "group"), word(item, "kind"), word(item, "namespace"), word(item, "name"))


def key_of(body: Object) -> ResourceKey:
    """Which object it is."""
    metadata = part(body, "metadata")
    group = group_of(word(body, "apiVersion"))
    return ResourceKey(group, word(body, "kind"), word(metadata, "namespace"), word(metadata, "name"))
