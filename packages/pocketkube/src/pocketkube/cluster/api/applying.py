"""Server-side apply (k8s.io/apiserver ``patch.go``, apimachinery ``util/managedfields``)."""

from typing import Any

from kubegrammar.merge import Conflicts, TypedError, apply
from pocketkube.cluster import catalog
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.decoding import check_size, typed
from pocketkube.cluster.api.errors import Bare, internal
from pocketkube.cluster.api.metadata import check_name, distinct_owners, metadata_of
from pocketkube.cluster.api.update import update
from pocketkube.cluster.failure import Failure, FieldCause
from pocketkube.cluster.resource import Object
from pocketkube.cluster.storage import StoredObject


class Configuration:
    """What an apply sends.

    Attributes:
        obj: decoded; empty where the body is.
        repeated: keys that are there twice.
    """

    def __init__(self, obj: Object, repeated: list[str]) -> None:
        self.obj, self.repeated = obj, repeated

    def described(self) -> str:
        """``default/a; apps/v1, Kind=Deployment``, as refusals name it."""
        metadata = self.obj.get("metadata") or {}
        namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
        return f"{namespace}/{name}; {kind_text(self.obj)}"


def read_configuration(call: VerbCall) -> Configuration:
    """Raises:
    Failure: BadRequest, RequestEntityTooLarge.
    """
    body = call.request.body
    check_size(body)
    if not body.strip():
        return Configuration({}, [])
    try:
        decoded = catalog.read_body(body, "application/yaml")
    except Failure as failure:
        why = failure.message.removeprefix("error converting YAML to JSON: ")
        raise Failure("BadRequest", f"error encoding patch: {why}") from None
    obj = decoded.obj
    if obj is None:
        return Configuration({}, [])
    if not isinstance(obj, dict):
        names = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}
        text = f"json: cannot unmarshal {names[type(obj)]} into Go value of type map[string]interface {{}}"
        raise Failure("BadRequest", f"error decoding patch: error unmarshaling JSON: while decoding JSON: {text}")
    return Configuration(obj, list(decoded.duplicates))


def server_side_apply(core: Core, call: VerbCall) -> WriteAnswer:
    """Raises:
    Failure: as the real server refuses it.
    """
    configuration = read_configuration(call)

    def change(live: Object | None, _: StoredObject | None) -> Object:
        check_configuration(core, call, configuration)
        new = merged(core, call, live, configuration, call.subresource)
        _report_repeated(call, configuration)
        # What the merge let pass the decoder knows; only what is old and no longer known can go here.
        typed(new, call.resource)
        call.resource.behaviour.default(new, call.resource.api_version)
        check_name(metadata_of(new), call.name)
        call.warn(distinct_owners(new["metadata"]))
        return new

    return update(core, call, change, create=not call.subresource)


def check_configuration(core: Core, call: VerbCall, configuration: Configuration) -> None:
    """Raises:
    Failure: BadRequest; it is of another kind or version, or has managedFields.
    """
    resource, obj = call.resource, configuration.obj
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if kind != resource.kind or not isinstance(version, str) or core.registry.of_kind(version, kind) is None:
        raise Failure("BadRequest", f"invalid object type: {kind_text(obj)}")
    if version != resource.api_version:
        text = "Incorrect version specified in apply patch. Specified patch version"
        raise Failure("BadRequest", f"{text}: {version}, expected: {resource.api_version}")
    metadata = obj.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise Failure("BadRequest", "metadata.managedFields must be nil")


def merged(core: Core, call: VerbCall, live: Object | None, configuration: Configuration, subresource: str) -> Object:
    """What the apply makes of an object, managedFields included.

    Raises:
        Failure: Conflict, or InternalError without a reason where the configuration does not fit its schema.
    """
    resource, options = call.resource, call.options
    try:
        return apply(
            live,
            configuration.obj,
            core.versions(resource),
            manager=options.manager,
            force=options.force,
            now=core.now_text(),
            subresource=subresource,
            reset=resource.behaviour.reset_fields(resource.api_version, subresource),
        )
    except TypedError as error:
        raise internal(f"failed to create typed patch object ({configuration.described()}): {error}") from None
    except Conflicts as error:
        raise conflict_of(error) from None


def conflict_of(error: Conflicts, *, api_version: str = "") -> Failure:
    """The 409 that names every field and its manager.

    Args:
        api_version: is named instead of that of the managers, where given.
    """
    causes: list[FieldCause] = []
    for one in error.conflicts:
        via = f' with subresource "{one.subresource}"' if one.subresource else ""
        using = f" using {api_version or one.api_version}" if one.operation == "Update" else ""
        causes.append(FieldCause("FieldManagerConflict", f'conflict with "{one.manager}"{via}{using}', one.field))
    message = str(error)
    if api_version and len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    return Bare("Conflict", message, causes=causes)


def kind_text(obj: Object) -> str:
    """``apps/v1, Kind=Deployment``; the core group has an empty name here."""
    version: Any = obj.get("apiVersion") or ""
    shown = version if "/" in str(version) else f"/{version}"
    return f"{shown}, Kind={obj.get('kind') or ''}"


def _report_repeated(call: VerbCall, configuration: Configuration) -> None:
    if not configuration.repeated or call.options.validation == "Ignore":
        return
    if call.options.validation == "Strict":
        lines = "".join(f"\n  {text}" for text in configuration.repeated)
        text = f"error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:{lines}"
        raise Failure("BadRequest", text)
    call.warn(*configuration.repeated)
