"""Rules of ``metadata`` (apimachinery ``api/validation/objectmeta.go``, k8s.io/apiserver ``registry/rest``)."""

from collections.abc import Mapping
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.resource import Object, Resource

ANNOTATIONS_LIMIT: Final = 256 * 1024
ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_STANDARD_FINALIZERS: Final = ("kubernetes", ORPHAN, FOREGROUND)
_WIPED: Final = ("creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
_KEPT: Final = ("deletionTimestamp", "deletionGracePeriodSeconds")
_IMMUTABLE: Final = ("name", "namespace", "uid", "creationTimestamp", *_KEPT)
_OWNER_FIELDS: Final = ("apiVersion", "kind", "name", "uid")


def metadata_of(obj: Object) -> dict[str, Any]:
    """The metadata of an object that a client sent; made where it is missing."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        metadata = obj["metadata"] = {}
    return metadata


def wipe(metadata: dict[str, Any]) -> None:
    """Drops what only the server may set on a new object."""
    for key in _WIPED:
        metadata.pop(key, None)


def place(metadata: dict[str, Any], resource: Resource, namespace: str) -> None:
    """Puts the object into the namespace of the request.

    Raises:
        Failure: BadRequest; the object names another.
    """
    given = metadata.get("namespace") or ""
    if not resource.namespaced or not namespace:
        metadata.pop("namespace", None)
    elif not given:
        metadata["namespace"] = namespace
    elif given != namespace:
        raise Failure(
            "BadRequest", "the namespace of the provided object does not match the namespace sent on the request"
        )


def check_name(metadata: Mapping[str, Any], name: str) -> None:
    """Raises:
    Failure: BadRequest; the object has another name than the path, or none.
    """
    given = metadata.get("name") or ""
    if not given:
        text = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        raise Failure("BadRequest", text)
    if given != name:
        text = f"the name of the object ({given}) does not match the name on the URL ({name})"
        raise Failure("BadRequest", text)


def distinct_owners(metadata: dict[str, Any]) -> str:
    """Drops owner references that are there twice; returns the warning, empty where there were none."""
    owners = metadata.get("ownerReferences")
    if not isinstance(owners, list) or len(owners) < 2:
        return ""
    kept: list[Any] = []
    repeated: list[str] = []
    for owner in owners:
        if owner in kept:
            repeated.append(str(owner.get("uid", "")) if isinstance(owner, dict) else "")
        else:
            kept.append(owner)
    if not repeated:
        return ""
    metadata["ownerReferences"] = kept
    text = (
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may "
        "reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed"
    )
    return f"{text}: {', '.join(repeated)}"


def problems_of(obj: Object, resource: Resource, *, custom: bool) -> Problems:
    """What is wrong with the metadata of an object."""
    metadata, problems = obj["metadata"], Problems()
    _check_names(metadata, resource, problems)
    if resource.namespaced:
        problems.each("metadata.namespace", metadata["namespace"], names.label(metadata["namespace"]))
    problems.not_negative("metadata.generation", metadata.get("generation"))
    labels = metadata.get("labels")
    if labels:
        for key, value in labels.items():
            problems.each("metadata.labels", key, names.label_key(key))
            problems.each("metadata.labels", value, names.label_value(value))
    annotations = metadata.get("annotations")
    if annotations:
        size = 0
        for key, value in annotations.items():
            problems.each("metadata.annotations", key, names.label_key(key.lower()))
            size += len(key.encode()) + len(value.encode())
        if size > ANNOTATIONS_LIMIT:
            problems.too_long("metadata.annotations", ANNOTATIONS_LIMIT)
    if metadata.get("ownerReferences"):
        _check_owners(metadata["ownerReferences"], problems)
    if metadata.get("finalizers"):
        _check_finalizers(metadata["finalizers"], problems, custom=custom)
    return problems


def problems_of_change(old: Object, new: Object) -> Problems:
    """What a change of metadata may not do."""
    before, after, problems = old["metadata"], new["metadata"], Problems()
    if before.get("deletionTimestamp"):
        added = sorted(set(after.get("finalizers") or ()) - set(before.get("finalizers") or ()))
        if added:
            shown = ", ".join(f'"{finalizer}"' for finalizer in added)
            text = "no new finalizers can be added if the object is being deleted, found new finalizers"
            problems.forbidden("metadata.finalizers", f"{text} []string{{{shown}}}")
    for key in _IMMUTABLE:
        problems.immutable(f"metadata.{key}", before.get(key), after.get(key))
    return problems


def carry_over(old: Object, new: Object) -> None:
    """What an update keeps whatever it says (``BeforeUpdate``)."""
    before, after = old["metadata"], new["metadata"]
    if not after.get("uid"):
        after["uid"] = before["uid"]
    if before.get("creationTimestamp"):
        after["creationTimestamp"] = before["creationTimestamp"]
    if before.get("deletionTimestamp"):
        after["deletionTimestamp"] = before["deletionTimestamp"]
    if before.get("deletionGracePeriodSeconds") is not None and after.get("deletionGracePeriodSeconds") is None:
        after["deletionGracePeriodSeconds"] = before["deletionGracePeriodSeconds"]


def _check_names(metadata: dict[str, Any], resource: Resource, problems: Problems) -> None:
    check = resource.behaviour.name_problems
    name, prefix = metadata.get("name") or "", metadata.get("generateName") or ""
    if prefix:
        # The random end may make a trailing dash right.
        masked = f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        problems.each("metadata.generateName", prefix, check(masked))
    if name:
        problems.each("metadata.name", name, check(name))
    else:
        problems.required("metadata.name", "name or generateName is required")


def _check_owners(owners: list[Any], problems: Problems) -> None:
    controller = ""
    for index, owner in enumerate(owners):
        field = f"metadata.ownerReferences[{index}]"
        for key in _OWNER_FIELDS:
            if not owner.get(key):
                problems.required(f"{field}.{key}", "must not be empty")
        version = owner.get("apiVersion") or ""
        if version.count("/") > 1 or version.endswith("/"):
            problems.invalid(f"{field}.apiVersion", version, "must be <group>/<version> or <version>")
        if (version, owner.get("kind")) == ("v1", "Event"):
            problems.invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            name = f"{owner.get('kind')}/{owner.get('name')}"
            if controller:
                text = 'Only one reference can have Controller set to true. Found "true" in references for'
                problems.invalid("metadata.ownerReferences", owners, f"{text} {controller} and {name}")
            controller = controller or name


def _check_finalizers(finalizers: list[str], problems: Problems, *, custom: bool) -> None:
    for finalizer in finalizers:
        problems.each("metadata.finalizers", finalizer, names.label_key(finalizer))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        text = f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"
        problems.invalid("metadata.finalizers", finalizers, text)
    if custom:
        return
    for index, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            problems.invalid(f"metadata.finalizers[{index}]", finalizer, text)
