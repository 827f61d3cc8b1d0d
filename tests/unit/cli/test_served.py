"""Commands through an API server: real resources over ports by hand, asked by REST as `trueup server` serves it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import pytest_asyncio
from click.testing import CliRunner, Result
from tests.support.apiserver import ByHand, Served, api_server
from tests.support.certificates import self_signed
from tests.unit.server.resources.test_application_changes import Asks, Writes
from tests.unit.server.resources.test_application_objects import ByHandPlace, live, node
from tests.unit.server.resources.test_applications import Stored, application
from tests.unit.server.resources.test_cluster_writes import Room
from tests.unit.server.resources.test_projects import Objects, Reads, stored_object
from tests.unit.server.resources.test_trust import ED25519, Maps

from kubegrammar.errors import Explained
from trueup.cli.app import app as app_group
from trueup.cli.cluster import cluster as cluster_group
from trueup.cli.proj import proj as proj_group
from trueup.cli.root import trueup
from trueup.cli.servers import applications as served_applications
from trueup.kube.object import read_object
from trueup.model.application import Application, Operation
from trueup.model.live import LiveObject
from trueup.model.public_key import PublicKey
from trueup.model.status import RevisionHistory
from trueup.policy.requests import Cascade
from trueup.server.request import Functions, Json, Request, Stream
from trueup.server.resources.application_actions import application_actions
from trueup.server.resources.application_edits import ApplicationEdits
from trueup.server.resources.application_logs import application_logs
from trueup.server.resources.application_objects import application_objects
from trueup.server.resources.application_requests import application_requests
from trueup.server.resources.application_tree import application_tree
from trueup.server.resources.application_watch import application_watch
from trueup.server.resources.applications import application_reads
from trueup.server.resources.certificates import CertificateResources
from trueup.server.resources.gpgkeys import GpgKeyResources
from trueup.server.resources.projects import ProjectResources
from trueup.server.resources.repositories import RepositoryResources
from trueup.server.resources.version import version_functions
from trueup.server.transport.certificate import self_made
from trueup.store.applications import StoredApplication, key_of
from trueup.store.credentials import KEYRING

_GROUPS: dict[str, click.Group] = {"app": app_group, "proj": proj_group, "cluster": cluster_group}
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SHA = "c0ffee0000000000000000000000000000000000"
STATUS: dict[str, Any] = {
    "sync": {"status": "Synced", "revision": SHA},
    "health": {"status": "Healthy"},
    "history": [
        {"id": 1, "revision": "a" * 40, "deployedAt": "2026-05-04T01:00:00Z", "source": {"repoURL": "https://x"}},
        {"id": 2, "revision": SHA, "deployedAt": "2026-05-04T02:00:00Z", "source": {"repoURL": "https://x"}},
    ],
    "resources": [
        {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "version": "v1", "status": "Synced"}
    ],
}


def kept(body: Json) -> LiveObject:
    """An Application as it is stored."""
    return read_object(msgspec.json.encode(body), "argoproj.io/v1alpha1", "Application")


class Versions(Writes):
    """Writes that are told apart."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(stored)
        self._shelf, self._last = stored, 100

    async def create(self, body: Json) -> LiveObject:
        made = await super().create(body)
        return self._versioned(made.object())

    async def edit(self, key: str, change: Callable[[Json], Json]) -> LiveObject:
        before = self._shelf.lives[key]
        body = change(before.object())
        return before if body == before.object() else self._versioned(body)

    def _versioned(self, body: Json) -> LiveObject:
        self._last += 1
        body["metadata"]["resourceVersion"] = str(self._last)
        self._shelf.put(kept(body))
        return self._shelf.lives[key_of(kept(body))]


class Ends(Asks):
    """Requests whose operations end at once, as an engine ends them."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(stored)
        self.asked: list[Operation] = []
        self.phase = "Succeeded"

    async def sync(self, key: str, ask: Callable[[StoredApplication], Operation]) -> LiveObject:
        return self._begun(await super().sync(key, ask))

    async def roll_back(
        self, key: str, choose: Callable[[StoredApplication], RevisionHistory], *, prune: bool, username: str
    ) -> tuple[LiveObject, RevisionHistory]:
        begun, chosen = await super().roll_back(key, choose, prune=prune, username=username)
        return self._begun(begun), chosen

    async def delete(self, key: str, cascade: Cascade) -> None:
        await super().delete(key, cascade)
        self._stored.drop(key)

    def _begun(self, begun: LiveObject) -> LiveObject:
        operation = begun.object()["operation"]
        self.asked.append(msgspec.convert(operation, type=Operation))
        self._stored.put(begun)
        state = {
            "phase": self.phase,
            "message": f"it has {self.phase}",
            "operation": operation,
            "startedAt": "2026-05-04T03:00:00Z",
        }
        ended = begun.object() | {"status": {**begun.object().get("status", {}), "operationState": state}}
        del ended["operation"]
        ended["metadata"]["resourceVersion"] = str(int(begun.resource_version or 0) + 100)

        async def end() -> None:
            self._stored.put(kept(ended))

        asyncio.get_running_loop().create_task(end())
        return begun


class Shop:
    """What a server has."""

    def __init__(self) -> None:
        self.projects = Objects(stored_object("AppProject", "shop", spec={"sourceRepos": ["*"]}))
        self.secrets = Objects()
        self.maps, self.clusters = Maps(), Room()
        web = application("web", 3, labels={"tier": "front"})
        self.stored = Reads(self.projects, kept(web.object() | {"status": STATUS}), application("api", 9))
        self.asks = Ends(self.stored)
        deployment = live("Deployment", "web", {"spec": {"paused": False}}, "apps/v1")
        self.place = ByHandPlace([deployment], [node("Pod", "web-1", "web")])
        self.place.logged = {"web-1/main": [b"2026-01-01T00:00:01Z hello", b"2026-01-01T00:00:02Z world"]}
        self.admitted: list[Application] = []

    def functions(self) -> list[Functions]:
        async def place(_: StoredApplication) -> ByHandPlace:
            return self.place

        async def refresh(key: str, hard: bool) -> None:
            found = self.stored.lives[key]
            body = found.object() | {"status": {**STATUS, "health": {"status": "Degraded" if hard else "Healthy"}}}
            self.stored.put(kept(body))

        async def events(namespace: str) -> list[Json]:
            return []

        async def metadata(request: Request) -> Json:
            return {"author": "Ada <ada@example.com>", "message": "Say hello\n\nIn full."}

        async def timeline(request: Request) -> Json:
            line = {"at": "2026-05-04T03:02:01Z", "text": f"{request.message['name']} was synced", "tone": "good"}
            return {"lines": [line | {"inner": False}]}

        async def windows(request: Request) -> Json:
            return {"canSync": True, "assignedWindows": [{"kind": "allow", "schedule": "* * * * *", "duration": "1h"}]}

        async def keys(texts: Sequence[str]) -> list[PublicKey]:
            return [
                PublicKey(each, f"{each:0>40}", "rsa4096", "Ada <ada@example.com>", "", False, each) for each in texts
            ]

        async def never() -> None:
            raise AssertionError("nobody follows a tree")

        def masked() -> tuple[str, ...]:
            return ()

        stored = self.stored
        return [
            version_functions("9.9", {}),
            application_reads(stored, stored.changes, refresh),
            application_watch(stored, stored.changes),
            application_requests(stored, self.asks),
            ApplicationEdits(stored, Versions(stored), self.admitted.append).functions(),
            application_tree(stored, place, never),
            application_objects(stored, place, masked),
            application_logs(stored, place),
            application_actions(stored, place, lambda: NOW, dict),
            ProjectResources(stored, self.projects, lambda app, project: None, events, lambda: NOW).functions(),
            RepositoryResources(self.secrets, "argocd").functions(),
            CertificateResources(self.maps.trusted, self.maps.change).functions(),
            GpgKeyResources(lambda: list(self.maps.maps.get(KEYRING, {}).values()), keys, self.maps.change).functions(),
            self.clusters.functions,
            {
                "ApplicationService.RevisionMetadata": metadata,
                "ApplicationService.GetApplicationSyncWindows": windows,
                "TrueupService.Timeline": timeline,
            },
        ]


class Terminal:
    """Commands beside a server that somebody has signed in to."""

    def __init__(self, shop: Shop, served: Served, config: Path) -> None:
        self.shop, self.served, self.config = shop, served, config

    async def result(self, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, trueup, [*words, "--config", str(self.config)])

    async def run(self, *words: str) -> str:
        result = await self.result(*words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout


def config_of(folder: Path, server: str, token: str = "token") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "config"
    path.write_text(
        f"""contexts: [{{name: here, server: "{server}", user: here}}]
current-context: here
servers: [{{server: "{server}", plain-text: true}}]
users: [{{name: here, auth-token: {token}}}]
"""
    )
    path.chmod(0o600)
    return path


@asynccontextmanager
async def shop_at(
    folder: Path, *, allowed: Callable[[str, str, str], bool] = lambda *_: True
) -> AsyncIterator[Terminal]:
    shop = Shop()
    functions = {name: function for each in shop.functions() for name, function in each.items()}
    async with api_server(functions, {"token": ByHand("ada", allowed)}) as served:
        yield Terminal(shop, served, config_of(folder / "argocd", f"127.0.0.1:{served.port}"))


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No server and no cluster is named by the environment: a command that asked Kubernetes would find none."""
    for name in ("ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN", "ARGOCD_OPTS", "ARGOCD_CONFIG_DIR", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    yield


@pytest_asyncio.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    async with shop_at(tmp_path) as found:
        yield found


READS: dict[str, tuple[str, list[str]]] = {
    "a list": ("app list", ["argocd/web", "argocd/api", "Healthy"]),
    "names": ("app list -o name -l tier=front", ["argocd/web\n"]),
    "one": ("app get web", ["argocd/web", "Sync Allowed", "allow:* * * * *:1h", "Deployment"]),
    "its data": ("app get web -o json", ['"name": "web"', SHA]),
    "its tree": ("app get web -o tree", ["Deployment/web", "└─Pod/web-1"]),
    "refreshed": ("app get web --refresh", ["Healthy"]),
    "refreshed hard": ("app get web --hard-refresh", ["Degraded"]),
    "its history": ("app history web", ["Say hello", "Ada", SHA[:12]]),
    "ids of its history": ("app history web -o id", ["1\n2\n"]),
    "its objects": ("app resources web", ["Deployment", "web-1"]),
    "what it waits for": ("app wait web --health --timeout 60", ["Healthy"]),
    "its timeline": ("app timeline web --since 2h", ["2026-05-04 (UTC)", "web was synced"]),
    "its logs": ("app logs web", ["hello\nworld\n"]),
    "some of its logs": ("app logs web --filter ell", ["hello\n"]),
    "actions": ("app actions list web --kind Deployment", ["restart", "pause", "scale"]),
    "an object": ("app get-resource web --kind Deployment -o json", ['"kind": "Deployment"']),
    "fields of an object": ("app get-resource web --kind Deployment --filter-fields metadata.name -o json", ['"web"']),
    "projects": ("proj list", ["shop"]),
    "a project": ("proj get shop", ["Repositories:", "*"]),
    "roles": ("proj role list shop", ["ROLE-NAME"]),
    "windows": ("proj windows list shop", ["SCHEDULE"]),
    "repositories": ("repo list -o json", ["[]"]),
    "the version": ("version", ["v9.9"]),
}


@pytest.mark.parametrize("read", READS)
async def test_what_a_server_knows_is_shown(terminal: Terminal, read: str) -> None:
    words, shown = READS[read]
    told = await terminal.run(*words.split())
    assert [each for each in shown if each not in told] == [], told


async def test_what_is_not_there_is_missing_and_a_browser_is_told_the_way(terminal: Terminal) -> None:
    gone = {"kind": "ConfigMap", "namespace": "shop", "name": "gone", "version": "v1", "status": "OutOfSync"}
    there = {**STATUS["resources"][0], "status": "OutOfSync"}
    body = terminal.shop.stored.lives["argocd/web"].object()
    terminal.shop.stored.put(kept(body | {"status": {**STATUS, "resources": [gone, there]}}))
    told = await terminal.run("app", "get", "web")
    assert "Missing" in next(line for line in told.splitlines() if "gone" in line), told
    assert "Missing" not in next(line for line in told.splitlines() if "Deployment" in line), told
    assert f"http://127.0.0.1:{terminal.served.port}/applications/argocd/web" in told.splitlines()[4]


async def test_an_application_from_creation_to_deletion(terminal: Terminal) -> None:
    shop = terminal.shop
    made = ("--repo", "https://git.example.com/a.git", "--path", ".", "--dest-namespace", "shop", "--project", "shop")
    assert await terminal.run("app", "create", "new", *made) == "application 'new' created\n"
    assert await terminal.run("app", "create", "new", *made) == "application 'new' unchanged\n"
    other = ("--repo", "https://git.example.com/b.git", *made[2:])
    with pytest.raises(Explained, match="exists already"):
        await terminal.run("app", "create", "new", *other)
    assert await terminal.run("app", "create", "new", *other, "--upsert") == "application 'new' updated\n"
    assert await terminal.run("app", "set", "new", "--revision", "v2") == "application 'new' updated\n"
    assert await terminal.run("app", "set", "new", "--revision", "v2") == "application 'new' unchanged\n"
    patch = '{"metadata": {"labels": {"a": "b"}}, "spec": {"source": {"path": "deploy"}}}'
    assert '"deploy"' in await terminal.run("app", "patch", "new", "--type", "merge", "--patch", patch, "-o", "json")
    spec = shop.stored.lives["argocd/new"].object()["spec"]
    assert (spec["source"]["targetRevision"], spec["source"]["path"]) == ("v2", "deploy")
    told = await terminal.run(
        "app", "sync", "new", "--revision", "v3", "--prune", "--info", "why=because", "--retry-limit", "2"
    )
    assert "Succeeded" in told
    (operation,) = shop.asks.asked
    sync = operation.sync
    assert sync is not None and (sync.revision, sync.prune) == ("v3", True)
    assert operation.initiated_by.username == "ada" and operation.retry is not None and operation.retry.limit == 2
    assert [(each.name, each.value) for each in operation.info] == [("why", "because")]
    assert await terminal.run("app", "confirm-deletion", "new")
    assert (
        await terminal.run("app", "delete", "new", "--yes", "--wait", "--timeout", "60")
        == "application 'new' deleted\n"
    )
    assert shop.asks.deleted == [("argocd/new", "foreground")]
    assert "is gone" in await terminal.run("app", "wait", "new", "--delete", "--timeout", "60")


async def test_a_sync_that_fails_is_an_error(terminal: Terminal) -> None:
    terminal.shop.asks.phase = "Failed"
    done = await terminal.result("app", "sync", "web")
    assert done.exit_code == 20 and "it has Failed" in done.output


async def test_a_rollback_goes_to_a_deployment_of_the_history(terminal: Terminal) -> None:
    assert "deployment 1" in await terminal.run("app", "rollback", "web", "1")
    (operation,) = terminal.shop.asks.asked
    assert operation.sync is not None and operation.sync.revision == "a" * 40
    with pytest.raises(Explained, match="--core"):
        await terminal.run("app", "rollback", "web", "--git", "--yes")


async def test_single_objects_are_changed(terminal: Terminal) -> None:
    place = terminal.shop.place
    deployment = ("--kind", "Deployment", "--resource-name", "web")
    assert "restart of Deployment/web" in await terminal.run("app", "actions", "run", "web", "restart", *deployment)
    scale = ("app", "actions", "run", "web", "scale", *deployment, "--param", "replicas=3")
    assert await terminal.run(*scale)
    with pytest.raises(Explained, match="replicas has to be"):
        await terminal.run(*scale[:-2])
    assert await terminal.run("app", "patch-resource", "web", *deployment, "--patch", '{"spec": {"paused": true}}')
    assert await terminal.run("app", "delete-resource", "web", "--kind", "Pod", "--orphan", "--yes")
    assert [(name, kind) for name, _, kind in place.patched] == [("web", "merge")] * 3
    assert json.loads(place.patched[1][1]) == {"spec": {"replicas": 3}}
    assert place.deleted == [("web-1", True)]
    with pytest.raises(Explained, match="No matching resource"):
        await terminal.run("app", "delete-resource", "web", "--kind", "Job", "--yes")


async def test_a_project_from_creation_to_deletion(terminal: Terminal) -> None:
    assert await terminal.run("proj", "create", "team", "-s", "https://a") == "project 'team' created\n"
    assert await terminal.run("proj", "create", "team", "-s", "https://a") == "project 'team' unchanged\n"
    with pytest.raises(Explained, match="exists already"):
        await terminal.run("proj", "create", "team", "-s", "https://b")
    assert await terminal.run("proj", "add-destination", "team", "https://kubernetes.default.svc", "web")
    assert await terminal.run("proj", "role", "create", "team", "ci")
    assert await terminal.run("proj", "role", "add-policy", "team", "ci", "-a", "sync", "-o", "*")
    spec: Any = terminal.shop.projects.lives["team"].object()["spec"]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "web"}]
    assert spec["roles"][0]["policies"] == ["p, proj:team:ci, applications, sync, team/*, allow"]
    assert await terminal.run("proj", "delete", "team") == "project 'team' deleted\n"
    with pytest.raises(Explained, match="you may not see it"):
        await terminal.run("proj", "get", "team")


async def test_a_repository_from_addition_to_removal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUEUP_GIT_PASSWORD", "hunter2")
    url = "https://git.example.com/team/web.git"
    add = ("repo", "add", url, "--username", "ada")
    assert await terminal.run(*add) == f"Repository '{url}' added\n"
    listed = await terminal.run("repo", "list", "-o", "json")
    assert url in listed and "ada" in listed and "hunter2" not in listed
    with pytest.raises(Explained, match="--upsert"):
        await terminal.run(*add[:-1], "bob")
    assert await terminal.run(*add[:-1], "bob", "--upsert") == f"Repository '{url}' updated\n"
    assert await terminal.run("repo", "rm", url) == f"Repository '{url}' removed\n"
    with pytest.raises(Explained, match="is not known to"):
        await terminal.run("repo", "rm", url)
    below = "https://git.example.com/team"
    assert await terminal.run("repocreds", "add", below, "--username", "ada") == f"Credentials of '{below}' added\n"
    assert await terminal.run("repocreds", "list", "-o", "url") == f"{below}\n"
    assert await terminal.run("repocreds", "rm", below)
    assert terminal.shop.secrets.lives == {}


async def test_what_is_trusted_is_added_listed_and_taken_away(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(self_made(NOW)[0])
    made = await terminal.run("cert", "add-tls", "git.example.com", "--from", str(tmp_path / "ca.pem"))
    assert made.endswith("Successfully created 1 certificate entries\n")
    (tmp_path / "known").write_text(f"# of git\ngit.example.com,[git.example.com]:22 ssh-ed25519 {ED25519}\n")
    made = await terminal.run("cert", "add-ssh", "--batch", "--from", str(tmp_path / "known"))
    assert made.endswith("Successfully created 2 certificate entries\n")
    listed = await terminal.run("cert", "list", "--sort", "type")
    assert [line.split()[1] for line in listed.splitlines()] == ["TYPE", "https", "ssh", "ssh"]
    assert "git.example.com" in await terminal.run("cert", "list", "--cert-type", "https", "-o", "json")
    assert "of type 'ssh/ssh-ed25519'" in await terminal.run("cert", "rm", "git.example.com", "--cert-type", "ssh")
    assert "of type 'https" in await terminal.run("cert", "rm", "git.*", "--yes")
    assert "none matched" in await terminal.run("cert", "rm", "git.example.com")
    (tmp_path / "odd").write_text("|1|hashed ssh-ed25519 AAAA\n")
    with pytest.raises(Explained, match="line 1 is none of known hosts"):
        await terminal.run("cert", "add-ssh", "--batch", "--from", str(tmp_path / "odd"))


async def test_a_key_is_added_listed_and_forgotten(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "ada.asc").write_text("4AEE18F83AFDEB23")
    add = ("gpg", "add", "--from", str(tmp_path / "ada.asc"))
    assert await terminal.run(*add) == "Created 1 key(s)\n"
    assert await terminal.run(*add) == "Created 0 key(s) and 1 already existed\n"
    assert "Ada <ada@example.com>" in await terminal.run("gpg", "list")
    assert "rsa4096" in await terminal.run("gpg", "get", "4AEE18F83AFDEB23")
    assert await terminal.run("gpg", "rm", "4AEE18F83AFDEB23") == "Deleted key with key ID 4AEE18F83AFDEB23\n"
    for words in (("gpg", "rm", "4AEE18F83AFDEB23"), ("gpg", "get", "4AEE18F83AFDEB23")):
        with pytest.raises(Explained, match="no key 4AEE18F83AFDEB23 is known"):
            await terminal.run(*words)


async def test_a_cluster_from_addition_to_removal(terminal: Terminal, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        """apiVersion: v1
clusters: [{name: c, cluster: {server: "https://east.example"}}]
contexts: [{name: east, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: of-mine}}]
"""
    )
    plugin = ("--exec-command", "aws", "--exec-command-args", "eks,get-token")
    add = ("cluster", "add", "east", "--kubeconfig", str(kubeconfig), *plugin, "--label", "env=prod")
    assert await terminal.run(*add) == "Cluster 'https://east.example' added\n"
    with pytest.raises(Explained, match="is known already"):
        await terminal.run(*add)
    assert await terminal.run(*add, "--upsert", "--namespace", "shop")
    assert (
        await terminal.run("cluster", "list", "-o", "server")
        == "https://kubernetes.default.svc\nhttps://east.example\n"
    )
    assert "https://east.example (1 namespaces)" in await terminal.run("cluster", "get", "east")
    assert await terminal.run("cluster", "set", "east", "--name", "west", "--namespace", "*")
    shown = await terminal.run("cluster", "get", "west", "-o", "json")
    assert '"env": "prod"' in shown and '"namespaces"' not in shown and "of-mine" not in shown
    assert terminal.shop.clusters.secrets.lives and "of-mine" not in str(terminal.shop.clusters.secrets.lives)
    with pytest.raises(Explained, match="no token that could be renewed"):
        await terminal.run("cluster", "rotate-auth", "west")
    assert await terminal.run("cluster", "rm", "west", "--yes") == "Cluster 'west' removed\n"
    with pytest.raises(Explained, match="there is no cluster 'west'"):
        await terminal.run("cluster", "get", "west")


async def test_a_wait_follows_what_changes_and_ends_in_time(terminal: Terminal) -> None:
    stored = terminal.shop.stored
    waiting = asyncio.create_task(terminal.run("app", "wait", "api", "--health", "--timeout", "120"))
    while not any(asked.method.key == "ApplicationService.Watch" for asked in terminal.served.asked):
        await asyncio.sleep(0.01)
    found = stored.lives["argocd/api"]
    body = found.object() | {"status": STATUS}
    body["metadata"]["resourceVersion"] = "10"
    stored.put(kept(body))
    assert "Healthy" in await waiting
    with pytest.raises(Explained, match="timed out after"):
        await terminal.run("app", "wait", "api", "--degraded", "--timeout", "200ms")


async def test_what_the_server_says_of_a_refusal_is_told(tmp_path: Path) -> None:
    """What is not there and what may not be seen are one; what may be seen and not done is another."""
    async with shop_at(tmp_path, allowed=lambda _, action, of: action == "get") as terminal:
        for words in (("app", "delete", "web", "--yes"), ("app", "sync", "web"), ("proj", "delete", "shop")):
            with pytest.raises(Explained, match="permission denied: ") as caught:
                await terminal.run(*words)
            assert caught.value.hint == "`trueup account can-i` tells rights"
        with pytest.raises(Explained, match="application other/web does not exist on"):
            await terminal.run("app", "get", "other/web")


async def test_who_has_not_signed_in_or_may_not_is_told_what_to_do(tmp_path: Path) -> None:
    async with shop_at(tmp_path, allowed=lambda *_: False) as terminal:
        with pytest.raises(Explained, match="or you may not do this with it") as caught:
            await terminal.run("app", "get", "web")
        assert "trueup account can-i" in caught.value.hint
        for words in (("app", "sync", "web"), ("app", "delete", "web", "--yes"), ("proj", "get", "shop")):
            with pytest.raises(Explained, match="may not"):
                await terminal.run(*words)
        config_of(tmp_path / "argocd", terminal.served.url.removeprefix("http://"), "''")
        with pytest.raises(Explained, match="not signed in to") as caught:
            await terminal.run("app", "list")
        assert caught.value.hint == "`trueup relogin` signs in"
        with pytest.raises(Explained, match="does not answer") as caught:
            await terminal.run("app", "list", "--server", "127.0.0.1:1", "--plaintext", "--http-retry-max", "1")
        assert caught.value.hint == "is it up, and is this its port?"
        done = await terminal.result("version", "--server", "127.0.0.1:1", "--plaintext")
        assert done.output.startswith("trueup ") and done.exit_code != 0
    assert terminal.shop.asks.deleted == []


CHOICES: dict[str, tuple[list[str], dict[str, str], bool]] = {
    "the current context": ([], {}, True),
    "--core": (["--core"], {}, False),
    "ARGOCD_OPTS with --core": ([], {"ARGOCD_OPTS": "--core --grpc-web"}, False),
    "a kubeconfig": (["--kubeconfig", "/nonexistent/kubeconfig"], {}, False),
    "a context of a kubeconfig": (["--kube-context", "there"], {}, False),
    "a context of the file": (["--argocd-context", "here"], {}, True),
    "a server": (["--server", "SERVER"], {}, True),
    "a variable": ([], {"ARGOCD_SERVER": "SERVER"}, True),
    "flags that change nothing": (["--grpc-web", "--http-retry-max", "3", "--header", "X-Team: shop"], {}, True),
}


@pytest.mark.parametrize("choice", CHOICES)
async def test_which_of_the_two_is_asked(terminal: Terminal, choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, variables, server = CHOICES[choice]
    here = terminal.served.url.removeprefix("http://")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("SERVER", here))
    done = await terminal.result("app", "list", "-o", "name", *(word.replace("SERVER", here) for word in words))
    assert (done.exit_code == 0) is server, done.output
    assert bool(terminal.served.asked) is server


@pytest.mark.parametrize("words", [["--core"], ["--kubeconfig", "x"], ["--kube-context", "x"]])
async def test_a_server_and_a_cluster_are_not_both_named(terminal: Terminal, words: list[str]) -> None:
    done = await terminal.result("app", "list", "--server", "x:1", *words)
    assert done.exit_code == 2 and f"{words[0]} is straight on Kubernetes" in done.output


def test_what_has_no_server_in_it_is_kubernetes(tmp_path: Path) -> None:
    """No file, none of the variables: nothing of servers is loaded, and the cluster is what is missing."""
    done = CliRunner().invoke(trueup, ["app", "list", "--config", str(tmp_path / "none")])
    assert "no cluster is known" in str(done.exception)


async def test_a_certificate_is_looked_at_as_the_options_say(tmp_path: Path) -> None:
    certificate, context = self_signed("127.0.0.1")
    (tmp_path / "ca.pem").write_text(certificate)
    async with api_server(version_functions("9.9", {}), context=context) as served:
        config = config_of(tmp_path / "argocd", f"127.0.0.1:{served.port}")
        config.write_text(config.read_text().replace(", plain-text: true", ""))
        terminal = Terminal(Shop(), served, config)
        with pytest.raises(Explained, match="is not known") as caught:
            await terminal.run("version")
        assert "--insecure" in caught.value.hint and "--server-crt" in caught.value.hint
        assert "v9.9" in await terminal.run("version", "--insecure")
        assert "v9.9" in await terminal.run("version", "--server-crt", str(tmp_path / "ca.pem"))
        with pytest.raises(Explained, match=r"none\.pem cannot be read"):
            await terminal.run("version", "--server-crt", str(tmp_path / "none.pem"))
        with pytest.raises(Explained, match="does not answer"):
            await terminal.run("version", "--plaintext")


async def test_a_stream_that_ends_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a server, or a proxy before it, is made anew."""
    monkeypatch.setattr(served_applications, "PAUSE", 0.01)
    shop, ends = Shop(), [0]

    async def watch(request: Request) -> Stream:
        async def items() -> AsyncIterator[Json]:
            ends[0] += 1
            if ends[0] == 3:
                found = shop.stored.lives["argocd/api"].object() | {"status": STATUS}
                found["metadata"]["resourceVersion"] = "10"
                shop.stored.put(kept(found))
            for each in list[Json]():
                yield each

        return Stream(items())

    functions = {name: function for each in shop.functions() for name, function in each.items()}
    async with api_server({**functions, "ApplicationService.Watch": watch}) as served:
        terminal = Terminal(shop, served, config_of(tmp_path / "argocd", f"127.0.0.1:{served.port}"))
        assert "Healthy" in await terminal.run("app", "wait", "api", "--health", "--timeout", "120")
    assert ends[0] == 3


async def test_tab_offers_what_the_server_shows(terminal: Terminal) -> None:
    def offered(command: str, *words: str) -> list[str]:
        group, name = command.split()
        found = _GROUPS[group].get_command(click.Context(_GROUPS[group]), name)
        assert found is not None
        context = found.make_context(name, ["--config", str(terminal.config), *words], resilient_parsing=True)
        argument = next(each for each in found.params if isinstance(each, click.Argument))
        return [item.value for item in argument.shell_complete(context, "")]

    assert await asyncio.to_thread(offered, "app get") == ["api", "web"]
    assert await asyncio.to_thread(offered, "proj get") == ["shop"]
    assert await asyncio.to_thread(offered, "cluster get") == ["in-cluster"]
    assert await asyncio.to_thread(offered, "app get", "--core") == []


@pytest.mark.parametrize("text", ["--nonsense", "--server", "'unclosed"])
async def test_options_of_the_environment_that_are_none_are_told(
    terminal: Terminal, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOCD_OPTS", text)
    done = await terminal.result("app", "list")
    assert done.exit_code == 2 and "ARGOCD_OPTS: " in done.output
