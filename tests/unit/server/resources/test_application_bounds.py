"""What an Application shows of a cluster ends where its project does, and at the values of Secrets."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import with_
from tests.unit.server.resources.test_application_objects import BEGIN, KEYS, WEB, ByHandPlace, ask, live, rollout
from tests.unit.server.resources.test_applications import Stored

from trueup.diff.literal import NO_LITERALS, Literals
from trueup.model.application import Application, Source
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.render.details import ChartOffer
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request
from trueup.server.resources.application_compare import MOST, application_compare
from trueup.server.resources.application_details import application_details
from trueup.server.resources.application_objects import application_objects
from trueup.server.resources.application_revisions import application_revisions
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication


@pytest.fixture
def stored() -> Stored:
    resources = [
        {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
        {"version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "gone"},
    ]
    return Stored(with_("web", status={"resources": resources}))


async def test_what_the_project_does_not_permit_is_not_shown_nor_what_that_has_made(stored: Stored) -> None:
    place = rollout()
    place.hidden = {"keys", "web-1"}
    tree = await ask(stored, place, "ResourceTree", {"applicationName": "web"})
    assert {each["name"] for each in tree["nodes"]} == {"web", "gone"}
    place.hidden = {"keys", "web"}
    tree = await ask(stored, place, "ResourceTree", {"applicationName": "web"})
    assert {(each["name"], each["health"]["status"]) for each in tree["nodes"]} == {
        ("web", "Missing"),
        ("gone", "Missing"),
    }
    events = {"name": "web", "resourceName": "web", "resourceUID": "uid-web", "resourceNamespace": "shop"}
    for method, message in (
        ("GetResource", KEYS),
        ("GetResource", {"name": "web", "kind": "Pod", "namespace": "shop", "resourceName": "web-1-a"}),
        ("PatchResource", {**KEYS, "patchType": "merge", "patch": "{}"}),
        ("DeleteResource", KEYS),
        ("ListResourceActions", WEB),
        ("RunResourceActionV2", {**WEB, "action": "restart"}),
        ("ListResourceEvents", events),
        ("PodLogs", {"name": "web", "podName": "web-1-a"}),
    ):
        with pytest.raises(Fault, match="as part of application web"):
            await ask(stored, place, method, message)
    assert not place.patched and not place.deleted and not place.asked


@pytest.mark.parametrize(
    "step",
    [
        {"op": "copy", "from": "/data/password", "path": "/metadata/labels/a"},
        {"op": "move", "from": "/data", "path": "/metadata/annotations"},
        {"op": "copy", "from": "", "path": "/metadata/annotations/a"},
        {"op": "copy", "from": "x/data/password", "path": "/metadata/labels/a"},
        {"op": "test", "path": "/data/password", "value": "aHVudGVyMg=="},
        {"op": "test", "path": "/metadata/annotations/copy", "value": "aHVudGVyMg=="},
        {"op": "Copy", "from": "/data/password", "path": "/metadata/labels/a"},
        {"path": "/data"},
        "copy",
    ],
)
async def test_no_patch_of_a_secret_shows_its_values(stored: Stored, step: object) -> None:
    place = rollout()
    writes = [{"op": "add", "path": "/data/a", "value": "YQ=="}, {"op": "remove", "path": "/data/b"}]
    message = {**KEYS, "patchType": "application/json-patch+json"}
    with pytest.raises(Fault, match="JSON patch") as refused:
        await ask(stored, place, "PatchResource", {**message, "patch": msgspec.json.encode([*writes, step]).decode()})
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert not place.patched
    twice = '[{"op":"copy","op":"add","path":"/data/a","value":"YQ=="}]'
    for text in (msgspec.json.encode(writes).decode(), twice):
        await ask(stored, place, "PatchResource", {**message, "patch": text})
    sent = [msgspec.json.decode(body) for _, body, _ in place.patched]
    assert sent == [writes, writes[:1]]


class ByHandLooks:
    """An engine by hand, whose project permits what is not named ``theirs``."""

    async def observe(self, stored: StoredApplication) -> Observation:
        lives = [live("ConfigMap", name, {"data": {"of": name}}) for name in ("ours", "theirs")]
        resources = [
            ComparedResource(key=each.key, target=None, live=each, status=SyncCode.OUT_OF_SYNC) for each in lives
        ]
        return Observation(
            comparison=Comparison(status=SyncCode.OUT_OF_SYNC, resources=tuple(resources)),
            live={each.key: each for each in lives},
            health={},
            content="",
            vitals=Health(HealthCode.HEALTHY),
            refused={},
            warnings=(),
            forbids=lambda key: "not permitted" if key.name == "theirs" else "",
        )

    async def declared(self, key: str, revisions: Sequence[str]) -> tuple[Manifest, ...]:
        return ()

    async def brought(self, stored: StoredApplication, manifests: Sequence[str]) -> Observation:
        seen = await self.observe(stored)
        names = [msgspec.json.decode(each)["metadata"]["name"] for each in manifests]
        lives = {each.key: each.live for each in seen.comparison.resources}
        resources = []
        for key in (ResourceKey("", "ConfigMap", "shop", name) for name in names):
            target = Manifest(key=key, api_version="v1", body=b"{}", digest="")
            resources.append(ComparedResource(key=key, target=target, live=lives.get(key), status=SyncCode.OUT_OF_SYNC))
        rest = [each for each in seen.comparison.resources if each.key.name not in names]
        comparison = Comparison(status=SyncCode.OUT_OF_SYNC, resources=(*resources, *rest))
        return msgspec.structs.replace(seen, comparison=comparison)

    async def lent(self, stored: StoredApplication) -> Literals:
        return NO_LITERALS

    def project_of(self, app: Application) -> Project:
        raise NotImplementedError


async def test_differences_are_of_what_the_project_permits(stored: Stored) -> None:
    functions = application_details(stored, ByHandLooks(), lambda: (), lambda: BEGIN)
    managed = functions["ApplicationService.ManagedResources"]
    found = await managed(Request(ByHand(), {"applicationName": "web"}))
    assert isinstance(found, dict)
    assert [each["name"] for each in found["items"]] == ["ours"]


def brought(*names: str) -> list[str]:
    return [msgspec.json.encode({"metadata": {"name": name}}).decode() for name in names]


async def compared(stored: Stored, looks: ByHandLooks, *owned: LiveObject, targets: Sequence[str]) -> list[Any]:
    async def at(_: object) -> ByHandPlace:
        return ByHandPlace(list(owned))

    diff = application_compare(stored, looks, at, lambda: ["hidden"])["ApplicationService.ServerSideDiff"]
    found = await diff(Request(ByHand(), {"appName": "web", "targetManifests": targets}))
    assert isinstance(found, dict)
    return list(found["items"])


async def test_manifests_that_are_brought_show_nothing_of_what_is_anothers(stored: Stored) -> None:
    place = ByHandPlace([live("ConfigMap", "ours"), live("ConfigMap", "theirs")])
    looks = ByHandLooks()

    async def at(_: object) -> ByHandPlace:
        return place

    diff = application_compare(stored, looks, at, lambda: ())["ApplicationService.ServerSideDiff"]
    asked = {"appName": "web", "targetManifests": brought("ours", "theirs", "new")}
    found = await diff(Request(ByHand(), asked))
    assert isinstance(found, dict)
    assert [each["name"] for each in found["items"]] == ["ours", "new"]
    assert found["modified"] is True
    whole = await diff(Request(ByHand(), {"appName": "web"}))
    assert isinstance(whole, dict)
    assert [each["name"] for each in whole["items"]] == ["ours"]
    with pytest.raises(Fault, match="at once at most"):
        await diff(Request(ByHand(), {**asked, "targetManifests": brought("x") * (MOST + 1)}))
    with pytest.raises(Fault, match="permission denied"):
        await diff(Request(ByHand("ada", lambda *_: False), asked))


class LentLooks(ByHandLooks):
    """An application that is lent a Secret, which its chart wrote into a ConfigMap."""

    def __init__(self) -> None:
        blob = base64.b64encode(b"s3cret-word").decode()
        self.live = live("ConfigMap", "ours", {"data": {"url": "postgres://app:s3cret-word@db", "blob": blob}})

    async def lent(self, stored: StoredApplication) -> Literals:
        return Literals(["s3cret-word"])

    async def observe(self, stored: StoredApplication) -> Observation:
        target = Manifest(key=self.live.key, api_version="v1", body=self.live.body, digest="")
        pair = ComparedResource(
            key=self.live.key, target=target, live=self.live, status=SyncCode.OUT_OF_SYNC, becomes=target.body
        )
        seen = await super().observe(stored)
        comparison = Comparison(status=SyncCode.OUT_OF_SYNC, resources=(pair,))
        return msgspec.structs.replace(seen, comparison=comparison, lent=await self.lent(stored))

    async def declared(self, key: str, revisions: Sequence[str]) -> tuple[Manifest, ...]:
        return (Manifest(key=self.live.key, api_version="v1", body=self.live.body, digest=""),)

    async def brought(self, stored: StoredApplication, manifests: Sequence[str]) -> Observation:
        return await self.observe(stored)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("ManagedResources", {"applicationName": "web"}),
        ("GetManifests", {"name": "web"}),
        ("ServerSideDiff", {"appName": "web"}),
        ("ServerSideDiff", {"appName": "web", "targetManifests": brought("ours")}),
        ("GetResource", {"name": "web", "kind": "ConfigMap", "namespace": "shop", "resourceName": "ours"}),
        ("ListResourceEvents", {"name": "web", "resourceName": "ours", "resourceNamespace": "shop"}),
    ],
)
async def test_what_a_secret_lends_is_shown_by_no_method(stored: Stored, method: str, message: dict[str, Any]) -> None:
    looks = LentLooks()
    place = ByHandPlace([looks.live])
    place.secrets = Literals(["s3cret-word"])
    if method == "ListResourceEvents":
        message = {**message, "resourceUID": looks.live.uid}
        place.told = [{"involvedObject": {"name": "ours", "uid": looks.live.uid}, "message": "no s3cret-word"}]

    async def at(_: object) -> ByHandPlace:
        return place

    functions = {
        **application_details(stored, looks, lambda: (), lambda: BEGIN),
        **application_compare(stored, looks, at, lambda: ()),
        **application_objects(stored, at, lambda: ()),
    }
    found = str(await functions[f"ApplicationService.{method}"](Request(ByHand(), message)))
    assert "++++++++" in found
    assert "s3cret-word" not in found and base64.b64encode(b"s3cret-word").decode() not in found


async def test_who_may_not_change_an_application_that_is_lent_secrets_has_no_guess_confirmed(stored: Stored) -> None:
    looks = LentLooks()

    async def at(_: object) -> ByHandPlace:
        return ByHandPlace([looks.live])

    diff = application_compare(stored, looks, at, lambda: ())["ApplicationService.ServerSideDiff"]
    reader = ByHand("ada", lambda _resource, action, _of: action == "get")
    assert await diff(Request(reader, {"appName": "web"}))
    with pytest.raises(Fault, match="permission denied"):
        await diff(Request(reader, {"appName": "web", "targetManifests": brought("ours")}))


CANARY, BASE64 = "hunter2-canary", base64.b64encode(b"hunter2-canary").decode()


class Brought(ByHandLooks):
    """A pair as an engine compares it."""

    def __init__(self, there: LiveObject, target: Json, becomes: Json | None = None, *, same: bool = False) -> None:
        manifest = Manifest(key=there.key, api_version="v1", body=msgspec.json.encode(target), digest="")
        secret = there.key.kind == "Secret"
        self.pair = ComparedResource(
            key=there.key,
            target=manifest,
            live=None if secret else there,
            status=SyncCode.SYNCED if same else SyncCode.OUT_OF_SYNC,
            becomes=b"" if secret or becomes is None else msgspec.json.encode(becomes),
        )

    async def brought(self, stored: StoredApplication, manifests: Sequence[str]) -> Observation:
        seen = await self.observe(stored)
        comparison = Comparison(status=SyncCode.OUT_OF_SYNC, resources=(self.pair,))
        return msgspec.structs.replace(seen, comparison=comparison)


def secret_of(value: str, note: str = "") -> Json:
    copy = msgspec.json.encode({"kind": "Secret", "stringData": {"a": value}}).decode()
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": copy, "note": note or value}
    metadata = {"name": "keys", "namespace": "shop", "annotations": annotations}
    encoded = base64.b64encode(value.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": encoded, "b": encoded}}


async def of_a_secret(stored: Stored, target: Json) -> Json:
    there = live("Secret", "keys", secret_of(CANARY))
    (item,) = await compared(stored, Brought(there, target), there, targets=brought("keys"))
    return dict(item)


async def test_advisory_2_copies_of_a_secret_are_masked_in_a_server_side_diff(stored: Stored) -> None:
    item = await of_a_secret(stored, secret_of(CANARY))
    assert CANARY not in str(item)
    assert BASE64 not in str(item)


@pytest.mark.parametrize("guess", ["wrong-guess", CANARY])
async def test_advisory_3_no_guess_is_told_right_by_a_server_side_diff(stored: Stored, guess: str) -> None:
    right, item = await of_a_secret(stored, secret_of(CANARY)), await of_a_secret(stored, secret_of(guess, guess))
    assert item == right
    assert item["modified"] is True
    one, other = (msgspec.json.decode(item[side])["data"] for side in ("liveState", "targetState"))
    assert one == other == {"a": "++++++++", "b": "++++++++"}


def holding(kind: str, value: str, note: str) -> Json:
    """An object with a Secret, or something else, as a part of it, and an annotation that is shown to nobody."""
    part = {"apiVersion": "v1", "kind": kind, "metadata": {"annotations": {"x": note}}, "stringData": {"a": value}}
    metadata = {"name": "made", "namespace": "shop", "annotations": {"hidden": note}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "template": part}


async def test_no_guess_about_a_part_that_is_masked_is_told_right(stored: Stored) -> None:
    there = live("ConfigMap", "made", holding("Secret", CANARY, CANARY))
    seen = []
    for guess in ("wrong-guess", CANARY):
        target, becomes = holding("Secret", guess, guess), holding("Secret", CANARY, guess)
        looks = Brought(there, target, becomes, same=guess == CANARY)
        (item,) = await compared(stored, looks, there, targets=brought("made"))
        assert item.pop("liveState")
        seen.append(item)
    assert seen[0] == seen[1]
    assert seen[0]["modified"] is True
    renamed = Brought(there, holding("Other", "mine", "mine"), holding("Other", CANARY, CANARY))
    assert CANARY not in str(await compared(stored, renamed, there, targets=brought("made")))


class Revisions:
    """Repositories by hand."""

    async def commit(self, stored: StoredApplication, repository: RepositoryOf, revision: str) -> CommitInfo | None:
        return None if revision == "abc" else CommitInfo("Ada", BEGIN, "change")

    async def chart(self, stored: StoredApplication, source: Source) -> ChartOffer:
        return ChartOffer(description=f"{source.chart} {source.target_revision}", maintainers=("Ada",), home="h")

    async def artifact(self, stored: StoredApplication, repository: RepositoryOf, digest: str) -> Mapping[str, str]:
        return {"org.opencontainers.image.version": "1.2", "org.opencontainers.image.title": "x"}


async def test_revisions_say_of_themselves_what_their_kind_does() -> None:
    sources = [
        {"repoURL": "https://git.example.com/web.git", "path": "."},
        {"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.x"},
        {"repoURL": "oci://registry.example.com/web", "path": "."},
    ]
    status = {"sync": {"status": "Synced", "revisions": ["def", "1.2.0", "sha256:0"]}}
    stored = Stored(with_("web", spec={"source": None, "sources": sources}, status=status))
    functions = application_revisions(stored, Revisions())

    async def asked(method: str, revision: str, index: int, **more: int) -> Any:
        message = {"name": "web", "revision": revision, "sourceIndex": index, **more}
        return await functions[f"ApplicationService.{method}"](Request(ByHand(), message))

    assert (await asked("RevisionMetadata", "def", 0))["message"] == "change"
    chart = await asked("RevisionChartDetails", "1.2.0", 1)
    assert chart == {"description": "web 1.2.0", "maintainers": ["Ada"], "home": "h"}
    assert await asked("GetOCIMetadata", "sha256:0", 2) == {"version": "1.2"}
    for method, revision, index, more, text in (
        ("RevisionMetadata", "secret", 0, {}, "is none of this application's"),
        ("RevisionMetadata", "def", 3, {}, "has no source 3"),
        ("RevisionMetadata", "def", 0, {"versionId": 9}, "has no deployment 9"),
        ("RevisionChartDetails", "def", 0, {}, "is no chart"),
        ("GetOCIMetadata", "1.2.0", 1, {}, "is no artifact"),
    ):
        with pytest.raises(Fault, match=text):
            await asked(method, revision, index, **more)
