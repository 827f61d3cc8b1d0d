"""The scale subresource (``pkg/registry/apps/*/storage``, apimachinery ``util/managedfields/scalehandler.go``)."""

from typing import Any, Final

from kubegrammar.merge import Conflicts, TypedError, apply
from pocketkube.cluster import catalog
from pocketkube.cluster.api.applying import conflict_of, kind_text, read_configuration
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.decoding import check_size
from pocketkube.cluster.api.errors import internal, unknown_resource
from pocketkube.cluster.api.metadata import check_name, place
from pocketkube.cluster.api.patches import APPLY_PATCH, read_patch
from pocketkube.cluster.api.update import track, update
from pocketkube.cluster.failure import Failure, invalid, not_found
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.resource import Object, Resource, ScalePaths
from pocketkube.cluster.storage import StoredObject

VERSION: Final = "autoscaling/v1"
_SHOWN: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def paths_of(resource: Resource) -> ScalePaths:
    """Raises:
    Failure: NotFound; there is no such subresource.
    """
    paths = resource.behaviour.scale_paths(resource.api_version)
    if paths is None:
        raise unknown_resource()
    return paths


def scale_of(resource: Resource, obj: Object) -> Object:
    """The Scale of an object in the version of the resource."""
    paths, metadata = paths_of(resource), obj["metadata"]
    replicas = _at(obj, paths.spec)
    status: Object = {"replicas": _at(obj, paths.status) or 0}
    selector = _at(obj, paths.selector) if paths.selector else None
    text = selector if isinstance(selector, str) else selector_text(selector)
    if text:
        status["selector"] = text
    return {
        "kind": "Scale",
        "apiVersion": VERSION,
        "metadata": {key: metadata[key] for key in _SHOWN if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def replace_scale(core: Core, call: VerbCall) -> WriteAnswer:
    """PUT.

    Raises:
        Failure: as the real server refuses it.
    """
    body = call.request.body
    check_size(body)
    scale = catalog.read_body(body, call.request.headers.get("content-type", "")).obj
    _check_kind(scale)
    metadata = scale.setdefault("metadata", {})
    place(metadata, call.resource, call.namespace)
    check_name(metadata, call.name)

    def change(live: Object | None, entry: StoredObject | None) -> Object:
        return _changed(core, call, live, entry, scale)

    return update(core, call, change, uid=metadata.get("uid") or "")


def patch_scale(core: Core, call: VerbCall, kind: str) -> WriteAnswer:
    """A patch of any kind.

    Raises:
        Failure: as the real server refuses it.
    """
    if kind == APPLY_PATCH:
        return _apply(core, call)
    make, _, _ = read_patch(call, kind)

    def change(live: Object | None, entry: StoredObject | None) -> Object:
        if live is None:
            raise not_found(call.resource.plural, call.resource.group, call.name)
        scale = make(scale_of(call.resource, live))
        _check_kind(scale)
        check_name(scale["metadata"], call.name)
        return _changed(core, call, live, entry, scale)

    return update(core, call, change)


def selector_text(selector: Any) -> str:
    """A label selector as one line (``metav1.FormatLabelSelector``); a map of labels too."""
    if not isinstance(selector, dict):
        return ""
    if not {"matchLabels", "matchExpressions"} & selector.keys():
        return ",".join(f"{key}={value}" for key, value in sorted(selector.items()) if isinstance(value, str))
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        key, operator, values = one.get("key", ""), one.get("operator"), ",".join(sorted(one.get("values") or ()))
        words = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append((key, words.get(str(operator), "")))
    return ",".join(text for _, text in sorted(parts))


def _apply(core: Core, call: VerbCall) -> WriteAnswer:
    resource, configuration = call.resource, read_configuration(call)

    def change(live: Object | None, entry: StoredObject | None) -> Object:
        if live is None or entry is None:
            raise not_found(resource.plural, resource.group, call.name)
        scale = configuration.obj
        if scale.get("kind") != "Scale" or scale.get("apiVersion") != VERSION:
            raise Failure("BadRequest", f"invalid object type: {kind_text(scale)}")
        if (scale.get("metadata") or {}).get("managedFields"):
            raise Failure("BadRequest", "metadata.managedFields must be nil")
        config: Object = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": call.name}}
        replicas = (scale.get("spec") or {}).get("replicas")
        if replicas is not None:
            _put(config, paths_of(resource).spec, _checked(replicas, call.name))
        try:
            new = apply(
                live,
                config,
                core.versions(resource),
                manager=call.options.manager,
                force=call.options.force,
                now=core.now_text(),
                subresource="scale",
            )
        except TypedError as error:
            raise internal(f"failed to create typed patch object ({configuration.described()}): {error}") from None
        except Conflicts as error:
            raise conflict_of(error, api_version=VERSION) from None
        resource.behaviour.default(new, resource.api_version)
        return new

    return update(core, call, change)


def _changed(core: Core, call: VerbCall, live: Object | None, entry: StoredObject | None, scale: Object) -> Object:
    """The object with the replicas of a Scale."""
    resource = call.resource
    if live is None or entry is None:
        raise not_found(resource.plural, resource.group, call.name)
    replicas = _checked((scale.get("spec") or {}).get("replicas") or 0, call.name)
    new = core.read(resource, entry)
    _put(new, paths_of(resource).spec, replicas)
    new["metadata"]["resourceVersion"] = (scale.get("metadata") or {}).get("resourceVersion") or ""
    fields = tuple(f"f:{part}" for part in paths_of(resource).spec)
    if not any(_at(one.get("fieldsV1"), fields) is not None for one in new["metadata"].get("managedFields") or ()):
        # A Scale knows no owners but those of the replicas; without any, none is written down.
        return new
    track(core, call, live, new)
    for one in new["metadata"].get("managedFields") or ():
        # Ownership that came by way of a Scale has no time.
        if one.get("subresource") == "scale":
            one.pop("time", None)
    return new


def _checked(replicas: Any, name: str) -> int:
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        text = "json: cannot unmarshal value into Go struct field ScaleSpec.spec.replicas of type int32"
        raise Failure("BadRequest", f'Scale in version "v1" cannot be handled as a Scale: {text}')
    if replicas < 0:
        problems = Problems()
        problems.not_negative("spec.replicas", replicas)
        raise invalid("Scale", "autoscaling", name, problems)
    return replicas


def _check_kind(scale: Any) -> None:
    if not isinstance(scale, dict) or not isinstance(scale.get("metadata") or {}, dict):
        raise Failure("BadRequest", "the object provided is unrecognized (must be of type Scale)")
    kind, version = scale.get("kind") or "Scale", scale.get("apiVersion") or VERSION
    if (kind, version) != ("Scale", VERSION) or not isinstance(scale.get("spec") or {}, dict):
        text = f'{kind} in version "{str(version).rpartition("/")[2]}" cannot be handled as a Scale'
        raise Failure("BadRequest", f"{text}: unknown conversion")


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(part)
    return obj


def _put(obj: Object, path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        inner = obj.get(part)
        if not isinstance(inner, dict):
            inner = obj[part] = {}
        obj = inner
    obj[path[-1]] = value
