"""What an installation consists of, in Argo CD's format of a backup: settings, credentials, projects, applications."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import NotFound
from trueup.model.annotations import GROUP
from trueup.model.errors import TrueupError
from trueup.store.credentials import LABEL
from trueup.store.kinds import APPLICATION, PROJECT

_CONFIG_MAP = ResourceType("", "v1", "ConfigMap", "configmaps", namespaced=True)
_SECRET = ResourceType("", "v1", "Secret", "secrets", namespaced=True)
_SET = ResourceType(GROUP, "v1alpha1", "ApplicationSet", "applicationsets", namespaced=True)
KINDS = (_CONFIG_MAP, _SECRET, PROJECT, APPLICATION, _SET)
"""In the order in which they are written: an application needs its project, and that its credentials."""
CONFIG_MAPS = frozenset(
    ("argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm")
)
SECRETS = frozenset(("argocd-secret",))
_SECRET_TYPES = frozenset(("cluster", "repository", "repo-creds", "repository-write", "repo-write-creds"))
_METADATA = ("name", "labels", "annotations", "finalizers")
_WRITTEN = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "type")}
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Body = dict[str, Any]


class EstateKey(NamedTuple):
    """What an object is known by in a backup."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


async def read(client: Client, namespace: str) -> dict[EstateKey, Body]:
    """Every object of an installation that there is, by its key.

    Raises:
        ApiError: one may not be read.
    """
    found: dict[EstateKey, Body] = {}
    for kind in KINDS:
        try:
            listing = await client.list(kind, namespace)
        except NotFound:
            # A kind that this cluster does not know has no objects.
            continue
        for live in listing.objects:
            body = live.object()
            if is_ours(body):
                found[EstateKey(kind.kind, namespace, live.key.name)] = body
    return found


def is_ours(body: Body) -> bool:
    """Whether an object belongs to an installation: of ConfigMaps and Secrets, those that Argo CD names or labels."""
    metadata = body.get("metadata") or {}
    match body.get("kind"):
        case "ConfigMap":
            return metadata.get("name") in CONFIG_MAPS
        case "Secret":
            labels = metadata.get("labels") or {}
            return metadata.get("name") in SECRETS or labels.get(LABEL) in _SECRET_TYPES
        case kind:
            return kind in ("AppProject", "Application", "ApplicationSet")


def exported(body: Body, namespace: str) -> Body:
    """An object as a backup has it: without what a server gives it, and without the control namespace's name.

    An operation is left out: whoever takes the backup in would start it again.
    """
    metadata = {field: body["metadata"][field] for field in _METADATA if body["metadata"].get(field)}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != _LAST_APPLIED}
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    if body["metadata"].get("namespace", namespace) != namespace:
        metadata["namespace"] = body["metadata"]["namespace"]
    rest = {k: v for k, v in body.items() if k not in ("metadata", "operation")}
    return {**rest, "metadata": {k: v for k, v in metadata.items() if v}}


def imported(bodies: Iterable[Body], namespace: str) -> dict[EstateKey, Body]:
    """The objects of a backup by their keys, in the order in which they are written.

    Raises:
        TrueupError: one is of no installation, or for another namespace, or there twice.
    """
    kinds = {kind.kind: kind.api_version for kind in KINDS}
    found: dict[EstateKey, Body] = {}
    for body in bodies:
        kind, metadata = str(body.get("kind")), body.get("metadata")
        if kind not in kinds or body.get("apiVersion") != kinds[kind]:
            raise TrueupError(f"{kind} is no part of a backup", hint="it is what `trueup admin export` prints")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise TrueupError(f"a {kind} of the backup has no name", hint="it is what `trueup admin export` prints")
        key = EstateKey(kind, metadata.get("namespace") or namespace, metadata["name"])
        if key.namespace != namespace:
            raise TrueupError(f"{key} is for another namespace", hint=f"--namespace names it; this is {namespace}")
        if not is_ours(body):
            raise TrueupError(f"{key} is no part of an installation", hint="it would be put beside one")
        if key in found:
            raise TrueupError(f"{key} is in the backup twice", hint="take one of them out")
        found[key] = body
    order = list(kinds)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0].kind), item[0])))


def merged(live: Body, wanted: Body) -> Body:
    """An object that is there as the backup wants it: labels, annotations and finalizers too, nothing else of it.

    An Application keeps its status: the engine's knowledge of now is newer than that of the backup.
    """
    made = dict(live)
    for field in _WRITTEN.get(str(wanted["kind"]), ("spec",)):
        if field in wanted:
            made[field] = wanted[field]
        else:
            made.pop(field, None)
    metadata = dict(live["metadata"])
    for field in ("labels", "annotations", "finalizers"):
        given = wanted["metadata"].get(field)
        if field == "annotations" and _LAST_APPLIED in (metadata.get(field) or {}):
            given = {**(given or {}), _LAST_APPLIED: metadata[field][_LAST_APPLIED]}
        if given:
            metadata[field] = given
        else:
            metadata.pop(field, None)
    return {**made, "metadata": metadata}


def type_of(key: EstateKey) -> ResourceType:
    """The kind of an object of a backup."""
    return next(kind for kind in KINDS if kind.kind == key.kind)
