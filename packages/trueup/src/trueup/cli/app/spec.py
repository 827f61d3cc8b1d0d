"""What flags make of an application's specification. Pure.

A specification is the plain data of an Application's ``spec``, so that fields nobody here knows stay as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from trueup.cli.app.flags import FLAGS, Flag
from trueup.model.errors import TrueupError

Spec = dict[str, Any]
_PLACES: dict[str, tuple[str, ...]] = {
    "spec": (),
    "destination": ("destination",),
    "syncPolicy": ("syncPolicy",),
    "automated": ("syncPolicy", "automated"),
}


def change(spec: Spec, given: Mapping[str, Any], source: Spec | None = None) -> None:
    """Set what was given.

    Args:
        given: values by the names of flags; None, and empty ones of several, are not given.
        source: the source that flags of sources mean; the only one of the specification otherwise.

    Raises:
        TrueupError: a value is not of its form, or needs automated sync.
    """
    _policy(spec, given.get("sync_policy"))
    for flag in FLAGS:
        value = given.get(flag.name)
        if value is None or value == ():
            continue
        if flag.block == "automated" and not _automated(spec):
            if not value:
                continue
            # Argo CD's words: to switch automation on takes a flag of its own (cmd/util/app.go SetAppSpecOptions).
            raise TrueupError(
                f"cannot set {flag.option}: application not configured with automatic sync",
                hint="add --sync-policy automated",
            )
        _set(_block(spec, flag, source), flag, value)
    destination = spec.get("destination") or {}
    if given.get("dest_name") and not given.get("dest_server"):
        destination.pop("server", None)
    if given.get("dest_server") and not given.get("dest_name"):
        destination.pop("name", None)


def take_away(spec: Spec, given: Mapping[str, Any], source: Spec | None = None) -> None:
    """Unset what was given: a whole field, or entries of a list by their names. What is not there is no error.

    A block that is empty then goes as well.
    """
    for flag in FLAGS:
        value = given.get(flag.name)
        if not value:
            continue
        block = _block(spec, flag, source)
        if isinstance(value, tuple):
            kept = _without(block.get(flag.field), flag, value)
            if kept:
                block[flag.field] = kept
            else:
                block.pop(flag.field, None)
        else:
            block.pop(flag.field, None)
    _sweep(spec, spec.get("source") if source is None else source)


def source_at(spec: Spec, position: int | None, name: str = "") -> Spec:
    """The source that a command means, to be changed in place.

    Args:
        position: from 1, as Argo CD counts.

    Raises:
        TrueupError: there is none at that place or of that name, or it is not said which of several is meant.
    """
    sources = spec.get("sources")
    if not sources:
        if position not in (None, 1) or name:
            raise TrueupError("the application has one source", hint="leave --source-position and --source-name out")
        block: Spec = spec.setdefault("source", {})
        return block
    if name:
        found = [each for each in sources if each.get("name") == name]
        if len(found) != 1:
            known = ", ".join(each["name"] for each in sources if each.get("name")) or "none has a name"
            raise TrueupError(f"no source is named {name!r} (names: {known})", hint="count with --source-position")
        chosen: Spec = found[0]
        return chosen
    if position is None:
        raise TrueupError(
            f"the application has {len(sources)} sources",
            hint="say which by --source-position, from 1, or --source-name",
        )
    if not 1 <= position <= len(sources):
        raise TrueupError(
            f"there is no source {position}: the application has {len(sources)}", hint="the first one is 1"
        )
    at: Spec = sources[position - 1]
    return at


def add_source(spec: Spec, source: Spec) -> None:
    """One source more; a single one becomes the first of several."""
    if not spec.get("sources"):
        first = spec.pop("source", None)
        spec["sources"] = [first] if first else []
    spec["sources"].append(source)


def remove_source(spec: Spec, source: Spec) -> None:
    """Without that source.

    Raises:
        TrueupError: it is the last one.
    """
    left = [each for each in spec.get("sources") or [] if each is not source]
    if not left:
        raise TrueupError("the last source cannot be removed", hint="`trueup app set` changes it")
    spec["sources"] = left


def pairs(items: Iterable[str], form: str = "KEY=VALUE") -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping.

    Raises:
        TrueupError: one is of another form.
    """
    found = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise TrueupError(f"{item!r} is not {form}", hint="put an equals sign between name and value")
        found[key] = value
    return found


def image_name(text: str) -> str:
    """What a Kustomize image is known by: ``[old=]name[:tag][@digest]`` → old, or name."""
    old, equals, _ = text.partition("=")
    if equals:
        return old
    name = text.partition("@")[0]
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def _block(spec: Spec, flag: Flag, source: Spec | None) -> Spec:
    if flag.block in _PLACES:
        return _inner(spec, *_PLACES[flag.block])
    if flag.block == "backoff":
        retry = _inner(spec, "syncPolicy", "retry")
        return retry if flag.field == "limit" else _inner(retry, "backoff")
    of = _inner(spec, "source") if source is None else source
    if flag.block == "jsonnet":
        return _inner(of, "directory", "jsonnet")
    return of if flag.block == "source" else _inner(of, flag.block)


def _inner(block: Spec, *names: str) -> Spec:
    for name in names:
        if not isinstance(block.get(name), dict):
            block[name] = {}
        block = block[name]
    return block


def _policy(spec: Spec, wanted: str | None) -> None:
    if wanted in ("none", "manual"):
        (spec.get("syncPolicy") or {}).pop("automated", None)
        _drop_empty(spec, "syncPolicy")
    elif wanted:
        automated = _inner(spec, "syncPolicy", "automated")
        if automated.get("enabled") is False:
            del automated["enabled"]


def _automated(spec: Spec) -> bool:
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return isinstance(automated, dict) and automated.get("enabled") is not False


def _set(block: Spec, flag: Flag, value: Any) -> None:
    if flag.how == "switch":
        if value:
            block[flag.field] = True
        else:
            block.pop(flag.field, None)
    elif flag.how in ("text", "number", "file"):
        block[flag.field] = value
    elif flag.how == "list":
        block[flag.field] = list(value)
    elif flag.how == "pairs":
        block[flag.field] = {**(block.get(flag.field) or {}), **pairs(value)}
    else:
        entries = list(block.get(flag.field) or [])
        for item in value:
            entries = _entered(entries, flag, item)
        block[flag.field] = entries
        _drop_empty(block, flag.field)


def _entered(entries: list[Any], flag: Flag, item: str) -> list[Any]:
    if flag.how == "options" and item.startswith("!"):
        left: list[Any] = _without(entries, flag, (item[1:],))
        return left
    entry = _entry(entries, flag, item)
    name = _name(flag, entry)
    places = [index for index, each in enumerate(entries) if _name(flag, each) == name]
    if not places:
        return [*entries, entry]
    return [entry if index == places[0] else each for index, each in enumerate(entries) if index not in places[1:]]


def _entry(entries: list[Any], flag: Flag, item: str) -> Any:
    if flag.how == "images":
        return item
    (name, value), *_ = pairs((item,), flag.metavar or "NAME=VALUE").items()
    if flag.how == "options":
        return item
    if flag.how == "replicas":
        if not value.isdecimal():
            raise TrueupError(f"{item!r} is not NAME=COUNT", hint="the count is a whole number")
        return {"name": name, "count": int(value)}
    if flag.how == "variables":
        return {"name": name, "value": value, **({"code": True} if flag.forced else {})}
    if flag.field == "fileParameters":
        return {"name": name, "path": value}
    before: dict[str, Any] = next((each for each in entries if _name(flag, each) == name), {})
    forced = before.get("forceString", False) if flag.forced is None else flag.forced
    return {"name": name, "value": value, **({"forceString": True} if forced else {})}


def _name(flag: Flag, entry: Any) -> str:
    """What an entry of a list is known by."""
    if isinstance(entry, dict):
        return str(entry.get("name", ""))
    return image_name(str(entry)) if flag.how == "images" else str(entry).partition("=")[0]


def _without(found: Any, flag: Flag, names: tuple[str, ...]) -> Any:
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if key not in names}
    if flag.how == "images":
        return [each for each in found or [] if each not in names and image_name(each) not in map(image_name, names)]
    if flag.how == "list":
        return [each for each in found or [] if each not in names]
    return [each for each in found or [] if each not in names and _name(flag, each) not in names]


def _sweep(spec: Spec, source: Spec | None) -> None:
    """Blocks that say nothing any more; ``automated: {}`` does say something."""
    if source is not None:
        if isinstance(source.get("directory"), dict):
            _drop_empty(source["directory"], "jsonnet")
        for tool in ("helm", "kustomize", "directory", "plugin"):
            _drop_empty(source, tool)
    policy = spec.get("syncPolicy")
    if isinstance(policy, dict):
        if isinstance(policy.get("retry"), dict):
            _drop_empty(policy["retry"], "backoff")
        _drop_empty(policy, "retry")
    _drop_empty(spec, "syncPolicy")


def _drop_empty(block: Spec, field: str) -> None:
    if field in block and block[field] in ({}, []):
        del block[field]
