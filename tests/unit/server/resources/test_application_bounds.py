"""What an Application shows of a cluster ends where its project does, and at the values of Secrets."""

from collections.abc import Sequence

import msgspec
import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import with_
from tests.unit.server.resources.test_application_objects import BEGIN, KEYS, WEB, ask, live, rollout
from tests.unit.server.resources.test_applications import Stored

from trueup.model.application import Application
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.health import Health, HealthCode
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.server.errors import Code, Fault
from trueup.server.request import Request
from trueup.server.resources.application_details import application_details
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

    async def commit(self, stored: StoredApplication, repository: RepositoryOf, revision: str) -> CommitInfo | None:
        return None

    def project_of(self, app: Application) -> Project:
        raise NotImplementedError


async def test_differences_are_of_what_the_project_permits(stored: Stored) -> None:
    functions = application_details(stored, ByHandLooks(), lambda: (), lambda: BEGIN)
    managed = functions["ApplicationService.ManagedResources"]
    found = await managed(Request(ByHand(), {"applicationName": "web"}))
    assert isinstance(found, dict)
    assert [each["name"] for each in found["items"]] == ["ours"]
