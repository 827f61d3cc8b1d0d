"""Create (k8s.io/apiserver ``endpoints/handlers/create.go``, ``registry/generic/registry/store.go``)."""

from typing import Final

from kubegrammar.merge import track_update
from pocketkube.cluster import names
from pocketkube.cluster.api.admission import admit_create
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.errors import already_exists, internal, no_free_name
from pocketkube.cluster.api.metadata import distinct_owners, metadata_of, place, problems_of, wipe
from pocketkube.cluster.failure import invalid
from pocketkube.cluster.resource import Object
from pocketkube.cluster.storage import Exists

NAME_LENGTH: Final = 63
SUFFIX_LENGTH: Final = 5
ATTEMPTS: Final = 8


def create(core: Core, call: VerbCall, obj: Object) -> WriteAnswer:
    """Stores a new object.

    Args:
        obj: decoded and defaulted, in the version of the request; it is taken over.

    Raises:
        Failure: as the real server refuses it.
    """
    resource = call.resource
    metadata = metadata_of(obj)
    wipe(metadata)
    place(metadata, resource, call.namespace)
    call.warn(distinct_owners(metadata))
    now = core.now_text()
    track_update(
        None,
        obj,
        core.versions(resource),
        manager=call.options.manager,
        now=now,
        reset=resource.behaviour.reset_fields(resource.api_version, ""),
        blank=resource.behaviour.blank(resource.api_version),
    )
    admit_create(core.storage, resource, call.namespace, metadata.get("name") or "")
    return insert(core, call, obj)


def insert(core: Core, call: VerbCall, obj: Object) -> WriteAnswer:
    """Gives a new object what the server decides, checks and stores it.

    Raises:
        Failure: Invalid, AlreadyExists.
    """
    resource, metadata = call.resource, obj["metadata"]
    generated = not metadata.get("name") and bool(metadata.get("generateName"))
    metadata["uid"] = core.uid()
    metadata["creationTimestamp"] = core.now_text()
    if generated:
        metadata["name"] = _free_name(core, call, metadata["generateName"])
    behaviour, version = resource.behaviour, resource.api_version
    behaviour.prepare_create(obj, version)
    problems = problems_of(obj, resource, custom=core.registry.is_custom(resource))
    problems.extend(behaviour.validate(obj, version))
    name = metadata.get("name") or ""
    if not problems:
        # Of every kind, after its own rules. The random end makes dots right.
        prefix = metadata.get("generateName") or ""
        problems.each("metadata.generateName", prefix, names.path_segment(f"{prefix}-"))
        problems.each("metadata.name", name, names.path_segment(name))
    if problems:
        raise invalid(resource.kind, resource.stored_group, name, problems)
    call.warn(*behaviour.warnings(obj, version))
    if metadata.get("resourceVersion"):
        raise internal("resourceVersion should not be set on objects to be created")
    metadata.pop("resourceVersion", None)
    stored = behaviour.convert(obj, resource.storage_version)
    try:
        if call.options.dry_run:
            if core.storage.get(resource.stored_as, call.namespace, name) is not None:
                raise Exists
            return WriteAnswer(obj, created=True)
        entry = core.storage.create(resource.stored_as, metadata.get("namespace", ""), name, stored)
    except Exists:
        if generated:
            raise no_free_name(resource, name) from None
        current = core.storage.get(resource.stored_as, call.namespace, name)
        leaving = current is not None and bool(current.object()["metadata"].get("deletionTimestamp"))
        raise already_exists(resource, name, leaving=leaving) from None
    return core.written(resource, entry, created=True)


def _free_name(core: Core, call: VerbCall, prefix: str) -> str:
    """A random name; another one while it is taken, a few times."""
    base = prefix[: NAME_LENGTH - SUFFIX_LENGTH]
    name = ""
    for _ in range(ATTEMPTS):
        name = base + core.suffix()
        if core.storage.get(call.resource.stored_as, call.namespace, name) is None:
            break
    return name
