"""Taking the engine off a cluster: what goes, what stays, and what would hang if it went."""

from collections.abc import Callable
from typing import Any

import msgspec

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import NotFound
from trueup.model.annotations import MADE_BY
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.store.crds import MAKER
from trueup.store.deployment import API_SERVICE, NAME, SELECTED
from trueup.store.install import APPLICATION, DEFINITION, PROJECT, existing, told, type_of
from trueup.store.kinds import LEASE, LEASE_NAMES
from trueup.store.rights import ACCOUNT, ACCOUNT_LABEL, PLACE_LABEL, RBAC

_SHOWN = 5
Report = Callable[[str], None]


class Doomed(msgspec.Struct, frozen=True):
    """An object that is to go."""

    resource: ResourceType
    live: LiveObject

    @property
    def name(self) -> str:
        return told(self.resource.kind, self.live.key.namespace, self.live.key.name)


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """What an uninstallation would do.

    Attributes:
        goes: in the order to delete it.
        stays: what is left on purpose, in lines for people.
    """

    goes: tuple[Doomed, ...]
    stays: tuple[str, ...]


async def departure(client: Client, namespace: str, *, state: bool, definitions: bool) -> Departure:
    """Look at what there is. Nothing is written.

    Args:
        namespace: the control namespace.
        state: the audit trail's volume goes too.
        definitions: the CRDs go too, and with them every Application and AppProject of the cluster.

    Raises:
        TrueupError: something would hang or be lost that nobody asked for; the message names it.
    """
    applications, projects = [await _all(client, resource) for resource in (APPLICATION, PROJECT)]
    _require_finished(applications)
    engine = await _named(client, "apps/v1", "Deployment", namespace, NAME)
    goes = [engine] if engine else []
    service = await _named(client, "v1", "Service", namespace, API_SERVICE)
    # Somebody's own Service of that name is left alone: ours leads to the engine that was made with it.
    if service and engine and _leads_to_ours(service):
        goes.append(service)
    claim = await _named(client, "v1", "PersistentVolumeClaim", namespace, f"{NAME}-state")
    if claim and state:
        goes.append(claim)
    goes += await _rights(client, namespace)
    leases = await client.list(LEASE, namespace)
    goes += [Doomed(LEASE, lease) for lease in leases.objects if lease.key.name in LEASE_NAMES]
    stays = [f"what applications deployed, and the namespace {namespace}"]
    if claim and not state:
        stays.append(f"{claim.name}, the audit trail (--state deletes it)")
    found = [await _named(client, "apiextensions.k8s.io/v1", DEFINITION.kind, "", name) for name in _DEFINITIONS]
    if not definitions:
        stays.append(
            f"the definitions, {len(applications)} Applications and {len(projects)} AppProjects (--crds deletes them)"
        )
    else:
        _require_free(applications, projects)
        for each in filter(None, found):
            if each.live.annotations.get(MADE_BY) == MAKER:
                goes.append(each)
            else:
                stays.append(f"{each.name}: not made by Trueup")
    return Departure(goes=tuple(goes), stays=tuple(stays))


def _leads_to_ours(service: Doomed) -> bool:
    selector = service.live.object().get("spec", {}).get("selector")
    return selector == SELECTED and service.live.labels.items() >= SELECTED.items()


async def depart(client: Client, what: Departure, report: Report) -> None:
    """Delete it, the engine first. Safe to repeat."""
    for each in what.goes:
        key = each.live.key
        try:
            await client.delete(each.resource, key.namespace, key.name, propagation="Foreground", uid=each.live.uid)
        except NotFound:
            continue
        report(f"{each.name} deleted")


_DEFINITIONS = (f"{APPLICATION.plural}.{APPLICATION.group}", f"{PROJECT.plural}.{PROJECT.group}")


async def _all(client: Client, resource: ResourceType) -> list[LiveObject]:
    try:
        return list((await client.list(resource)).objects)
    except NotFound:
        return []


async def _named(client: Client, version: str, kind: str, namespace: str, name: str) -> Doomed | None:
    metadata: dict[str, Any] = {"namespace": namespace} if namespace else {}
    resource = type_of({"apiVersion": version, "kind": kind, "metadata": metadata})
    live = await existing(client, resource, namespace, name)
    return Doomed(resource, live) if live else None


async def _rights(client: Client, namespace: str) -> list[Doomed]:
    """Of the engine of this namespace: bindings before roles, the account last."""
    selector = f"{ACCOUNT_LABEL}={ACCOUNT},{PLACE_LABEL}={namespace}"
    found = []
    for kind in ("ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"):
        metadata: dict[str, Any] = {} if kind.startswith("Cluster") else {"namespace": ""}
        resource = type_of({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata})
        found += [Doomed(resource, live) for live in (await client.list(resource, label_selector=selector)).objects]
    # Somebody's own account of that name is left alone: those of ours had roles.
    account = await _named(client, "v1", "ServiceAccount", namespace, ACCOUNT) if found else None
    return [*found, *([account] if account else [])]


def _require_finished(applications: list[LiveObject]) -> None:
    leaving = [live for live in applications if live.object()["metadata"].get("deletionTimestamp")]
    if leaving:
        raise TrueupError(
            f"being deleted, and without an engine for ever: {_names(leaving)}",
            hint="wait until they are gone; `trueup app get NAME` says what holds one",
        )


def _require_free(applications: list[LiveObject], projects: list[LiveObject]) -> None:
    held = [live for live in (*applications, *projects) if live.object()["metadata"].get("finalizers")]
    if held:
        raise TrueupError(
            f"with finalizers that only an engine takes away: {_names(held)}",
            hint="delete them first, while the engine runs: `trueup app delete NAME`, with --no-cascade where what it "
            "deployed should stay",
        )


def _names(objects: list[LiveObject]) -> str:
    names = sorted(told(live.key.kind, live.key.namespace, live.key.name) for live in objects)
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
