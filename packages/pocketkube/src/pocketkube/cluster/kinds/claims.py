"""PersistentVolumes and the claims to them."""

from typing import Any, Final

from kubegrammar.quantity import parse_quantity
from kubegrammar.time import format_time
from pocketkube.cluster import names
from pocketkube.cluster.kinds.podvolumes import check_source
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.selectors import check_selector
from pocketkube.cluster.resource import Object

_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"
_CLAIM_PROTECTION: Final = "kubernetes.io/pvc-protection"
_VOLUME_PROTECTION: Final = "kubernetes.io/pv-protection"
_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES: Final = ("Block", "Filesystem")
_SOURCES: Final = (("PersistentVolumeClaim", ""), ("VolumeSnapshot", "snapshot.storage.k8s.io"))
_NOT_SOURCE: Final = {
    *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"),
    *("storageClassName", "volumeAttributesClassName", "volumeMode"),
}


def _create_claim(cluster: HomeCluster, obj: Object) -> None:
    """The default class, and the finalizer that keeps a claim while it is used."""
    spec, metadata = obj["spec"], obj["metadata"]
    if spec.get("storageClassName") is None and _BETA_CLASS not in (metadata.get("annotations") or {}):
        classes = [
            item
            for item in cluster.objects.every("storageclasses.storage.k8s.io")
            if (at(item, "metadata", "annotations") or {}).get(_DEFAULT_CLASS) == "true"
        ]
        if classes:
            newest = max(classes, key=lambda item: (item["metadata"].get("creationTimestamp", ""), _reversed(item)))
            spec["storageClassName"] = newest["metadata"]["name"]
    _protect(obj, _CLAIM_PROTECTION)
    _same_source(spec)
    obj["status"] = {"phase": "Pending"}


def _update_claim(_: HomeCluster, __: Object, new: Object) -> None:
    _same_source(new["spec"])


def _same_source(spec: dict[str, Any]) -> None:
    """Both fields for the source say the same; what the old one never took is dropped from it."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        if (source.get("kind"), source.get("apiGroup") or "") in _SOURCES:
            spec["dataSourceRef"] = dict(source)
        else:
            del spec["dataSource"]
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)


def _reversed(item: Object) -> tuple[int, ...]:
    return tuple(-ord(char) for char in item["metadata"]["name"])


def _protect(obj: Object, finalizer: str) -> None:
    metadata = obj["metadata"]
    if finalizer not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]


def _claim(obj: Object, problems: Problems) -> None:
    check_claim_spec(obj["spec"], "spec", problems)


def check_claim_spec(spec: dict[str, Any], field: str, problems: Problems) -> None:
    modes = spec.get("accessModes") or []
    if not modes:
        problems.required(f"{field}.accessModes", "at least 1 access mode is required")
    check_selector(spec.get("selector"), f"{field}.selector", problems)
    for mode in modes:
        if mode not in _MODES:
            problems.unsupported(f"{field}.accessModes", mode, _MODES)
    if "ReadWriteOncePod" in modes and len({mode for mode in modes if mode in _MODES}) > 1:
        problems.forbidden(f"{field}.accessModes", "may not use ReadWriteOncePod with other access modes")
    size = at(spec, "resources", "requests", "storage")
    if size is None:
        problems.required(f"{field}.resources[storage]")
    elif parse_quantity(size) <= 0:
        problems.invalid(f"{field}.resources[storage]", size, "must be greater than zero")
    for key in ("storageClassName", "volumeAttributesClassName"):
        if spec.get(key):
            problems.each(f"{field}.{key}", spec[key], names.subdomain(spec[key]))
    problems.one_of(f"{field}.volumeMode", spec.get("volumeMode"), _VOLUME_MODES, required=False)
    for key in ("dataSource", "dataSourceRef"):
        if spec.get(key) is not None:
            _check_data_source(spec[key], f"{field}.{key}", problems)


def _check_data_source(source: dict[str, Any], field: str, problems: Problems) -> None:
    for key in ("name", "kind"):
        if not source.get(key):
            problems.required(f"{field}.{key}")
    kind, group = source.get("kind", ""), source.get("apiGroup") or ""
    if not group and kind != "PersistentVolumeClaim":
        problems.invalid(field, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
    elif group:
        problems.each(f"{field}.apiGroup", group, names.subdomain(group))


_BOUND_CHANGES: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def _change_claim(old: Object, new: Object, problems: Problems) -> None:
    before, after = _claim_core(old, new), _claim_core(new, new)
    if before != after:
        problems.forbidden("spec", _BOUND_CHANGES)
    wanted, known, capacity = (
        parse_quantity(amount or "0")
        for amount in (
            at(new, "spec", "resources", "requests", "storage"),
            at(old, "spec", "resources", "requests", "storage"),
            at(old, "status", "capacity", "storage"),
        )
    )
    if wanted < known and wanted <= capacity:
        problems.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    problems.immutable("volumeMode", at(old, "spec", "volumeMode"), at(new, "spec", "volumeMode"))


def _claim_core(obj: Object, new: Object) -> dict[str, Any]:
    """The spec without what a claim may change by now."""
    free = {"dataSource", "dataSourceRef"} if at(new, "status", "phase") != "Bound" else set()
    spec = {key: value for key, value in obj["spec"].items() if key not in free}
    if at(new, "status", "phase") == "Bound":
        spec.pop("volumeAttributesClassName", None)
        resources = dict(spec.get("resources") or {})
        resources["requests"] = {
            key: size for key, size in (resources.get("requests") or {}).items() if key != "storage"
        }
        spec["resources"] = resources
    if not at(obj, "spec", "volumeName") or not at(new, "spec", "volumeName"):
        spec.pop("volumeName", None)
    if not at(obj, "spec", "storageClassName"):
        spec.pop("storageClassName", None)
    return spec


def _create_volume(cluster: HomeCluster, obj: Object) -> None:
    _protect(obj, _VOLUME_PROTECTION)
    obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": format_time(cluster.now())}


def _volume_status(cluster: HomeCluster, old: Object, new: Object, subresource: str) -> None:
    if subresource != "status":
        return
    status, before = new.setdefault("status", {}), old.get("status") or {}
    since = before.get("lastPhaseTransitionTime")
    if status.get("phase") == before.get("phase"):
        if since and not status.get("lastPhaseTransitionTime"):
            status["lastPhaseTransitionTime"] = since
    elif status.get("lastPhaseTransitionTime") in (None, since):
        status["lastPhaseTransitionTime"] = format_time(cluster.now())


def _volume(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    modes = spec.get("accessModes") or []
    if not modes:
        problems.required("spec.accessModes")
    for mode in modes:
        if mode not in _MODES:
            problems.unsupported("spec.accessModes", mode, _MODES)
    capacity = spec.get("capacity") or {}
    if not capacity:
        problems.required("spec.capacity")
    if set(capacity) != {"storage"}:
        problems.unsupported("spec.capacity", capacity or None, ["storage"])
    for name, amount in capacity.items():
        if parse_quantity(amount) <= 0:
            problems.invalid(f"spec.capacity[{name}]", amount, "must be greater than zero")
    policies = ("Delete", "Recycle", "Retain")
    policy = spec.get("persistentVolumeReclaimPolicy")
    problems.one_of("spec.persistentVolumeReclaimPolicy", policy, policies, required=False)
    sources = [key for key in spec if key not in _NOT_SOURCE]
    if not sources:
        problems.required("spec", "must specify a volume type")
    else:
        check_source({key: spec[key] for key in sources}, "spec", problems)
    if spec.get("storageClassName"):
        name = spec["storageClassName"]
        problems.each("spec.storageClassName", name, names.subdomain(name))
    problems.one_of("spec.volumeMode", spec.get("volumeMode"), _VOLUME_MODES, required=False)


def _change_volume(old: Object, new: Object, problems: Problems) -> None:
    before, after = ({key: spec[key] for key in spec if key not in _NOT_SOURCE} for spec in (old["spec"], new["spec"]))
    if before != after:
        text = "spec.persistentvolumesource is immutable after creation"
        problems.forbidden("spec.persistentvolumesource", text)
    problems.immutable("volumeMode", at(old, "spec", "volumeMode"), at(new, "spec", "volumeMode"))


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "PersistentVolume"): KindRules(
        status=True,
        create=_create_volume,
        on_subresource=_volume_status,
        check=_volume,
        change=_change_volume,
    ),
    ("", "PersistentVolumeClaim"): KindRules(
        status=True, create=_create_claim, update=_update_claim, check=_claim, change=_change_claim
    ),
}
