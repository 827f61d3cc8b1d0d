"""What an installation needs on its control cluster, and putting it there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import AlreadyExists, NotFound
from trueup.model.annotations import API_VERSION, GROUP, MADE_BY
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.errors import Stalled, TrueupError
from trueup.model.live import LiveObject
from trueup.model.resource import group_of, version_of
from trueup.store.crds import MAKER, VERSION, application_crd, project_crd
from trueup.store.kinds import NAMESPACE
from trueup.store.rights import ACCOUNT_LABEL, PLACE_LABEL, RBAC

FIELD_MANAGER = "trueup-install"
READY_SECONDS = 30.0
POLL_SECONDS = 0.05

Report = Callable[[str], None]


def _type(group: str, version: str, kind: str, plural: str, *, namespaced: bool) -> ResourceType:
    # Fixed rather than discovered: an installation runs before our kinds can be.
    return ResourceType(group=group, version=version, kind=kind, plural=plural, namespaced=namespaced)


DEFINITION = _type(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
PROJECT = _type(GROUP, VERSION, "AppProject", "appprojects", namespaced=True)
APPLICATION = _type(GROUP, VERSION, "Application", "applications", namespaced=True)


def install_objects(namespace: str) -> list[dict[str, Any]]:
    """The CustomResourceDefinitions, the control namespace and the default project, in the order to apply them."""
    return [application_crd(), project_crd(), _namespace(namespace), default_project(namespace)]


def default_project(namespace: str) -> dict[str, Any]:
    """The default project as it is first made: everything is allowed, as in Argo CD."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": DEFAULT_PROJECT, "namespace": namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }


async def install(client: Client, namespace: str, report: Report, *, dry_run: bool = False) -> None:
    """Put everything on the cluster that is not there yet, and bring our definitions up to date. Safe to repeat.

    Definitions that others installed are kept as they are, and so are a namespace and a default project that
    exist: somebody may have changed them on purpose. A default project that is missing beside other projects is not
    made: somebody may have deleted it, so that nothing in it is permitted any more.

    Args:
        client: of the control cluster.
        namespace: the control namespace.
        report: told of each object, in a line for people.
        dry_run: ask the server what would be written, and write nothing.

    Raises:
        Stalled: a definition that others installed does not serve our version.
        TrueupError: the API server does not serve a definition in time.
    """
    for definition in (application_crd(), project_crd()):
        await _install_definition(client, definition, report, dry_run=dry_run)
    if dry_run and await existing(client, NAMESPACE, "", namespace) is None:
        # Nothing can be asked of what is in it.
        report(f"namespace {namespace} created (dry run)")
        return
    if not dry_run:
        await _served(client, namespace)
        await _create_missing(client, NAMESPACE, "", _namespace(namespace), report)
    try:
        projects = await client.list(PROJECT, namespace)
    except NotFound:
        if not dry_run:
            raise
        report(f"appproject {DEFAULT_PROJECT} created (dry run)")
        return
    if projects.objects and DEFAULT_PROJECT not in {live.key.name for live in projects.objects}:
        report(f"appproject {DEFAULT_PROJECT} not created: there are other projects (install --print shows it)")
        return
    await _create_missing(client, PROJECT, namespace, default_project(namespace), report, dry_run=dry_run)


async def install_rights(
    client: Client, objects: Iterable[dict[str, Any]], report: Report, *, dry_run: bool = False
) -> None:
    """Put service accounts, roles and bindings on the cluster, or bring them up to date, and take away what another
    shape gave to the same service account. Safe to repeat.

    Args:
        objects: of :func:`trueup.store.rights.rights`.
        dry_run: ask the server what would be written, and write nothing.

    Raises:
        TrueupError: a namespace is missing; nothing was written.
        ApiError: who asks may not give these rights.
    """
    manifests = list(objects)
    await _require_namespaces(client, manifests)
    await apply_objects(client, manifests, report, dry_run=dry_run)
    for account in (each["metadata"] for each in manifests if each["kind"] == "ServiceAccount"):
        await _remove_rights(client, account, manifests, report, dry_run=dry_run)


async def apply_objects(
    client: Client, manifests: Iterable[dict[str, Any]], report: Report, *, dry_run: bool = False
) -> None:
    """Put objects of the built-in kinds on the cluster, or bring them up to date, one after the other."""
    for manifest in manifests:
        kind, metadata = manifest["kind"], manifest["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        resource = type_of(manifest)
        before = await existing(client, resource, namespace, name)
        body = msgspec.json.encode(manifest)
        after = await client.apply(resource, namespace, name, body, manager=FIELD_MANAGER, dry_run=dry_run)
        report(f"{told(kind, namespace, name)} {_change(before, after)}{_mark(dry_run=dry_run)}")


def type_of(manifest: dict[str, Any]) -> ResourceType:
    """The type of an object of a built-in kind, as regular plurals have it."""
    kind, api_version = manifest["kind"], manifest["apiVersion"]
    namespaced = "namespace" in manifest["metadata"]
    return _type(group_of(api_version), version_of(api_version), kind, f"{kind.lower()}s", namespaced=namespaced)


async def _require_namespaces(client: Client, manifests: list[dict[str, Any]]) -> None:
    for name in dict.fromkeys(each["metadata"].get("namespace", "") for each in manifests):
        if name and await existing(client, NAMESPACE, "", name) is None:
            hint = f"kubectl create namespace {name}, then repeat this"
            raise TrueupError(f"there is no namespace {name}: no rights were given", hint=hint)


async def _remove_rights(
    client: Client, account: dict[str, Any], kept: list[dict[str, Any]], report: Report, *, dry_run: bool
) -> None:
    """Bindings before the roles that they give."""
    selector = f"{ACCOUNT_LABEL}={account['name']},{PLACE_LABEL}={account['namespace']}"
    names = {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in kept}
    for kind in ("ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"):
        resource = _type(RBAC, "v1", kind, f"{kind.lower()}s", namespaced=not kind.startswith("Cluster"))
        for live in (await client.list(resource, label_selector=selector)).objects:
            namespace, name = live.key.namespace, live.key.name
            if (kind, namespace, name) not in names:
                with contextlib.suppress(NotFound):
                    await client.delete(
                        resource, namespace, name, propagation="Background", uid=live.uid, dry_run=dry_run
                    )
                report(f"{told(kind, namespace, name)} deleted: it gave more than this{_mark(dry_run=dry_run)}")


def told(kind: str, namespace: str, name: str) -> str:
    """An object's name in a line for people."""
    return f"{kind.lower()} {f'{namespace}/' if namespace else ''}{name}"


async def _install_definition(client: Client, definition: dict[str, Any], report: Report, *, dry_run: bool) -> None:
    name = definition["metadata"]["name"]
    label = f"customresourcedefinition {name}"
    before = await existing(client, DEFINITION, "", name)
    if before is not None and before.annotations.get(MADE_BY) != MAKER:
        _require_our_version(name, before)
        report(f"{label} kept: not made by Trueup, and good enough for it")
        return
    body = msgspec.json.encode(definition)
    after = await client.apply(DEFINITION, "", name, body, manager=FIELD_MANAGER, dry_run=dry_run)
    report(f"{label} {_change(before, after)}{_mark(dry_run=dry_run)}")
    if not dry_run:
        await _established(client, name)


def _require_our_version(name: str, definition: LiveObject) -> None:
    versions = definition.object()["spec"]["versions"]
    if not any(version["name"] == VERSION and version["served"] for version in versions):
        raise Stalled(
            f"customresourcedefinition {name} was not made by Trueup and does not serve {VERSION}",
            hint=f"serve {VERSION} there, or delete the definition if no object of it is needed",
        )


async def _create_missing(
    client: Client,
    resource: ResourceType,
    namespace: str,
    manifest: dict[str, Any],
    report: Report,
    *,
    dry_run: bool = False,
) -> None:
    name = manifest["metadata"]["name"]
    label = f"{resource.kind.lower()} {name}"
    if await existing(client, resource, namespace, name) is not None:
        report(f"{label} unchanged")
        return
    try:
        body = msgspec.json.encode(manifest)
        await client.create(resource, namespace, body, field_manager=FIELD_MANAGER, dry_run=dry_run)
    except AlreadyExists:
        # Another installation, at the same time.
        report(f"{label} unchanged")
    else:
        report(f"{label} created{_mark(dry_run=dry_run)}")


async def existing(client: Client, resource: ResourceType, namespace: str, name: str) -> LiveObject | None:
    """An object, or None where there is none."""
    try:
        return await client.get(resource, namespace, name)
    except NotFound:
        return None


async def _established(client: Client, name: str) -> None:
    async def holds() -> bool:
        definition = (await client.get(DEFINITION, "", name)).object()
        conditions = (definition.get("status") or {}).get("conditions") or []
        return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

    await _until(holds, f"customresourcedefinition {name} was not established")


async def _served(client: Client, namespace: str) -> None:
    """Wait until both kinds can be listed; a definition is established a moment before the server routes to it."""
    for resource in (APPLICATION, PROJECT):

        async def holds(resource: ResourceType = resource) -> bool:
            try:
                await client.request("GET", resource.path(namespace), params={"limit": "1"})
            except NotFound:
                return False
            return True

        await _until(holds, f"{resource.plural}.{GROUP} was not served")


async def _until(holds: Callable[[], Awaitable[bool]], failure: str) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if await holds():
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise TrueupError(
            f"{failure} within {READY_SECONDS:g} s", hint="look at the conditions of the CustomResourceDefinition"
        ) from error


def _mark(*, dry_run: bool) -> str:
    return " (dry run)" if dry_run else ""


def _change(before: LiveObject | None, after: LiveObject) -> str:
    if before is None:
        return "created"
    return "unchanged" if _declared(before) == _declared(after) else "configured"


def _declared(live: LiveObject) -> dict[str, Any]:
    """What people write of an object. Not its resourceVersion: the server's controllers write the rest meanwhile."""
    body = live.object()
    metadata = {part: body["metadata"].get(part) for part in ("labels", "annotations")}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
