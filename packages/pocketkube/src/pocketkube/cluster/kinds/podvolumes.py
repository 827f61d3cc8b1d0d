"""What is wrong with the volumes of a pod (k8s.io/kubernetes ``pkg/apis/core/validation``)."""

from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.containers import check_field_reference, check_relative
from pocketkube.cluster.kinds.problems import Problems

Json = dict[str, Any]

_MODES: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATHS: Final = (
    *("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"),
)
_DOWNWARD: Final = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_REQUIRED: Final = {
    "awsElasticBlockStore": ("volumeID",),
    "configMap": ("name",),
    "csi": ("driver",),
    "gcePersistentDisk": ("pdName",),
    "hostPath": ("path",),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "secret": ("secretName",),
}
"""Fields that a volume's source must have."""


def check_volumes(volumes: list[Json], field: str, problems: Problems) -> set[str]:
    """Checks the volumes of a pod; gives the names of those that are right."""
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        path, name, wrong = f"{field}[{index}]", volume.get("name", ""), Problems()
        check_source(volume, path, wrong)
        if not name:
            wrong.required(f"{path}.name")
        else:
            wrong.each(f"{path}.name", name, names.label(name))
        if name in seen:
            wrong.duplicate(f"{path}.name", name)
        if not wrong:
            seen.add(name)
        problems.extend(wrong)
    return seen


def check_source(volume: Json, field: str, problems: Problems) -> None:
    """Exactly one source, and what it must have. A PersistentVolume has the same ones."""
    given = [key for key, value in volume.items() if key != "name" and value is not None]
    if not given:
        problems.required(field, "must specify a volume type")
        return
    # The first in the order of the declaration counts; JSON has no order that matters, so any other is refused.
    for key in sorted(given, key=_declared)[1:]:
        problems.forbidden(f"{field}.{key}", "may not specify more than 1 volume type")
    kind = min(given, key=_declared)
    # A disk of Google's goes by another name in messages.
    source, path = volume[kind], f"{field}.{'persistentDisk' if kind == 'gcePersistentDisk' else kind}"
    for key in _REQUIRED.get(kind, ()):
        if not source.get(key):
            problems.required(f"{path}.{key}")
    if kind == "nfs" and not source.get("path", "").startswith("/"):
        problems.invalid(f"{path}.path", source.get("path", ""), "must be an absolute path")
    if kind == "hostPath" and source.get("path"):
        if ".." in source["path"].split("/"):
            problems.invalid(f"{path}.path", source["path"], "must not contain '..'")
        if source.get("type") is not None and source["type"] not in _HOST_PATHS:
            problems.unsupported(f"{path}.type", source["type"], _HOST_PATHS)
    if kind in ("secret", "configMap", "projected", "downwardAPI"):
        _check_mode(source, "defaultMode", path, problems)
        _check_items(source.get("items") or [], f"{path}.items", kind, problems)
    for index, projection in enumerate(source.get("sources") or () if kind == "projected" else ()):
        _check_projection(projection, f"{path}.sources[{index}]", problems)


_ORDER: Final = (
    *("emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi"),
    *("glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc"),
    *("flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk"),
    *("storageos", "projected", "scaleIO", "csi", "ephemeral", "image"),
)


def _declared(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _check_mode(source: Json, key: str, field: str, problems: Problems) -> None:
    mode = source.get(key)
    if mode is not None and not 0 <= mode <= 0o777:
        problems.invalid(f"{field}.{key}", mode, _MODES)


def _check_items(items: list[Json], field: str, kind: str, problems: Problems) -> None:
    for index, item in enumerate(items):
        path = f"{field}[{index}]"
        if kind == "downwardAPI":
            if item.get("fieldRef") is not None:
                check_field_reference(item["fieldRef"], f"{path}.fieldRef", _DOWNWARD, problems)
        elif not item.get("key"):
            problems.required(f"{path}.key")
        if not item.get("path"):
            problems.required(f"{path}.path")
        check_relative(item.get("path", ""), f"{path}.path", problems)
        _check_mode(item, "mode", path, problems)


def _check_projection(projection: Json, field: str, problems: Problems) -> None:
    for kind in ("secret", "configMap", "downwardAPI"):
        source = projection.get(kind)
        if source is None:
            continue
        if kind != "downwardAPI" and not source.get("name"):
            problems.required(f"{field}.{kind}.name")
        _check_items(source.get("items") or [], f"{field}.{kind}.items", kind, problems)
    token = projection.get("serviceAccountToken")
    if token is not None:
        if not token.get("path"):
            problems.required(f"{field}.serviceAccountToken.path")
        seconds = token.get("expirationSeconds", 0)
        if seconds < 600:
            text = "may not specify a duration less than 10 minutes"
            problems.invalid(f"{field}.serviceAccountToken.expirationSeconds", seconds, text)
