"""The service account that a cluster is managed by, as ``argocd cluster add`` makes it, and its token."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import AlreadyExists, ApiError
from trueup.model.errors import TrueupError

ACCOUNT, ROLE = "argocd-manager", "argocd-manager-role"
TOKEN_SECRET = "argocd-manager-long-lived-token"  # noqa: S105 - a name
SYSTEM_NAMESPACE = "kube-system"
ROTATED = "argocd-manager-token"
_RBAC = "rbac.authorization.k8s.io"
_CONTROLLER_SECONDS, _LOOK_SECONDS = 5.0, 0.2
_TEN_YEARS = 10 * 365 * 86_400
_EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]

ACCOUNTS = ResourceType("", "v1", "ServiceAccount", "serviceaccounts", True)
SECRETS = ResourceType("", "v1", "Secret", "secrets", True)
CLUSTER_ROLES = ResourceType(_RBAC, "v1", "ClusterRole", "clusterroles", False)
CLUSTER_BINDINGS = ResourceType(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False)
ROLES = ResourceType(_RBAC, "v1", "Role", "roles", True)
BINDINGS = ResourceType(_RBAC, "v1", "RoleBinding", "rolebindings", True)


async def make_manager(client: Client, system: str, namespaces: Sequence[str]) -> None:
    """Make the service account and its rights: over the whole cluster, or over some namespaces.

    Raises:
        ApiError: these credentials may not.
    """
    await _ensure(client, ACCOUNTS, system, {"metadata": {"name": ACCOUNT, "namespace": system}})
    subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": system}]
    if not namespaces:
        rules = [*_EVERYTHING, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
        await _ensure(client, CLUSTER_ROLES, "", {"metadata": {"name": ROLE}, "rules": rules})
        binding = {"metadata": {"name": f"{ROLE}-binding"}, **_bound("ClusterRole", subjects)}
        await _ensure(client, CLUSTER_BINDINGS, "", binding)
    for namespace in namespaces:
        await _ensure(client, ROLES, namespace, {"metadata": {"name": ROLE}, "rules": _EVERYTHING})
        binding = {"metadata": {"name": f"{ROLE}-binding"}, **_bound("Role", subjects)}
        await _ensure(client, BINDINGS, namespace, binding)


async def token_of(client: Client, system: str, account: str, name: str) -> tuple[str, str]:
    """A token of a service account, from a Secret of this name, and when it expires; empty for never.

    Where nobody fills such Secrets any more, the server is asked for a token that lasts as long as it gives one.

    Raises:
        ApiError: these credentials may not.
    """
    asked = {
        "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}},
        "type": "kubernetes.io/service-account-token",
    }
    made = await _ensure(client, SECRETS, system, asked)
    try:
        async with asyncio.timeout(_CONTROLLER_SECONDS):
            return await _filled(client, system, name), ""
    except TimeoutError:
        if made:
            await client.delete(SECRETS, system, name, propagation="Background")
    path = f"/api/v1/namespaces/{system}/serviceaccounts/{account}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": _TEN_YEARS}}
    answer = await client.request("POST", path, body=msgspec.json.encode(body), secret=True)
    try:
        status = msgspec.json.decode(answer, type=_Answer).status
    except msgspec.DecodeError:
        raise TrueupError(f"service account {system}/{account}: the server gave no token") from None
    return status.token, status.expires


class _Token(msgspec.Struct, frozen=True):
    token: str
    expires: str = msgspec.field(name="expirationTimestamp", default="")


class _Answer(msgspec.Struct, frozen=True):
    status: _Token


async def _filled(client: Client, system: str, name: str) -> str:
    """The token that the cluster's controller writes into a Secret."""
    while True:
        data = (await client.get(SECRETS, system, name)).object().get("data") or {}
        if data.get("token"):
            return base64.b64decode(data["token"]).decode()
        await asyncio.sleep(_LOOK_SECONDS)


def _bound(kind: str, subjects: list[dict[str, Any]]) -> dict[str, Any]:
    return {"roleRef": {"apiGroup": _RBAC, "kind": kind, "name": ROLE}, "subjects": subjects}


async def _ensure(client: Client, type_: ResourceType, namespace: str, body: Mapping[str, Any]) -> bool:
    """Make an object; one that is there gets its rules and subjects anew. Gives whether it was made."""
    whole = {"apiVersion": type_.api_version, "kind": type_.kind, **body}
    try:
        await client.create(type_, namespace, msgspec.json.encode(whole))
    except AlreadyExists:
        change = {key: value for key, value in body.items() if key in ("rules", "subjects")}
        if change:
            await client.patch(type_, namespace, body["metadata"]["name"], msgspec.json.encode(change), kind="merge")
        return False
    except ApiError as error:
        if error.code == 404 and namespace:
            raise TrueupError(
                f"namespace {namespace} does not exist on that cluster", hint="create it first"
            ) from error
        raise
    return True
