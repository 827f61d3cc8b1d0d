"""A secret in every place where one can be is found in nothing that is told, whatever goes well and wrong.

What Git holds its mirror holds too, and an Application's status copies its sources from the specification; both are for
those alone who may read the original.
"""

import asyncio
import base64
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import Cluster
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.e2e.test_pipelines import trueup

from trueup.formats.hidden import spellings
from trueup.model.annotations import LAST_APPLIED

PLACES = (
    *("string-data", "data", "refused", "literal", "bare-literal", "file", "env-file", "values", "failing-values"),
    *("parameter", "live", "record", "userinfo", "userinfo-with-slash", "unreachable"),
    *("password", "ssh-key", "cluster", "webhook"),
)
COPIES = frozenset(("source", "sources", "comparedTo"))
SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n{field}: {{key: "{value}"}}\n'
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: from-chart}
stringData: {a: {{ .Values.auth.password | quote }}, b: {{ .Values.other.token | quote }}}
"""


def kustomization(literal: str) -> str:
    generated = f"secretGenerator:\n- name: g\n  literals:\n  - {literal}\n  files: [f.txt]\n  envs: [e.env]\n"
    return generated + "generatorOptions: {disableNameSuffixHash: true}\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.timeout(400)
async def test_no_secret_is_told_anywhere(estate: Estate, cluster: Cluster) -> None:
    canary = {place: f"Canary4{secrets.token_urlsafe(18)}" for place in PLACES}
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
    }
    for folder in ("generated", "broken"):
        files |= {f"{folder}/f.txt": f"line one\n{canary['file']}\n", f"{folder}/e.env": f"A={canary['env-file']}\n"}
    await estate.given(files)
    await keep(estate, canary)
    apps = await deploy(estate, canary)
    await estate.settled(name=estate.name)
    await estate.change("Secret", "plain", {
        "data": {"key": encoded(canary["live"])},
        "metadata": {"annotations": {LAST_APPLIED: msgspec.json.encode({
            "apiVersion": "v1", "kind": "Secret", "data": {"key": encoded(canary["record"])}}).decode()}},
    })  # fmt: skip
    await asyncio.gather(*(estate.condition(kind, name) for name, kind in apps.items() if kind))
    await estate.settled(name=estate.name)
    processes = list(of_processes(estate))
    told = {
        **await on_screen(estate, cluster),
        **await in_the_cluster(estate),
        **{str(path): path.read_bytes() for path in on_disk(estate)},
        "processes": b"\n".join(processes),
    }
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
        labels = {"argocd.argoproj.io/secret-type": kind} if kind else {}
        metadata = {"name": f"{estate.name}-{name}", "namespace": NAMESPACE, "labels": labels}
        await estate.make({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


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


def of_processes(estate: Estate) -> Iterator[bytes]:
    """What everybody sees of the processes, and the surroundings of the engine's own."""
    assert estate.engine.process is not None
    children = {estate.engine.process.pid}
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            yield (process / "cmdline").read_bytes()
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in children:
                children.add(int(process.name))
                yield (process / "environ").read_bytes()
        except OSError:
            continue


def around(text: bytes, spelling: str) -> str:
    at = text.index(spelling.encode())
    return text[max(at - 80, 0) : at + len(spelling) + 40].decode("utf-8", "replace")
