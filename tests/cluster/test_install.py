"""Installing on a real API server: what is written, what is kept, what our definitions store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import without_definitions
from tests.support import commands

from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import Invalid, NotFound
from trueup.model.application import Application
from trueup.model.errors import Stalled
from trueup.model.live import LiveObject
from trueup.model.status import Status
from trueup.store.crds import application_crd
from trueup.store.deployment import Installation
from trueup.store.install import (
    APPLICATION,
    DEFINITION,
    FIELD_MANAGER,
    PROJECT,
    apply_objects,
    install,
    install_rights,
    type_of,
)
from trueup.store.kinds import NAMESPACE

CONTROL = "install-test"
PROJECTS_CRD = "appprojects.argoproj.io"
OBJECTS: tuple[tuple[ResourceType, str, str], ...] = (
    (DEFINITION, "", "applications.argoproj.io"),
    (DEFINITION, "", PROJECTS_CRD),
    (NAMESPACE, "", CONTROL),
    (PROJECT, CONTROL, "default"),
)
MADE_BY = "trueup.dev/made-by"


@pytest_asyncio.fixture(scope="module")
async def client(spare: ControlPlane) -> AsyncIterator[Client]:
    """The administrator of a spare cluster: these tests damage the definitions that others rely on."""
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as opened:
        await without_definitions(opened)
        yield opened
        await without_definitions(opened)


async def run_install(client: Client, namespace: str = CONTROL) -> list[str]:
    lines: list[str] = []
    await install(client, namespace, lines.append)
    return lines


async def remove_definition(client: Client, name: str) -> None:
    with suppress(NotFound):
        await client.delete(DEFINITION, "", name)
        while True:
            await client.get(DEFINITION, "", name)
            await asyncio.sleep(0.05)


async def written(client: Client) -> list[tuple[int, Any]]:
    """Generation of each object, and when and what we wrote to it; the status belongs to the server's controllers."""
    objects = [await client.get(*where) for where in OBJECTS]
    return [
        (
            live.generation,
            [entry for entry in live.object()["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER],
        )
        for live in objects
    ]


async def merge(
    client: Client, resource: ResourceType, namespace: str, name: str, change: dict[str, Any]
) -> LiveObject:
    body = msgspec.json.encode(change)
    return await client.patch(resource, namespace, name, body, kind="merge", manager="somebody")


async def test_both_kinds_are_served_when_the_first_install_returns(client: Client) -> None:
    for _, _, name in OBJECTS[:2]:
        await remove_definition(client, name)
    lines = await run_install(client, "first")
    for resource in (APPLICATION, PROJECT):
        await client.list(resource, "first")
    assert lines == [
        "customresourcedefinition applications.argoproj.io created",
        f"customresourcedefinition {PROJECTS_CRD} created",
        "namespace first created",
        "appproject default created",
    ]


async def test_a_second_install_writes_nothing(client: Client) -> None:
    await run_install(client)
    before = await written(client)
    lines = await run_install(client)
    assert all(entries for _, entries in before)
    assert await written(client) == before
    assert lines == [
        "customresourcedefinition applications.argoproj.io unchanged",
        f"customresourcedefinition {PROJECTS_CRD} unchanged",
        f"namespace {CONTROL} unchanged",
        "appproject default unchanged",
    ]


async def test_a_definition_of_ours_that_was_changed_is_put_right(client: Client) -> None:
    await run_install(client)
    await merge(client, DEFINITION, "", PROJECTS_CRD, {"spec": {"names": {"shortNames": ["proj"]}}})
    lines = await run_install(client)
    stored = (await client.get(DEFINITION, "", PROJECTS_CRD)).object()
    assert f"customresourcedefinition {PROJECTS_CRD} configured" in lines
    assert stored["spec"]["names"]["shortNames"] == ["appproj", "appprojs"]


async def test_a_definition_that_others_installed_is_kept(client: Client) -> None:
    await run_install(client)
    theirs = {"metadata": {"annotations": {MADE_BY: None}}, "spec": {"names": {"shortNames": ["theirs"]}}}
    try:
        before = await merge(client, DEFINITION, "", PROJECTS_CRD, theirs)
        lines = await run_install(client)
        after = await client.get(DEFINITION, "", PROJECTS_CRD)
        # Not the resourceVersion: the server's own controllers write the status.
        assert (after.generation, after.object()["spec"]) == (before.generation, before.object()["spec"])
        assert MADE_BY not in after.annotations
        kept = [line for line in lines if "kept" in line]
        assert kept == [f"customresourcedefinition {PROJECTS_CRD} kept: not made by Trueup, and good enough for it"]
    finally:
        await merge(client, DEFINITION, "", PROJECTS_CRD, {"metadata": {"annotations": {MADE_BY: "trueup"}}})
        await run_install(client)


async def test_a_foreign_definition_without_our_version_is_refused_by_name(client: Client) -> None:
    await run_install(client)
    definition = (await client.get(DEFINITION, "", PROJECTS_CRD)).object()
    ours = definition["spec"]["versions"]
    other = {**ours[0], "name": "v1beta1", "served": True, "storage": False}
    theirs = [{**ours[0], "served": False}, other]
    change = {"metadata": {"annotations": {MADE_BY: None}}, "spec": {"versions": theirs}}
    try:
        await merge(client, DEFINITION, "", PROJECTS_CRD, change)
        with pytest.raises(Stalled, match=rf"{PROJECTS_CRD} .* does not serve v1alpha1"):
            await run_install(client)
    finally:
        back = {"metadata": {"annotations": {MADE_BY: "trueup"}}, "spec": {"versions": ours}}
        await merge(client, DEFINITION, "", PROJECTS_CRD, back)
        await run_install(client)


async def test_a_default_project_that_was_edited_is_kept(client: Client) -> None:
    await run_install(client)
    before = await merge(client, PROJECT, CONTROL, "default", {"spec": {"sourceRepos": ["https://example.com/*"]}})
    await run_install(client)
    assert (await client.get(PROJECT, CONTROL, "default")).resource_version == before.resource_version
    await client.delete(PROJECT, CONTROL, "default")


async def test_a_default_project_that_was_deleted_beside_others_is_not_made_anew(client: Client) -> None:
    await run_install(client)
    team = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team"}, "spec": {}}
    await client.create(PROJECT, CONTROL, msgspec.json.encode(team))
    await client.delete(PROJECT, CONTROL, "default", propagation="Background")
    assert any(line.startswith("appproject default not created") for line in await run_install(client))
    assert [live.key.name for live in (await client.list(PROJECT, CONTROL)).objects] == ["team"]
    await client.delete(PROJECT, CONTROL, "team", propagation="Background")
    assert "appproject default created" in await run_install(client), "a first installation makes it"


STATES = {
    "an application without a destination": ({"project": "default"}, "spec.destination"),
    "a source without a repository": (
        {"project": "default", "destination": {}, "source": {"path": "."}},
        "spec.source.repoURL",
    ),
}


@pytest.mark.parametrize(("spec", "field"), STATES.values(), ids=STATES)
async def test_the_server_refuses_and_names_the_field(client: Client, spec: dict[str, Any], field: str) -> None:
    await run_install(client)
    with pytest.raises(Invalid) as raised:
        await client.create(APPLICATION, CONTROL, msgspec.json.encode(application("refused", spec=spec)))
    assert field in {cause.field for cause in raised.value.causes}


def application(name: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, **parts}


def sample(schema: dict[str, Any]) -> Any:
    """A value that sets every field of a schema, none of them to its default."""
    if schema.get("x-kubernetes-int-or-string"):
        return "3"
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return {"replicas": 3, "deep": {"list": [{"on": True}, "text", 1.5], "empty": {}}}
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            return {"key": sample(schema["additionalProperties"])}
        case "object":
            return {name: sample(field) for name, field in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"])]
        case "string":
            return "2026-01-02T03:04:05Z" if schema.get("format") == "date-time" else "text"
        case "integer":
            return 7
        case "boolean":
            return True
    raise TypeError(schema)


RESOURCE = {"kind": "Job", "name": "migrate", "status": "Synced", "syncWave": 1, "health": {"status": "Healthy"}}
HOOK = {"group": "batch", "version": "v1", "kind": "Job", "namespace": "web", "name": "migrate", "hookType": "PreSync"}
RESULT = {"revision": "main", "resources": [HOOK]}


def full_application() -> dict[str, Any]:
    schema = application_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    body: dict[str, Any] = {name: sample(schema["properties"][name]) for name in ("spec", "operation", "status")}
    # Words and objects that the schema leaves open, as the engine writes them.
    body["status"]["sync"]["status"] = "Synced"
    body["status"]["resources"] = [RESOURCE]
    body["status"]["operationState"] |= {"phase": "Succeeded", "syncResult": RESULT}
    return application("full", **body)


async def test_an_application_with_every_field_survives_a_round_trip(client: Client) -> None:
    await run_install(client)
    body = full_application()
    warnings: list[str] = []
    try:
        await client.create(
            APPLICATION, CONTROL, msgspec.json.encode(body), field_validation="Strict", warnings=warnings
        )
        stored = await client.get(APPLICATION, CONTROL, "full")
    finally:
        with suppress(NotFound):
            await client.delete(APPLICATION, CONTROL, "full", propagation="Background")
    parts = ("spec", "operation", "status")
    assert warnings == []
    assert {part: stored.object()[part] for part in parts} == {part: body[part] for part in parts}

    read = msgspec.to_builtins(msgspec.json.decode(stored.body, type=Application))
    status = msgspec.to_builtins(msgspec.convert(stored.object()["status"], type=Status))
    assert {"spec": read["spec"], "operation": read["operation"], "status": status} == {p: body[p] for p in parts}


ENGINE = Installation(image="registry.example.com/trueup:1", api=True)
MANIFEST = ENGINE.objects(CONTROL, "0.1.0")[-1]


async def put(client: Client, installation: Installation) -> list[str]:
    lines = await run_install(client)
    await install_rights(client, installation.rights(CONTROL), lines.append)
    await apply_objects(client, installation.objects(CONTROL, "0.1.0"), lines.append)
    return lines


async def trueup(plane: ControlPlane, *args: str) -> tuple[int, str]:
    """A command of the command line on this cluster: its code, and all that it said."""
    process = await commands.start(
        *args, "--kubeconfig", plane.kubeconfig, "--namespace", CONTROL, stderr=commands.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_engine_s_pod_is_let_into_a_restricted_namespace(client: Client) -> None:
    await run_install(client)
    await install_rights(client, ENGINE.rights(CONTROL), lambda _: None)
    level = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    await merge(client, NAMESPACE, "", CONTROL, level)
    try:
        template = MANIFEST["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], "name": "a"}}
        body = msgspec.json.encode({**pod, "spec": template["spec"]})
        resource = type_of({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": CONTROL}})
        warnings: list[str] = []
        await client.create(resource, CONTROL, body, dry_run=True, field_validation="Strict", warnings=warnings)
        assert warnings == []
    finally:
        back = {"metadata": {"labels": dict.fromkeys(level["metadata"]["labels"])}}
        await merge(client, NAMESPACE, "", CONTROL, back)


async def test_an_engine_is_installed_upgraded_and_taken_away_and_what_it_deployed_stays(
    client: Client, spare: ControlPlane
) -> None:
    code, said = await trueup(spare, "install")
    assert code == 2 and "--image" in said and "--crds-only" in said
    code, said = await trueup(spare, "install", "--image", ENGINE.image)
    assert code == 0 and f"deployment {CONTROL}/trueup created" in said, said
    lines = await put(client, ENGINE)
    assert {line.rpartition(" ")[2] for line in lines if "default" not in line} == {"unchanged"}, "it can be repeated"

    code, said = await trueup(spare, "upgrade")
    assert code == 2 and "--image" in said
    code, said = await trueup(spare, "upgrade", "--image", "registry.example.com/trueup:2", "--dry-run")
    assert code == 0 and f"deployment {CONTROL}/trueup configured (dry run)" in said, said
    assert {line.rpartition(" ")[2] for line in (await put(client, ENGINE)) if "default" not in line} == {"unchanged"}
    code, said = await trueup(spare, "upgrade", "--image", "registry.example.com/trueup:2")
    assert code == 0 and f"deployment {CONTROL}/trueup configured" in said, said
    engine = type_of(MANIFEST)
    (container,) = (await client.get(engine, CONTROL, "trueup")).object()["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/trueup:2"
    await merge(client, engine, CONTROL, "trueup", {"metadata": {"labels": {"app.kubernetes.io/version": "99.0.0"}}})
    code, said = await trueup(spare, "upgrade", "--image", ENGINE.image)
    assert code == 20 and "99.0.0" in said, "an older one does not take over"

    held = application("held", spec={"project": "default", "destination": {}, "source": {"repoURL": "https://a/b"}})
    held["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    await client.create(APPLICATION, CONTROL, msgspec.json.encode(held))
    code, said = await trueup(spare, "uninstall", "--crds", "--yes")
    assert code == 20 and f"application {CONTROL}/held" in said and "--no-cascade" in said, said
    code, said = await trueup(spare, "uninstall", "--dry-run")
    assert code == 0 and "goes   deployment" in said and "stays  persistentvolumeclaim" in said, said
    assert await client.get(engine, CONTROL, "trueup")
    code, said = await trueup(spare, "uninstall", "--yes")
    assert code == 0 and f"service {CONTROL}/trueup-server deleted" in said, said
    await gone(client, engine, CONTROL, "trueup")
    await client.get(DEFINITION, "", "applications.argoproj.io")
    await client.get(APPLICATION, CONTROL, "held")
    await client.get(PROJECT, CONTROL, "default")
    selector = f"trueup.dev/account-namespace={CONTROL}"
    assert not (await client.list(type_of(ENGINE.rights(CONTROL)[-1]), label_selector=selector)).objects

    await client.delete(APPLICATION, CONTROL, "held", propagation="Background")
    code, said = await trueup(spare, "uninstall", "--yes")
    assert code == 20 and "being deleted" in said and "held" in said, said
    await merge(client, APPLICATION, CONTROL, "held", {"metadata": {"finalizers": None}})
    code, said = await trueup(spare, "uninstall", "--crds", "--state", "--yes")
    assert code == 0 and "customresourcedefinition applications.argoproj.io deleted" in said, said
    await gone(client, DEFINITION, "", "applications.argoproj.io")
    code, said = await trueup(spare, "uninstall", "--crds", "--state", "--yes")
    assert code == 0 and "goes" not in said, said


async def gone(client: Client, resource: ResourceType, namespace: str, name: str) -> None:
    with suppress(NotFound):
        while True:
            await client.get(resource, namespace, name)
            await asyncio.sleep(0.05)
