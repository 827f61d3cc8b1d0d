"""Projects, repositories and clusters through the API."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import with_
from tests.unit.server.resources.test_applications import Stored

from trueup.kube.errors import AlreadyExists
from trueup.kube.object import read_object
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.runtime.clock import SystemClock
from trueup.server.api import as_fault
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request
from trueup.server.resources.clusters import ClusterFinding, ClusterState, cluster_functions
from trueup.server.resources.notifications import notification_functions
from trueup.server.resources.projects import ProjectResources
from trueup.server.resources.repositories import RepositoryResources, RepositoryState
from trueup.store.clusters.secret import ClusterEntry


def stored_object(kind: str, name: str, **parts: Any) -> LiveObject:
    metadata = {"name": name, "namespace": "argocd", "uid": name, "resourceVersion": "1", **parts.pop("metadata", {})}
    version = "v1" if kind == "Secret" else "argoproj.io/v1alpha1"
    return read_object(msgspec.json.encode({"apiVersion": version, "kind": kind, "metadata": metadata, **parts}))


class Objects:
    """Objects of one kind by hand."""

    def __init__(self, *lives: LiveObject) -> None:
        self.lives = {each.key.name: each for each in lives}

    async def of_kind(self, kind: str) -> list[LiveObject]:
        label = "argocd.argoproj.io/secret-type"
        return [each for each in self.lives.values() if each.labels.get(label) == kind]

    async def get(self, name: str) -> LiveObject | None:
        return self.lives.get(name)

    async def create(self, body: Json) -> LiveObject:
        name = body["metadata"]["name"]
        if name in self.lives:
            raise AlreadyExists("it is there")
        self.lives[name] = stored_object(body.pop("kind"), name, **body)
        return self.lives[name]

    async def edit(self, key: str, change: Callable[[Json], Json]) -> LiveObject:
        name = key.partition("/")[2]
        body = change(self.lives[name].object())
        if "data" in body:
            body["data"] = {field: value for field, value in body["data"].items() if value is not None}
        self.lives[name] = read_object(msgspec.json.encode(body))
        return self.lives[name]

    async def delete(self, key: str, uid: str) -> None:
        del self.lives[key.partition("/")[2]]


class Reads(Stored):
    """Applications and projects by hand."""

    def __init__(self, projects: Objects, *apps: LiveObject) -> None:
        super().__init__(*apps)
        self.projects = projects

    def live_projects(self) -> list[LiveObject]:
        return list(self.projects.lives.values())

    def live_project(self, name: str) -> LiveObject | None:
        return self.projects.lives.get(name)

    def needing(self, project: LiveObject) -> list[str]:
        return [each.key for each in self.readable() if each.app.spec.project == project.key.name]

    def readable(self) -> list[Any]:
        return [self.get(key) for key in self.lives]


def admit(app: Application, project: Project) -> None:
    if app.spec.source and app.spec.source.repo_url not in project.spec.source_repos:
        raise InvalidSpec("not permitted")


async def no_events(namespace: str) -> list[Json]:
    return [{"involvedObject": {"uid": "shop"}, "reason": "Made"}, {"involvedObject": {"uid": "x"}}]


WEB = "https://git.example.com/web.git"
SHOP = {"sourceRepos": [WEB], "destinations": [{"server": "*", "namespace": "*"}]}


@pytest.fixture
def projects() -> Objects:
    return Objects(stored_object("AppProject", "shop", spec=SHOP), stored_object("AppProject", "default", spec={}))


async def ask(functions: Any, method: str, message: Json, caller: ByHand | None = None) -> Any:
    try:
        return await functions[method](Request(caller or ByHand(), message))
    except Exception as error:
        raise as_fault(error, method) from error


def of_projects(projects: Objects) -> Any:
    reads = Reads(projects, with_("web"))
    return ProjectResources(reads, projects, admit, no_events, SystemClock().now).functions()


def may_see(*objects: str) -> ByHand:
    return ByHand("ada", lambda resource, action, of: action == "get" and of in objects)


async def test_projects_are_seen_by_who_may(projects: Objects) -> None:
    functions = of_projects(projects)
    found = await ask(functions, "ProjectService.List", {}, may_see("shop"))
    assert [each["metadata"]["name"] for each in found["items"]] == ["shop"]
    assert (await ask(functions, "ProjectService.Get", {"name": "shop"}))["spec"] == SHOP
    assert (await ask(functions, "ProjectService.ListEvents", {"name": "shop"}))["items"][0]["reason"] == "Made"
    for name in ("default", "missing"):
        with pytest.raises(Fault, match="permission denied"):
            await ask(functions, "ProjectService.Get", {"name": name}, may_see("shop"))
    with pytest.raises(Fault, match="not found"):
        await ask(functions, "ProjectService.Get", {"name": "missing"})


@pytest.mark.parametrize(
    ("method", "message", "text"),
    [
        ("Create", {"project": {"metadata": {"name": "shop"}, "spec": {}}}, "use upsert flag to force update"),
        ("Create", {"project": {"spec": {}}}, "name has to be there"),
        ("Create", {"project": {"metadata": {"name": "x"}, "spec": {"sourceRepos": 3}}}, "is not valid"),
        (
            "Create",
            {"project": {"metadata": {"name": "x"}, "spec": {"syncWindows": [{"kind": "odd"}]}}},
            "spec.syncWindows.0..kind",
        ),
        (
            "Update",
            {"project": {"metadata": {"name": "shop"}, "spec": {}}},
            "1 applications are not permitted any more: web",
        ),
        ("Delete", {"name": "default"}, "is reserved and cannot be deleted"),
        ("Delete", {"name": "shop"}, "project is referenced by 1 applications"),
    ],
)
async def test_what_projects_refuse(projects: Objects, method: str, message: Json, text: str) -> None:
    with pytest.raises(Fault, match=text) as refused:
        await ask(of_projects(projects), f"ProjectService.{method}", message)
    assert refused.value.code is Code.INVALID_ARGUMENT


async def test_projects_are_made_changed_and_deleted(projects: Objects) -> None:
    functions = of_projects(projects)
    made = {"project": {"metadata": {"name": "new", "finalizers": ["x"]}, "spec": SHOP, "status": {"a": "b"}}}
    found = await ask(functions, "ProjectService.Create", made)
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    assert "finalizers" not in found["metadata"]
    assert (await ask(functions, "ProjectService.Create", made))["spec"] == SHOP
    made["project"]["spec"] = {"description": "x"}
    assert (await ask(functions, "ProjectService.Update", made))["spec"] == {"description": "x"}
    assert (await ask(functions, "ProjectService.Create", {**made, "upsert": True}))["spec"] == {"description": "x"}
    for method, message in (("Create", made), ("Update", made), ("Delete", {"name": "new"})):
        with pytest.raises(Fault, match="permission denied"):
            await ask(functions, f"ProjectService.{method}", message, may_see("new"))
    assert await ask(functions, "ProjectService.Delete", {"name": "new"}) == {}
    assert "new" not in projects.lives


async def test_tokens_of_a_role_go_with_it_and_do_not_come_back(projects: Objects) -> None:
    tokens = {role: {"items": [{"id": role, "iat": 1}]} for role in ("ci", "cd", "gone")}
    spec = {"roles": [{"name": "ci"}, {"name": "cd"}]}
    status = {"jwtTokensByRole": tokens, "other": 1}
    projects.lives["team"] = stored_object("AppProject", "team", spec=spec, status=status)
    functions = of_projects(projects)
    for roles in (["ci"], ["ci", "cd", "gone"]):
        body = {"metadata": {"name": "team"}, "spec": {"roles": [{"name": role} for role in roles]}}
        found = await ask(functions, "ProjectService.Update", {"project": body})
        assert found["status"] == {"jwtTokensByRole": {"ci": tokens["ci"]}, "other": 1}


async def test_windows_that_are_open_now(projects: Objects) -> None:
    windows = [
        {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]},
        {"kind": "allow", "schedule": "0 0 30 2 *", "duration": "1m", "applications": ["*"]},
    ]
    projects.lives["shop"] = stored_object("AppProject", "shop", spec={"syncWindows": windows})
    found = await ask(of_projects(projects), "ProjectService.GetSyncWindowsState", {"name": "shop"})
    assert [each["kind"] for each in found["windows"]] == ["deny"]


# --- repositories ----------------------------------------------------------------------------------------------------


def of_repositories(secrets: Objects) -> Any:
    return RepositoryResources(secrets, "argocd", lambda url, project: RepositoryState("Successful")).functions()


REPO: Json = {"repo": WEB, "username": "ada", "password": "hunter2"}


async def test_a_repository_is_kept_without_being_shown() -> None:
    secrets = Objects()
    functions = of_repositories(secrets)
    found = await ask(functions, "RepositoryService.CreateRepository", {"repo": REPO})
    assert found == {
        "repo": WEB,
        "username": "ada",
        "type": "git",
        "connectionState": {"status": "Successful", "message": "", "attemptedAt": None},
    }
    for method in ("List", "ListRepositories", "Get"):
        assert "hunter2" not in repr(await ask(functions, f"RepositoryService.{method}", {"repo": WEB}))
    (secret,) = secrets.lives.values()
    assert base64.b64decode(secret.object()["data"]["password"]) == b"hunter2"
    assert secret.labels["argocd.argoproj.io/secret-type"] == "repository"
    assert await ask(functions, "RepositoryService.Create", {"repo": REPO}) == found
    with pytest.raises(Fault, match="use upsert flag"):
        await ask(functions, "RepositoryService.Create", {"repo": REPO | {"username": "bob"}})
    upsert = {"repo": REPO | {"username": "bob"}, "upsert": True}
    assert (await ask(functions, "RepositoryService.Create", upsert))["username"] == "bob"
    assert await ask(functions, "RepositoryService.Delete", {"repo": WEB}) == {}
    assert not secrets.lives


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"username": "bob"}, True),
        ({"proxy": "http://192.0.2.1:8080"}, False),
        ({"insecure": True}, False),
        ({"proxy": "http://192.0.2.1:8080", "password": "new"}, True),
    ],
    ids=["what is not sent stays", "but goes through no other proxy", "nor to who proves nothing", "unless sent anew"],
)
async def test_a_credential_goes_the_way_that_it_was_given_for(change: Json, kept: bool) -> None:
    secrets = Objects()
    functions = of_repositories(secrets)
    await ask(functions, "RepositoryService.Create", {"repo": REPO})
    await ask(functions, "RepositoryService.Update", {"repo": {"repo": WEB} | change})
    (secret,) = secrets.lives.values()
    assert ("password" in secret.object()["data"]) is kept


async def test_repositories_of_a_project_are_its_own() -> None:
    secrets = Objects()
    functions = of_repositories(secrets)
    await ask(functions, "RepositoryService.Create", {"repo": REPO})
    await ask(functions, "RepositoryService.Create", {"repo": REPO | {"project": "shop"}})
    ada = ByHand("ada", lambda resource, action, of: of.startswith("shop/"))
    found = await ask(functions, "RepositoryService.List", {}, ada)
    assert [each["project"] for each in found["items"]] == ["shop"]
    for method, message in (
        ("Create", {"repo": REPO}),
        ("Update", {"repo": REPO}),
        ("Delete", {"repo": WEB, "appProject": ""}),
    ):
        if method == "Delete":
            assert await ask(functions, "RepositoryService.Delete", message, ada) == {}
            continue
        with pytest.raises(Fault, match="permission denied"):
            await ask(functions, f"RepositoryService.{method}", message, ada)
    assert [each.object()["data"].get("project") for each in secrets.lives.values()] == [None]
    with pytest.raises(Fault, match="permission denied"):
        await ask(functions, "RepositoryService.Get", {"repo": "https://git.example.com/none"}, ada)


@pytest.mark.parametrize("url", ["https://ada:hunter2@git.example.com/web", "ftp://x", ""])
async def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Fault) as refused:
        await ask(of_repositories(Objects()), "RepositoryService.Create", {"repo": {"repo": url}})
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert "hunter2" not in refused.value.message


async def test_templates_and_those_for_writing_are_kinds_of_their_own() -> None:
    secrets = Objects()
    functions = of_repositories(secrets)
    creds = {"creds": {"url": "https://git.example.com/team", "username": "x", "password": "hunter2"}}
    await ask(functions, "RepoCredsService.CreateRepositoryCredentials", creds)
    await ask(functions, "RepoCredsService.CreateWriteRepositoryCredentials", creds)
    await ask(functions, "RepositoryService.CreateWriteRepository", {"repo": REPO})
    kinds = sorted(each.labels["argocd.argoproj.io/secret-type"] for each in secrets.lives.values())
    assert kinds == ["repo-creds", "repo-write-creds", "repository-write"]
    found = await ask(functions, "RepoCredsService.ListRepositoryCredentials", {})
    assert found["items"] == [{"url": "https://git.example.com/team", "username": "x", "type": "git"}]
    reader = ByHand("ada", lambda resource, action, of: resource == "repositories")
    assert (await ask(functions, "RepositoryService.ListWriteRepositories", {}, reader))["items"] == []


# --- clusters --------------------------------------------------------------------------------------------------------


class Clusters:
    def all(self) -> list[ClusterEntry]:
        return [
            ClusterEntry(secret="", name="in-cluster", server="https://kubernetes.default.svc"),
            ClusterEntry(secret="s", name="east", server="https://east.example", project="shop"),
        ]


async def test_clusters_are_shown_without_what_they_are_reached_with() -> None:
    state = ClusterState("Successful", version="1.37", applications=2)
    functions = cluster_functions(ClusterFinding(Clusters(), lambda entry: state))
    found = await ask(functions, "ClusterService.List", {})
    assert [each["name"] for each in found["items"]] == ["in-cluster", "east"]
    assert found["items"][1]["config"] == {"tlsClientConfig": {"insecure": False}}
    assert found["items"][1]["info"]["applicationsCount"] == 2
    ada = may_see("shop/https://east.example")
    assert [each["name"] for each in (await ask(functions, "ClusterService.List", {}, ada))["items"]] == ["east"]
    for id_ in ({"value": "https://east.example"}, {"value": "east", "type": "name"}):
        assert (await ask(functions, "ClusterService.Get", {"id": id_}, ada))["server"] == "https://east.example"
    for id_ in (
        {"value": "in-cluster", "type": "name"},
        {"value": "none", "type": "name"},
        {"value": "https://none"},
        {},
    ):
        with pytest.raises(Fault, match="permission denied"):
            await ask(functions, "ClusterService.Get", {"id": id_}, ada)


# --- and what is beside them -----------------------------------------------------------------------------------------


async def test_notifications_are_listed_by_name() -> None:
    functions = notification_functions(lambda: {"trigger.on-sync": "", "service.webhook.chat": "", "context": ""})
    assert (await ask(functions, "NotificationService.ListTriggers", {}))["items"] == [{"name": "on-sync"}]
    assert (await ask(functions, "NotificationService.ListServices", {}))["items"] == [{"name": "chat"}]
    assert (await ask(functions, "NotificationService.ListTemplates", {}))["items"] == []
