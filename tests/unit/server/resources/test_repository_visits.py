"""Repositories that are asked themselves: by whom, on whose behalf, and what is answered."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import with_
from tests.unit.server.resources.test_applications import Stored
from tests.unit.server.resources.test_projects import REPO, WEB, Objects, ask

from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, SourceUnavailable
from trueup.render.details import ChartOffer, SourceOffer
from trueup.server.errors import Code, Fault
from trueup.server.request import Json
from trueup.server.resources.repositories import RepositoryResources, RepositoryState
from trueup.server.resources.repository_visits import RepositoryVisits

API = "https://git.example.com/api.git"


class Asks:
    """Repositories by hand: what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.tried: list[Mapping[str, str]] = []
        self.type, self.password = "Helm", "hunter2"

    async def problem(self, data: Mapping[str, str]) -> str:
        self.tried.append(data)
        return (
            ""
            if data.get("password", "hunter2") == self.password
            else "authentication required for https://ada:pw@example.com"
        )

    async def refs(self, url: str, project: str) -> tuple[Sequence[str], Sequence[str]]:
        self.asked.append((url, project))
        return ["main"], ["v1"]

    async def tags(self, url: str, project: str) -> Sequence[str]:
        raise SourceUnavailable("the registry does not answer")

    async def charts(self, url: str, project: str) -> Mapping[str, Sequence[str]]:
        return {"web": ["1.0.0"]}

    async def applications(self, url: str, project: str, revision: str) -> Mapping[str, str]:
        self.asked.append((url, project, revision))
        return {"web": "Helm", "api": "Kustomize"}

    async def offer(self, app: Application, source: Source) -> SourceOffer:
        self.asked.append((app.key, source.repo_url, source.path))
        chart = ChartOffer(name="web", value_files=("values.yaml",), values="a: 1\n", parameters=(("a", "1"),))
        return SourceOffer(self.type, chart if self.type == "Helm" else ChartOffer())

    async def images(self, app: Application) -> Sequence[str]:
        return ["web:1"]


class Room:
    """Repositories, and an Application with one of them in project shop."""

    def __init__(self) -> None:
        self.asks, self.secrets = Asks(), Objects()
        resources = RepositoryResources(self.secrets, "argocd", look=self.look)
        source = {"repoURL": WEB, "path": "web"}
        old = {"id": 1, "revision": "abc", "deployedAt": "2026-01-01T00:00:00Z", "source": {**source, "path": "old"}}
        stored = Stored(with_("web", spec={"source": source}, status={"history": [old], "sync": {"status": "Synced"}}))
        visits = RepositoryVisits(resources, self.asks, stored, self.permits, self.admit)
        self.functions = {**resources.functions(), **visits.functions()}

    async def look(self, data: Mapping[str, str]) -> RepositoryState:
        problem = await self.asks.problem(data)
        return RepositoryState("Failed" if problem else "Successful", problem, "2026-01-01T00:00:00Z")

    def permits(self, url: str, project: str) -> bool:
        return project == "shop" and url == WEB

    def admit(self, app: Application) -> None:
        assert app.spec.source is not None
        if app.spec.source.repo_url != WEB:
            raise InvalidSpec("not permitted")

    async def ask(self, method: str, message: Json, caller: ByHand | None = None) -> Any:
        return await ask(self.functions, f"RepositoryService.{method}", message, caller)


def allowed(*rules: tuple[str, str, str]) -> ByHand:
    return ByHand("ada", lambda resource, action, of: (resource, action, of) in rules)


async def test_access_is_tried_with_what_is_given_and_kept_nowhere() -> None:
    room = Room()
    query = {"repo": WEB, "username": "ada", "password": "hunter2", "type": "helm", "enableOci": True, "insecure": True}
    assert await room.ask("ValidateAccess", query) == {}
    assert room.asks.tried == [
        {
            "url": WEB,
            "username": "ada",
            "password": "hunter2",
            "type": "helm",
            "enableOCI": "true",
            "insecure": "true",
        }
    ]
    with pytest.raises(Fault, match="error testing repository connectivity") as refused:
        await room.ask("ValidateWriteAccess", {"repo": WEB, "password": "wrong"})
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert "pw" not in refused.value.message
    assert room.secrets.lives == {}
    before = len(room.asks.tried)
    for method, kind in (("ValidateAccess", "repositories"), ("ValidateWriteAccess", "write-repositories")):
        with pytest.raises(Fault, match="permission denied"):
            await room.ask(method, {"repo": WEB, "project": "shop"}, allowed((kind, "create", WEB)))
    assert len(room.asks.tried) == before


async def test_refs_are_asked_with_the_secret_that_the_caller_may_see() -> None:
    room = Room()
    await room.ask("Create", {"repo": REPO | {"project": "vault"}})
    await room.ask("Create", {"repo": REPO})
    assert await room.ask("ListRefs", {"repo": WEB}, allowed(("repositories", "get", WEB))) == {
        "branches": ["main"],
        "tags": ["v1"],
    }
    assert room.asks.asked == [(WEB, "default")]
    await room.ask("ListRefs", {"repo": WEB}, allowed(("repositories", "get", f"vault/{WEB}")))
    assert room.asks.asked[-1] == (WEB, "vault")
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("ListRefs", {"repo": WEB}, allowed(("repositories", "get", API)))
    assert len(room.asks.asked) == 2


async def test_a_repository_that_nobody_has_made_known_is_asked_as_a_project_permits() -> None:
    room = Room()
    assert await room.ask("ListRefs", {"repo": WEB, "appProject": "shop"})
    for query in ({"repo": API, "appProject": "shop"}, {"repo": WEB}, {"repo": WEB, "appProject": "none"}):
        with pytest.raises(Fault, match="not permitted in project") as refused:
            await room.ask("ListRefs", query)
        assert refused.value.code is Code.PERMISSION_DENIED
    assert room.asks.asked == [(WEB, "shop")]


async def test_charts_and_tags() -> None:
    room = Room()
    query = {"repo": WEB, "appProject": "shop"}
    assert await room.ask("GetHelmCharts", query) == {"items": [{"name": "web", "versions": ["1.0.0"]}]}
    with pytest.raises(Fault, match="the registry does not answer"):
        await room.ask("ListOCITags", query)


async def test_folders_are_for_who_may_have_an_application_with_them() -> None:
    room = Room()
    query = {"repo": WEB, "revision": "main", "appName": "new", "appProject": "shop"}
    sees = ("repositories", "get", WEB)
    found = await room.ask("ListApps", query, allowed(sees, ("applications", "create", "shop/new")))
    assert found == {"items": [{"type": "Kustomize", "path": "api"}, {"type": "Helm", "path": "web"}]}
    assert room.asks.asked == [(WEB, "shop", "main")]
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("ListApps", query, allowed(sees, ("applications", "create", "vault/new")))
    await room.ask("Create", {"repo": {"repo": API}})
    with pytest.raises(Fault, match="not permitted in project"):
        await room.ask("ListApps", {**query, "repo": API})
    assert len(room.asks.asked) == 1


def details(path: str, name: str = "web", project: str = "shop", url: str = WEB) -> Json:
    return {"source": {"repoURL": url, "path": path}, "appName": name, "appProject": project}


SEES = (("repositories", "get", WEB), ("applications", "get", "shop/web"))


@pytest.mark.parametrize(
    ("message", "rules", "ok"),
    [
        (details("web"), SEES, True),
        (details("old"), SEES, True),
        (details("secret"), SEES, False),
        (details("secret"), (*SEES, ("applications", "update", "shop/web")), True),
        (details("web"), SEES[1:], False),
        (details("web"), SEES[:1], False),
        (details("any", "new"), (SEES[0], ("applications", "get", "shop/new")), False),
        (
            details("any", "new"),
            (SEES[0], ("applications", "get", "shop/new"), ("applications", "create", "shop/new")),
            True,
        ),
        (details("web", project="vault"), (SEES[0], ("applications", "get", "vault/web")), False),
        (details("web", url=API), (*SEES, ("repositories", "get", API)), False),
        ({"appName": "web"}, SEES, False),
    ],
    ids=[
        "its own source",
        "what it had once",
        "another folder",
        "another folder, for who may set it",
        "a repository that is not seen",
        "an application that is not seen",
        "one that is not there",
        "one that is being made",
        "by another project",
        "a repository that the project does not permit",
        "nothing",
    ],
)
async def test_details_are_for_who_sees_both(message: Json, rules: Any, ok: bool) -> None:
    room = Room()
    if ok:
        found = await room.ask("GetAppDetails", message, allowed(*rules))
        assert found == {
            "type": "Helm",
            "helm": {
                "name": "web",
                "valueFiles": ["values.yaml"],
                "values": "a: 1\n",
                "parameters": [{"name": "a", "value": "1"}],
            },
        }
        return
    with pytest.raises(Fault):
        await room.ask("GetAppDetails", message, allowed(*rules))
    assert room.asks.asked == []


@pytest.mark.parametrize(
    ("more", "own"),
    [
        ({}, True),
        ({"helm": {}, "targetRevision": "", "directory": {"recurse": False}}, True),
        ({"helm": {"valueFiles": ["http://192.0.2.1/x"]}}, False),
        ({"helm": {"parameters": [{"name": "a", "value": "1"}]}}, False),
        ({"kustomize": {"components": ["../secret"]}}, False),
        ({"plugin": {"name": "x", "env": [{"name": "A", "value": "b"}]}}, False),
        ({"directory": {"recurse": True}}, False),
        ({"targetRevision": "other"}, False),
        ({"ref": "values"}, False),
    ],
)
async def test_a_source_is_the_applications_own_to_its_last_field(more: Json, own: bool) -> None:
    message = details("web")
    message["source"].update(more)
    if own:
        await Room().ask("GetAppDetails", message, allowed(*SEES))
        return
    room = Room()
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("GetAppDetails", message, allowed(*SEES))
    assert room.asks.asked == []
    for action in ("create", "update"):
        await room.ask("GetAppDetails", message, allowed(*SEES, ("applications", action, "shop/web")))


async def test_what_a_kustomization_and_a_folder_offer() -> None:
    room = Room()
    room.asks.type = "Kustomize"
    found = await room.ask("GetAppDetails", details("web"))
    assert found == {"type": "Kustomize", "kustomize": {"images": ["web:1"]}}
    room.asks.type = "Directory"
    assert await room.ask("GetAppDetails", details("web")) == {"type": "Directory", "directory": {}}


async def test_the_state_of_a_repository_is_asked_for_anew() -> None:
    room = Room()
    await room.ask("Create", {"repo": REPO})
    room.asks.tried.clear()
    room.asks.password = "changed"
    (known,) = (await room.ask("List", {}))["items"]
    assert known["connectionState"]["status"] == "Unknown"
    assert room.asks.tried == []
    (fresh,) = (await room.ask("List", {"forceRefresh": True}))["items"]
    assert fresh["connectionState"]["attemptedAt"] == "2026-01-01T00:00:00Z"
    assert fresh["connectionState"]["status"] == "Failed"
    assert room.asks.tried[0]["password"] == "hunter2"
    assert "hunter2" not in repr(fresh)
    assert (await room.ask("List", {"forceRefresh": True}, allowed()))["items"] == []
    assert len(room.asks.tried) == 1


async def test_a_repository_is_tried_before_it_is_kept() -> None:
    room = Room()
    wrong = {"repo": REPO | {"password": "wrong"}}
    for method in ("Create", "CreateRepository", "CreateWriteRepository"):
        with pytest.raises(Fault, match="error testing repository connectivity") as refused:
            await room.ask(method, wrong)
        assert refused.value.code is Code.INVALID_ARGUMENT
    assert not room.secrets.lives
    await room.ask("Create", {"repo": REPO})
    before = dict(room.secrets.lives)
    with pytest.raises(Fault, match="error testing repository connectivity"):
        await room.ask("Create", wrong | {"upsert": True})
    assert room.secrets.lives == before
    # What is kept is tried along with what is new.
    await room.ask("Create", {"repo": {"repo": WEB, "username": "bob"}, "upsert": True})
    assert room.asks.tried[-1] == {"url": WEB, "username": "bob", "password": "hunter2"}
    tried = len(room.asks.tried)
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("Create", wrong, allowed())
    assert len(room.asks.tried) == tried
