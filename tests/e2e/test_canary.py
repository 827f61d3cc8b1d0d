"""A secret in every place where one can be is found in nothing that is told, whatever goes well and wrong.

What Git holds its mirror holds too, and an Application's status copies its sources from the specification; both are for
those alone who may read the original.
"""

import asyncio
import base64
import secrets
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.conftest import Cluster
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment
from tests.e2e.test_pipelines import trueup
from tests.support.httpserver import serving

from kubegrammar.hidden import spellings
from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.kube.client import Client
from trueup.model.annotations import LAST_APPLIED
from trueup.store.credentials import CONFIG_MAP
from trueup.workers.kept import MARK
from trueup.workshop.git import GitServer

PLACES = (
    *("string-data", "data", "refused", "literal", "bare-literal", "file", "env-file", "values", "failing-values"),
    *("parameter", "live", "record", "userinfo", "userinfo-with-slash", "unreachable"),
    *("password", "ssh-key", "cluster", "webhook"),
)
OUTSIDE = ("hook", "refused-hook", "pull", "shown", "write-back", "destination")
"""What hooks, registries, write-back and another cluster are shown."""
COPIES = frozenset(("source", "sources", "comparedTo"))
SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n{field}: {{key: "{value}"}}\n'
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: from-chart}
stringData: {a: {{ .Values.auth.password | quote }}, b: {{ .Values.other.token | quote }}}
"""
HOOK = """\
apiVersion: v1
kind: Pod
metadata:
  name: hook
  annotations: {argocd.argoproj.io/hook: PreSync, trueup.dev/simulate-delay: 1h}
spec: {restartPolicy: Never, containers: [{name: main, image: "registry.example/hook:1"}]}
"""
REFUSED_HOOK = SECRET.replace("metadata: {{name: {name}}}", "metadata: {{name: {name}, annotations: {on}}}")
ON = "{argocd.argoproj.io/hook: PreSync}"
IMAGES = ("open", "closed")
UPDATER = "argocd-image-updater.argoproj.io/"
UPDATES = "argocd-image-updater-config"


class Repeating:
    """A registry, a Git server and a cluster that show everybody what they were shown, and take no push."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.shown: set[str] = set()
        self.git = GitServer(folder, admit=lambda _: True, pushed=lambda _: None)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        header = request.headers.get("Authorization", "")
        if not header:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if header.startswith("Bearer "):
            token = header.removeprefix("Bearer ")
            self.shown.add(token)
            return web.json_response({"kind": "Status", "message": f"{token} {encoded(token)}"}, status=403)
        known = base64.b64decode(header.removeprefix("Basic ")).decode()
        self.shown.add(known.partition(":")[2])
        if request.path.endswith("/open/tags/list"):
            return web.json_response({"tags": ["1.0.0", "1.1.0"]})
        if request.path.startswith("/v2"):
            return web.json_response({"errors": [{"code": "DENIED", "message": f"{header} {known}"}]}, status=403)
        if "git-receive-pack" in request.path_qs:
            return web.Response(status=403, text=f"{header} {known}")
        return await self.git.handle(request)


def kustomization(literal: str) -> str:
    generated = f"secretGenerator:\n- name: g\n  literals:\n  - {literal}\n  files: [f.txt]\n  envs: [e.env]\n"
    return generated + "generatorOptions: {disableNameSuffixHash: true}\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
async def server(client: Client, tmp_path: Path) -> AsyncIterator[Repeating]:
    """Images are looked at every second while it runs; what other tests say of image automation stays."""
    made = Repeating(tmp_path / "git")
    written = tmp_path / "content" / IMAGES[0]
    written.mkdir(parents=True)
    (written / "kustomization.yaml").touch()
    await made.git.create("w", tmp_path / "content")
    async with serving(made.handle) as host:
        made.url = f"http://{host}"
        await image_automation(client, interval="1s")
        yield made
        await image_automation(client)


async def image_automation(client: Client, **data: str) -> None:
    """Say this of image automation, and no more what was said before."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": UPDATES}, "data": data}
    await client.apply(CONFIG_MAP, NAMESPACE, UPDATES, msgspec.json.encode(body), manager="canary")


@pytest.mark.timeout(400)
async def test_no_secret_is_told_anywhere(estate: Estate, cluster: Cluster, server: Repeating) -> None:
    canary = {place: f"Canary4{secrets.token_urlsafe(18)}" for place in (*PLACES, *OUTSIDE)}
    files = {
        "good/a.yaml": SECRET.format(name="plain", field="stringData", value=canary["string-data"]),
        "good/b.yaml": SECRET.format(name="encoded", field="data", value=encoded(canary["data"])),
        "refused/s.yaml": SECRET.format(name="refused", field="data", value=f"no base64: {canary['refused']}!"),
        "generated/kustomization.yaml": kustomization(f"password={canary['literal']}"),
        "broken/kustomization.yaml": kustomization(canary["bare-literal"]),
        "chart/Chart.yaml": CHART,
        "chart/templates/s.yaml": TEMPLATE,
        "failing/Chart.yaml": CHART,
        "failing/templates/s.yaml": TEMPLATE + '{{ fail (printf "%s is too short" .Values.auth.password) }}\n',
        "failing/values.yaml": f"other: {{token: {canary['failing-values']}}}\n",
        "hooked/s.yaml": SECRET.format(name="hooked", field="stringData", value=canary["hook"]),
        "hooked/hook.yaml": HOOK,
        "unhooked/a.yaml": config("unhooked"),
        "unhooked/hook.yaml": REFUSED_HOOK.format(
            name="unhooked", field="data", value=f"no base64: {canary['refused-hook']}!", on=ON
        ),
    }
    for name in IMAGES:
        image = f"{server.url.removeprefix('http://')}/{name}:1.0.0"
        files[f"{name}/kustomization.yaml"] = "resources: [web.yaml]\n"
        files[f"{name}/web.yaml"] = deployment("web").replace("registry.example/web:1", image)
    for folder in ("generated", "broken"):
        files |= {f"{folder}/f.txt": f"line one\n{canary['file']}\n", f"{folder}/e.env": f"A={canary['env-file']}\n"}
    await estate.given(files)
    await keep(estate, canary)
    apps = await deploy(estate, canary)
    everywhere = isinstance(cluster, EmbeddedCluster)
    if everywhere:
        apps |= await outside(estate, canary, server.url)
    await estate.settled(name=estate.name)
    if everywhere:
        await fail(estate, f"cannot log in with {canary['hook']}")
    await estate.change("Secret", "plain", {
        "data": {"key": encoded(canary["live"])},
        "metadata": {"annotations": {LAST_APPLIED: msgspec.json.encode({
            "apiVersion": "v1", "kind": "Secret", "data": {"key": encoded(canary["record"])}}).decode()}},
    })  # fmt: skip
    await asyncio.gather(*(estate.condition(kind, name) for name, kind in apps.items() if kind))
    await estate.settled(name=estate.name)
    assert any(path.read_bytes().startswith(MARK) for path in on_disk(estate)), "renders without secrets are kept"
    processes = list(of_processes(estate))
    told = {
        **await on_screen(estate, cluster),
        **await in_the_cluster(estate),
        **{str(path): unpacked(path.read_bytes()) for path in on_disk(estate)},
        "processes": b"\n".join(processes),
    }
    if everywhere:
        assert {canary[place] for place in ("pull", "shown", "write-back", "destination")} == server.shown
    assert all(limit.split() == ["Max", "core", "file", "size", "0", "0", "bytes"] for limit in core_sizes(estate))
    assert "condition" in told["log"].decode() and len(told["events"]) > 100 and processes
    found = [
        f"{place} in {where}: …{around(text, spelling)}…"
        for place, value in canary.items()
        for spelling in dict.fromkeys(spellings(value))
        for where, text in told.items()
        if spelling.encode() in text
    ]
    assert not found, "\n".join(found)


async def keep(estate: Estate, canary: dict[str, str]) -> None:
    """Put what the installation itself has of secrets where it is kept."""
    login = {"type": "git", "url": "http://127.0.0.1:1/r", "username": "u", "password": canary["password"]}
    key = {"type": "git", "url": "git@127.0.0.1:r", "sshPrivateKey": canary["ssh-key"]}
    config = msgspec.json.encode({"bearerToken": canary["cluster"]}).decode()
    kept = {
        "repo": ("repository", login),
        "ssh": ("repository", key),
        "cluster": ("cluster", {"name": "c", "server": "https://127.0.0.1:1", "config": config}),
        "hook": ("", {"webhook.github.secret": canary["webhook"]}),
    }
    for name, (kind, data) in kept.items():
        await secret(estate, name, {"argocd.argoproj.io/secret-type": kind} if kind else {}, data)


async def secret(estate: Estate, name: str, labels: dict[str, str], data: dict[str, str], kind: str = "Opaque") -> None:
    metadata = {"name": f"{estate.name}-{name}", "namespace": NAMESPACE, "labels": labels}
    await estate.make({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": data})


async def deploy(estate: Estate, canary: dict[str, str]) -> dict[str, str]:
    """One application for each way to go well or wrong, with the condition that it comes to."""
    name, to = estate.name, {"destination": {"server": "https://kubernetes.default.svc", "namespace": estate.name}}
    helm: dict[str, Any] = {"values": f"auth: {{password: {canary['values']}}}\n",
                            "parameters": [{"name": "other.token", "value": canary["parameter"]}]}  # fmt: skip
    urls = {
        f"{name}-slash": f"http://u:{canary['userinfo-with-slash']}/@x@127.0.0.1:1/r",
        f"{name}-userinfo": f"http://u:{canary['userinfo']}@127.0.0.1:1/u",
        f"{name}-gone": f"http://{canary['unreachable']}@127.0.0.1:1/r",
    }
    made = {await estate.app("good"): ""}
    made |= {
        await estate.app("generated", name=f"{name}-g", spec=to): "",
        await estate.app("chart", name=f"{name}-c", spec=to, helm=helm): "",
        await estate.app("refused", name=f"{name}-r", spec=to, policy={"retry": {"limit": 0}}): "SyncError",
        await estate.app("broken", name=f"{name}-b", spec=to): "ComparisonError",
        await estate.app("failing", name=f"{name}-f", spec=to, helm=helm): "ComparisonError",
    }
    for app, url in urls.items():
        await estate.app("x", name=app, spec=to, repoURL=url)
        made[app] = "InvalidSpecError" if app.endswith("slash") else "ComparisonError"
    return made


async def outside(estate: Estate, canary: dict[str, str], url: str) -> dict[str, str]:
    """Applications whose hooks fail, whose registry says no and whose commit is not taken, as :func:`deploy`."""
    name, to = estate.name, {"destination": {"server": "https://kubernetes.default.svc", "namespace": estate.name}}
    write = {"type": "git", "url": f"{url}/git/w.git", "username": "u", "password": canary["write-back"]}
    pull = {"auths": {url.removeprefix("http://"): {"username": "u", "password": canary["pull"]}}}
    await secret(estate, "write", {"argocd.argoproj.io/secret-type": "repository-write"}, write)
    await secret(
        estate, "shown", {"argocd.argoproj.io/secret-type": "repository"}, {**write, "password": canary["shown"]}
    )
    config = {".dockerconfigjson": msgspec.json.encode(pull).decode()}
    await secret(estate, "pull", {"trueup.dev/image-pull": "true"}, config, "kubernetes.io/dockerconfigjson")
    far = {"name": f"{name}-far", "server": url, "config": f'{{"bearerToken": "{canary["destination"]}"}}'}
    await secret(estate, "far", {"argocd.argoproj.io/secret-type": "cluster"}, far)
    elsewhere = {"destination": {"name": f"{name}-far", "namespace": name}}
    once = {"retry": {"limit": 0}}
    made = {
        await estate.app("good", name=f"{name}-e", spec=elsewhere): "ComparisonError",
        await estate.app("hooked", name=f"{name}-h", spec=to, policy=once): "SyncError",
        await estate.app("unhooked", name=f"{name}-u", spec=to, policy=once): "SyncError",
    }
    for image in IMAGES:
        marks = {
            "image-list": f"web={url.removeprefix('http://')}/{image}:1.x",
            "web.pull-secret": f"pullsecret:{NAMESPACE}/{name}-pull",
            "write-back-method": "git",
            "git-repository": f"{url}/git/w.git",
        }
        annotations = {UPDATER + mark: text for mark, text in marks.items()}
        made[await estate.app(image, name=f"{name}-{image}", annotations=annotations)] = "ImageUpdateError"
    return made


async def fail(estate: Estate, message: str) -> None:
    """Let the hook say why it has failed, as a container does by its termination message."""

    async def runs() -> bool:
        found = await estate.live("Pod", "hook")
        return found is not None and found.object()["status"].get("phase") == "Running"

    await estate.eventually(runs, what="a hook that runs")
    pods = estate.discovery.find("", "Pod")
    assert pods is not None
    change = msgspec.json.encode({"status": {"phase": "Failed", "message": message}})
    await estate.client.patch(pods, estate.name, "hook", change, kind="merge", subresource="status")


async def on_screen(estate: Estate, cluster: Cluster) -> dict[str, bytes]:
    """What commands print of it all."""
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    trail = ["--data", str(estate.engine.folder / "data")]
    commands = [
        ["app", "get", f"{estate.name}-f", "--show-operation"],
        ["app", "list", "-o", "json"],
        ["app", "manifests", estate.name, "--source", "live"],
        ["app", "diff", f"{estate.name}-r"],
        ["audit", "export", *trail],
    ]
    gate = asyncio.Semaphore(2)

    async def printed(command: list[str]) -> bytes:
        async with gate:
            _, output, errors = await trueup(*command, *where, home=estate.engine.folder)
            return (output + errors).encode()

    outputs = await asyncio.gather(*map(printed, commands))
    return {" ".join(command): output for command, output in zip(commands, outputs, strict=True)}


async def in_the_cluster(estate: Estate) -> dict[str, bytes]:
    events = estate.discovery.find("", "Event")
    assert events is not None
    listing = await estate.client.list(estate.application, NAMESPACE)
    return {
        "log": estate.engine.log.read_bytes(),
        "events": b"\n".join([live.body for live in (await estate.client.list(events, NAMESPACE)).objects]),
        "statuses": msgspec.json.encode([without_copies(live.object().get("status")) for live in listing.objects]),
    }


def without_copies(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_copies(each) for name, each in value.items() if name not in COPIES}
    return [without_copies(each) for each in value] if isinstance(value, list) else value


def on_disk(estate: Estate) -> Iterator[Path]:
    """The files of the engine, of what it lets go of and of processes that died in it."""
    for folder in (estate.engine.folder, estate.engine.state):
        yield from (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 50_000_000)


def unpacked(data: bytes) -> bytes:
    """What a render on disk says, which is compressed; all else as it is."""
    return zlib.decompress(data[len(MARK) + 32 :]) if data.startswith(MARK) else data


def of_processes(estate: Estate) -> Iterator[bytes]:
    """What everybody sees of the processes, and the surroundings of the engine's own but git's, which finds the
    credential of its server there, where its own user alone can look."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_bytes()
    for process in processes_of(estate):
        with suppress(OSError):
            if not (process / "comm").read_text().startswith("git"):
                yield (process / "environ").read_bytes()


def core_sizes(estate: Estate) -> Iterator[str]:
    """The limits of the core files that the engine's processes may leave."""
    for process in processes_of(estate):
        with suppress(OSError):
            limits = (process / "limits").read_text().splitlines()
            yield next(line for line in limits if line.startswith("Max core"))


def processes_of(estate: Estate) -> Iterator[Path]:
    """The engine's process and those that it has started, as far as they last."""
    assert estate.engine.process is not None
    family = {estate.engine.process.pid}
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with suppress(OSError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) in family:
                family.add(int(process.name))
            if int(process.name) in family:
                yield process


def around(text: bytes, spelling: str) -> str:
    at = text.index(spelling.encode())
    return text[max(at - 80, 0) : at + len(spelling) + 40].decode("utf-8", "replace")
