"""The command line as its users run it: the executable, its exit codes, what it prints for people and for programs."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import pytest_asyncio
from tests.conftest import Cluster, on_embedded, on_kubernetes, without_definitions
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment, hook, job
from tests.support.commands import EXECUTABLE, Running, start
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.patience import stretched

from kubegrammar import yaml
from pocketkube.controlplane import ControlPlane
from trueup.cli.root import trueup as root_command
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig

PATIENCE = 90.0


class Ran(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def documents(text: str) -> list[Any]:
    return [document.value for document in yaml.load_all(text.encode(), "stdout").documents]


class Shell:
    """Runs the executable, its output in pipes."""

    def __init__(self, kubeconfig: str | Path, home: Path) -> None:
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(kubeconfig)}

    async def start(self, *args: str, environment: Mapping[str, str] | None = None) -> Running:
        return await start(*args, environment={**self.environment, **(environment or {})})

    async def __call__(self, *args: str, environment: Mapping[str, str] | None = None) -> Ran:
        process = await self.start(*args, environment=environment)
        try:
            out, err = await asyncio.wait_for(process.communicate(), stretched(PATIENCE))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        ran = Ran(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in ran.err, ran.err
        assert "\x1b" not in ran.out + ran.err, "colour in a pipe"
        return ran


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "broken").write_text("clusters: [")
    history = APPLICATION.format(name="x", url="https://git.example") + "  revisionHistoryLimit: -1\n"
    (tmp_path / "history.yaml").write_text(history)
    slip = APPLICATION.format(name="x", url="https://git.example") + "  syncPolicy: {automated: {selfheal: true}}\n"
    (tmp_path / "slip.yaml").write_text(slip)
    (tmp_path / "unreachable").write_text(KUBECONFIG % "https://127.0.0.1:1")
    return tmp_path


@pytest_asyncio.fixture
async def shell(cluster: Cluster, home: Path) -> Shell:
    return Shell(cluster.kubeconfig, home)


KUBECONFIG = """apiVersion: v1
kind: Config
current-context: main
contexts: [{name: main, context: {cluster: main, user: main}}]
clusters: [{name: main, cluster: {server: "%s"}}]
users: [{name: main, user: {}}]
"""

APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  project: default
  source: {{repoURL: "{url}", path: app}}
  destination: {{server: "https://kubernetes.default.svc", namespace: {name}}}
"""

WRONG = {
    "an unknown command": ("app nope", 2, "No such command 'nope'"),
    "a missing name": ("app get", 2, "Missing argument 'NAME'"),
    "an unknown flag": ("app list --nope", 2, "No such option"),
    "a resource that is not group, kind and name": ("app sync x --resource bad", 2, "is not GROUP:KIND:NAME"),
    "an application without a name": ("app create", 2, "name the application"),
    "an application without a repository": ("app create x", 2, "name the repository: --repo URL"),
    "an application without a path": ("app create x --repo https://git.example", 2, "name the folder"),
    "a manifest that is not there": ("app create -f nope.yaml", 20, "hint: name a readable file"),
    "a field that is none": ("app create -f {home}/slip.yaml", 20, "selfheal (did you mean selfHeal?)"),
    "no application for a sync": ("app sync", 2, "name an application, or choose by -l"),
    "a sync of a folder that is not there": ("app sync x --local ./nope", 2, "'./nope' does not exist"),
    "a sync of one folder as two applications": ("app sync x y --local .", 2, "for one application"),
    "nothing to set": ("app set x", 2, "say what to set"),
    "a negative limit of the history": ("app create -f {home}/history.yaml", 20, "spec.revisionHistoryLimit: must not"),
    "a label that is no pair": ("app create x -l nope", 20, "'nope' is not KEY=VALUE"),
    "a shell that is not known": ("completion tcsh", 2, "'tcsh' is not one of"),
    "no kubeconfig": ("app list --kubeconfig /nonexistent", 20, "hint: name an existing kubeconfig file"),
    "no kubeconfig for diff": ("app diff x --kubeconfig /nonexistent", 20, "hint: name an existing kubeconfig file"),
    "a kubeconfig that is not YAML": ("app list --kubeconfig {home}/broken", 20, "hint: correct the kubeconfig"),
    "a context that is not there": ("app list --kubeconfig {home}/unreachable --kube-context other", 20, "'other'"),
    "a cluster that does not answer": ("app get x --kubeconfig {home}/unreachable", 20, "hint: is the cluster up?"),
    "a cluster that does not answer diff": ("app diff x --kubeconfig {home}/unreachable", 20, "is the cluster up?"),
    "install on a cluster that does not answer": (
        "install --crds-only --kubeconfig {home}/unreachable",
        20,
        "is the cluster up?",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_said_on_stderr_with_its_exit_code(home: Path, case: str) -> None:
    line, code, said = WRONG[case]
    ran = await Shell(home / "nowhere", home)(*line.format(home=home).split())
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


async def test_what_needs_no_cluster_works_without_one(home: Path) -> None:
    offline = Shell(home / "nowhere", home)
    version = await offline("version", "-o", "json")
    assert set(version.json()) == {"trueup", "python", "platform"}
    assert (await offline("version")).out.startswith(f"trueup {version.json()['trueup']} ")
    printed = await offline("install", "--crds-only", "--print")
    kinds = [document["kind"] for document in documents(printed.out)]
    assert kinds.count("CustomResourceDefinition") >= 2 and kinds[-1] == "AppProject"
    for shell in ("bash", "zsh", "fish"):
        assert "_TRUEUP_COMPLETE" in (await offline("completion", shell)).out
    words = {"COMP_WORDS": "trueup app s", "COMP_CWORD": "2", "_TRUEUP_COMPLETE": "bash_complete"}
    assert (await offline(environment=words)).out == "plain,set\nplain,sync\n"


def commands(group: click.Group = root_command, path: str = "trueup") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=each[0]) for each in commands()])
def test_every_command_and_flag_says_what_it_is_for(path: str, command: click.Command) -> None:
    assert command.help and command.help.strip().partition("\n")[0].endswith((".", ":")), path
    silent = [option.name for option in command.params if isinstance(option, click.Option) and not option.help]
    assert not silent


@on_embedded
async def test_an_operation_and_a_status_in_a_file_are_dropped_with_a_warning(
    estate: Estate, shell: Shell, tmp_path: Path
) -> None:
    await estate.given({"app/settings.yaml": config()})
    file = tmp_path / "app.yaml"
    file.write_text(
        APPLICATION.format(name=estate.name, url=estate.repository.url)
        + "operation: {sync: {revision: main}}\nstatus: {health: {status: Degraded}, sync: {status: Synced}}\n"
    )
    created = await shell("app", "create", "-f", str(file))
    estate.made.append(estate.name)
    assert created.code == 0 and created.out == f"application '{estate.name}' created\n"
    for field in ("operation", "status"):
        assert f"warning: {file}: {field} is dropped" in created.err
    view = await estate.until(lambda view: view.status.sync is not None, what="compared")
    assert view.status.operation_state is None
    assert view.status.sync is not None and view.status.sync.status == "OutOfSync"


@on_embedded
async def test_a_sync_of_local_manifests_is_admitted_told_and_no_history(
    estate: Estate, shell: Shell, tmp_path: Path
) -> None:
    await estate.given({"app/a.yaml": config("a"), "app/b.yaml": config("b")})
    await estate.app("app", automated=None)
    assert (await shell("app", "sync", estate.name, "--timeout", "5m")).code == 0
    here = tmp_path / "here"
    here.mkdir()
    (here / "a.yaml").write_text(config("a", "local"))
    role = "apiVersion: v1\nkind: Secret\nmetadata: {name: c, annotations: {argocd.argoproj.io/tracking-id: forged}}\n"
    (here / "c.yaml").write_text(role + "stringData: {password: dont-keep-me}\n")
    done = await shell("app", "sync", estate.name, "--local", str(here), "--timeout", "5m")
    assert done.code == 0 and "1 of 2 manifests are Secrets" in done.err
    assert "2 manifests, sha256:" in done.out and "from a person's machine, not from Git" in done.out
    a, b, c = [
        await estate.live(kind, name) for kind, name in (("ConfigMap", "a"), ("ConfigMap", "b"), ("Secret", "c"))
    ]
    assert a is not None and a.object()["data"] == {"colour": "local"}
    assert b is not None, "what Git declares is not pruned unless that is asked for"
    assert c is not None and c.annotations["argocd.argoproj.io/tracking-id"].startswith(f"{estate.name}:/Secret:")
    view = await estate.until(
        lambda view: str(view.status.sync and view.status.sync.status) == "OutOfSync", what="seen"
    )
    assert len(view.status.history) == 1, "there is no revision to go back to"
    stored = json.dumps(view.raw)
    assert (
        "dont-keep-me" not in stored + estate.engine.log.read_text()
        and base64.b64encode(b"dont-keep-me").decode() not in stored
    )
    assert "Local Sync:" in (await shell("app", "get", estate.name)).out
    data = str(estate.engine.folder / "data")
    audit = await shell("audit", "--app", estate.name, "--action", "sync-started", "-o", "json", "--data", data)
    assert [entry["why"] for entry in audit.json()] == ["manual", "local"]
    assert audit.json()[-1]["message"].endswith("from a person's machine, not from Git")

    await estate.sync(manifests=[config("a", "local")], prune=True)
    await estate.gone("ConfigMap", "b")
    await estate.patch({"spec": {"syncPolicy": {"automated": {"prune": True}}}})
    await estate.settled()
    view = await estate.sync(manifests=[config("a", "sent")])
    assert view.status.operation_state is not None
    assert "cannot use local sync when Automatic Sync Policy is enabled" in view.status.operation_state.message


@on_embedded
async def test_one_of_several_sources_and_objects_by_label_are_synced_to_what_is_asked_for(
    estate: Estate, shell: Shell
) -> None:
    await estate.given({"one/a.yaml": config("a", "old"), "two/b.yaml": config("b", "old")})
    await estate.repository.git("tag", "v1")
    labelled = config("a", "new").replace("  name: a", "  name: a\n  labels: {tier: front}")
    await estate.commit({"one/a.yaml": labelled, "two/b.yaml": config("b", "new")})
    sources = [{"repoURL": estate.repository.url, "path": path} for path in ("one", "two")]
    await estate.app("one", automated=None, spec={"sources": sources})

    async def colours() -> list[str]:
        found = [await estate.live("ConfigMap", name) for name in ("a", "b")]
        return [each.object()["data"]["colour"] if each else "" for each in found]

    synced = await shell("app", "sync", estate.name, "--revisions", "v1", "--source-positions", "2", "--timeout", "5m")
    assert synced.code == 0 and await colours() == ["new", "old"]
    differs = await shell("app", "diff", estate.name, "--revisions", "v1", "--source-positions", "2", "--no-exit-code")
    assert (differs.code, differs.out) == (0, "")
    await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
    assert (await shell("app", "sync", estate.name, "--label", "tier=front")).code == 0
    assert await colours() == ["new", "old"]


@on_embedded
async def test_an_unknown_cluster_is_told_by_its_own_cause(estate: Estate) -> None:
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app", spec={"destination": {"name": "nope", "namespace": "x"}})
    assert "spec.destination.name: there is no cluster 'nope'" in await estate.condition("InvalidSpecError")


async def test_an_application_from_create_to_delete(estate: Estate, shell: Shell, tmp_path: Path) -> None:
    revision = await estate.given({"app/settings.yaml": config(value="red"), "app/web.yaml": deployment()})
    name = estate.name
    created = await shell(
        "app", "create", name, "--repo", estate.repository.url, "--path", "app", "--dest-namespace", name,
        "--sync-option", "CreateNamespace=true", "-l", f"test={name}", "--set-finalizer",
    )  # fmt: skip
    estate.made.append(name)
    assert (created.code, created.out) == (0, f"application '{name}' created\n")
    again = await shell("app", "create", name, "--repo", estate.repository.url, "--path", "app")
    assert again.code == 20 and "hint: --upsert replaces it" in again.err

    refreshed = await shell("app", "get", name, "--refresh", "-o", "json")
    assert refreshed.json()["status"]["sync"] == refreshed.json()["status"]["sync"] | {
        "status": "OutOfSync",
        "revision": revision,
    }
    assert refreshed.json()["spec"]["source"] == {"repoURL": estate.repository.url, "path": "app"}

    differs = await shell("app", "diff", name)
    planned, why = await shell("app", "plan", name), await shell("app", "explain", name)
    assert planned.code == why.code == 0, (planned, why)
    assert f"create    ConfigMap {name}/settings" in planned.out and f"trueup app diff {name} shows it" in why.out
    assert differs.code == 1 and differs.err == ""
    assert f"===== ConfigMap {name}/settings ======" in differs.out and "+  colour: red" in differs.out
    assert (await shell("app", "diff", name, "--no-exit-code")).code == 0
    assert (await shell("app", "diff", name, "--diff-exit-code", "7")).code == 7
    refused = await shell("app", "diff", name, "--allow-local-repos", "/nonexistent")
    assert refused.code == 20 and "hint: " in refused.err and refused.out == ""

    synced = await shell("app", "sync", name)
    assert synced.code == 0 and synced.err == ""
    assert f"ConfigMap {name}/settings" in synced.out and "configmap/settings created" in synced.out
    waited = await shell("app", "wait", name, "--timeout", "300", "-o", "json")
    assert waited.code == 0 and waited.json()["status"]["health"]["status"] == "Healthy"
    assert await shell("app", "diff", name) == Ran(0, "", "")

    await estate.commit({"app/settings.yaml": config(value="blue")})
    differs = await shell("app", "diff", name)
    assert differs.code == 1 and "-  colour: red" in differs.out and "+  colour: blue" in differs.out
    assert "Deployment" not in differs.out
    assert (await shell("app", "diff", name, "--revision", revision)).code == 0

    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "settings.yaml").write_text(config(value="green"))
    local = ("app", "diff", name, "--local", str(tmp_path / "here"))
    differs = await shell(*local)
    assert differs.code == 1 and "+  colour: green" in differs.out
    rooted = await shell(*local, "--local-repo-root", str(tmp_path / "here"))
    assert rooted.out == differs.out, "nothing of it lies beside the folder"
    shown = await shell(*local, environment={"KUBECTL_EXTERNAL_DIFF": "diff -u -L one -L two"})
    assert shown.code == 1 and "+++ two" in shown.out and "+  colour: green" in shown.out
    assert "cannot be run" in (await shell(*local, environment={"KUBECTL_EXTERNAL_DIFF": "/nonexistent"})).err

    rendered = await shell("app", "manifests", name)
    names = {(d["kind"], d["metadata"]["name"]) for d in documents(rendered.out)}
    assert names == {("ConfigMap", "settings"), ("Deployment", "web")}
    colours = [d["data"] for d in (await shell("app", "manifests", name, "-o", "json")).json() if "data" in d]
    assert colours == [{"colour": "blue"}]
    live = await shell("app", "manifests", name, "--source", "live", "-o", "json")
    assert all(d["metadata"]["uid"] for d in live.json()) and len(live.json()) == 2

    history = await shell("app", "history", name, "-o", "json")
    assert [(entry["id"], entry["revision"]) for entry in history.json()] == [(0, revision)]
    assert (await shell("app", "history", name, "-o", "id")).out == "0\n"
    told = (await shell("app", "history", name, "--state", str(estate.engine.state))).out
    assert told.splitlines()[0].split() == [
        *("ID", "DATE", "REVISION", "SUBJECT", "AUTHOR", "INITIATED", "BY", "CHANGED", "BY")
    ]
    assert " change " in told.splitlines()[1]

    deleted = await shell("app", "delete", name, "-y", "--wait")
    assert (deleted.code, deleted.out) == (0, f"application '{name}' deleted\n")
    assert await estate.live("ConfigMap", "settings") is None
    for line in (f"app get {name}", f"app sync {name}", f"app delete {name} -y", f"app diff {name}"):
        missing = await shell(*line.split())
        assert missing.code == 20 and "hint: `trueup app list` shows those that do" in missing.err, line
    assert (await shell("app", "wait", name, "--delete")).code == 0


@on_embedded
async def test_applications_are_found_by_namespace_label_and_project(estate: Estate, shell: Shell) -> None:
    await estate.given({"app/settings.yaml": config()})
    name = await estate.app("app")
    await estate.patch({"metadata": {"labels": {"test": name}}})
    await estate.settled()
    namespace = estate.engine.namespace
    for line in (f"app get {namespace}/{name}", f"app get {name} -N {namespace}", f"app get {name}"):
        assert (await shell(*line.split(), "-o", "yaml")).out.startswith("apiVersion: argoproj.io/v1alpha1\n"), line
    assert (await shell("app", "list", "-l", f"test={name}", "-o", "name")).out == f"{namespace}/{name}\n"
    listed = await shell("app", "list", "--repo", estate.repository.url)
    assert listed.out.splitlines()[0].split()[0] == "NAME"
    assert [line.split()[4:6] for line in listed.out.splitlines()[1:]] == [["Synced", "Healthy"]]
    changed = f"{(await estate.repository.git('rev-parse', 'main')).decode()[:8]} change (Trueup demo, "
    assert changed in listed.out
    shown = [line.split(":", 1) for line in (await shell("app", "get", name)).out.splitlines() if ":" in line]
    assert [said.strip().startswith(changed) for label, said in shown if label == "Changed By"] == [True]
    read = (await shell("app", "inputs", name, "-o", "json")).json()
    assert [(each["tool"], [file["path"] for file in each["files"] if not file["absent"]]) for each in read] == [
        ("Directory", ["app/settings.yaml"])
    ]
    here = ("app", "list", "-l", f"test={name}", "-o", "name")
    for narrowed, found in (("-P app", 1), ("-P other", 0), ("-c https://kubernetes.default.svc", 1), ("-c nope", 0)):
        assert len((await shell(*here, *narrowed.split())).out.splitlines()) == found, narrowed
    empty = await shell("app", "list", "-l", f"test={name}", "-p", "other")
    assert (empty.code, empty.out) == (0, "") and "no applications that match" in empty.err
    assert (await shell("app", "list", "-N", "nowhere", "-o", "json")).json() == []
    await offers_names(shell, name, namespace)
    # A process of its own: others are forks of one that has loaded everything.
    alone = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", EXECUTABLE, "app", "list"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=shell.environment,
    )
    _, profile = await alone.communicate()
    imported = {line.rpartition("|")[2].strip() for line in profile.decode().splitlines()}
    assert {"asyncio", "trueup.kube.http1"} <= imported
    assert not imported & {"aiohttp", "http.client", "shutil", "trueup.policy.windows", "yaml"}


async def offers_names(shell: Shell, name: str, namespace: str) -> None:
    """TAB offers applications and contexts, and nothing at all where no cluster answers."""

    async def offered(words: str, **environment: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        asked = {"_TRUEUP_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": count, **environment}
        ran = await shell(environment=asked)
        assert (ran.code, ran.err) == (0, "")
        return ran.out.splitlines()[1::3]

    assert await offered(f"trueup app get {name[:-1]}") == [name]
    assert await offered(f"trueup app get {namespace}/{name[:-1]}") == [f"{namespace}/{name}"]
    assert await offered(f"trueup app wait {name} {name[:-1]}") == [], "each once"
    assert await offered("trueup app list --kube-context ") != []
    assert await offered(f"trueup app get {name[:-1]}", KUBECONFIG="/nowhere") == []


@on_embedded
async def test_a_sync_of_chosen_resources_leaves_the_others(estate: Estate, shell: Shell) -> None:
    files = {f"app/{name}.yaml": config(name) for name in ("one", "two", "three")}
    await estate.given(files)
    name = await estate.app("app", automated=None)
    await estate.refresh()
    await shell("app", "sync", name, "--resource", ":ConfigMap:one")
    assert await estate.live("ConfigMap", "one") and not await estate.live("ConfigMap", "two")
    dry = await shell("app", "sync", name, "--dry-run")
    assert dry.code == 0 and "(dry run)" in dry.out
    assert not await estate.live("ConfigMap", "two"), "a dry run writes nothing"
    await shell("app", "sync", name, "--resource", f"!:ConfigMap:{name}/three")
    assert await estate.live("ConfigMap", "two") and not await estate.live("ConfigMap", "three")
    unknown = await shell("app", "sync", name, "--resource", ":ConfigMap:four")
    assert unknown.code == 20 and "has no resource :ConfigMap:four" in unknown.err
    asked = await shell("app", "sync", name, "--async")
    assert (asked.code, asked.out) == (0, f"application '{name}': sync asked for\n")
    assert (await shell("app", "wait", name, "--sync", "--timeout", "300")).code == 0


async def test_a_failed_sync_exits_20_and_shows_what_failed(estate: Estate, shell: Shell) -> None:
    fails = "{trueup.dev/simulate: fail}"
    await estate.given(
        {"app/config.yaml": config(), "app/job.yaml": job("migrate", fails, annotations=hook("PreSync"))}
    )
    name = await estate.app("app", automated=None)
    ran = await shell("app", "sync", name)
    assert ran.code == 20 and f"application '{name}': " in ran.err
    assert f"batch/Job {name}/migrate" in ran.out and "Phase:          Failed" in ran.out

    await estate.commit({"app/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [unclosed\n"})
    broken = await shell("app", "diff", name)
    assert broken.code == 20 and "config.yaml" in broken.err and broken.out == ""
    waited = await shell("app", "wait", name, "--sync", "--timeout", "3")
    assert waited.code == 20 and "timed out after 3 s waiting for the application to be Synced" in waited.err


ABSENT = {
    "--path nope": "has no path nope at HEAD",
    "--path app/settings.yaml": "is no folder",
    "--path app --revision nope": 'revision "nope" not found',
    "--path app --project nope": "there is no project nope",
    "--path app --repo file:///nowhere": "repository file:///nowhere: ",
    "--path broken": "its manifests cannot be made: broken/config.yaml",
    "--path chart": "no host is set",
    "--path chart --helm-set host=a --values nope.yaml": "nope.yaml",
    "--path chart --helm-set host=a --values odd.yaml": "odd.yaml",
    "--path overlay": "overlay/kustomization.yaml: resources[0] '../nowhere': no such file or directory",
}
MADE_OF = {
    "app/settings.yaml": config(),
    "broken/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [unclosed\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/odd.yaml": "host: [unclosed\n",
    "chart/templates/host.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: host}
data: {host: {{ required "no host is set" .Values.host }}}
""",
    "overlay/kustomization.yaml": "resources: [../nowhere]\n",
}
TWO = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME}
spec:
  destination: {server: https://kubernetes.default.svc, namespace: NAME}
  sources:
  - {repoURL: "THERE", ref: values}
  - {repoURL: "THERE", path: chart, helm: {valueFiles: ["$values/values/FILE.yaml"]}}
"""


@on_kubernetes
async def test_what_is_not_there_is_refused_before_an_application_is_made(
    estate: Estate, shell: Shell, tmp_path: Path
) -> None:
    await estate.given(MADE_OF)
    for arguments, said in ABSENT.items():
        line = ("app", "create", estate.name, "--repo", estate.repository.url, *arguments.split())
        ran = await shell(*line)
        assert (ran.code, ran.out) == (20, "") and said in ran.err, arguments
        assert "--validate=false leaves that to the engine" in ran.err or "proj" in ran.err
    two = TWO.replace("NAME", estate.name).replace("THERE", estate.repository.url)
    (tmp_path / "two.yaml").write_text(two.replace("FILE", "nope"))
    ran = await shell("app", "create", "-f", str(tmp_path / "two.yaml"))
    assert ran.code == 20 and "source 2: its manifests cannot be made: " in ran.err and "nope.yaml" in ran.err
    assert "does not exist" in (await shell("app", "get", estate.name)).err
    await estate.app("app", automated=None)
    ran = await shell("app", "set", estate.name, "--revision", "nope")
    assert ran.code == 20 and 'revision "nope" not found' in ran.err
    assert (await shell("app", "set", estate.name, "--revision", "nope", "--validate=false")).code == 0
    chart = ("app", "set", estate.name, "--revision", "HEAD", "--path", "chart")
    ran = await shell(*chart)
    assert ran.code == 20 and "no host is set" in ran.err
    assert (await shell(*chart, "--helm-set", "host=a")).code == 0


@on_kubernetes
async def test_an_application_is_changed_by_verbs(estate: Estate, shell: Shell) -> None:
    await estate.given({"app/settings.yaml": config(), "app/web.yaml": deployment()})
    name = await estate.app("app", automated=None)
    assert (await shell("app", "set", name, "--sync-policy", "auto", "--self-heal", "--auto-prune=false")).code == 0
    await estate.settled()
    spec = (await estate.view()).raw["spec"]
    assert spec["syncPolicy"] == {"automated": {"selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
    assert (await shell("app", "unset", name, "--self-heal", "--sync-option", "CreateNamespace")).code == 0
    assert (await shell("app", "unset", name, "--self-heal")).out == f"application '{name}' unchanged\n"

    merge = ("app", "patch", name, "--type", "merge", "--patch")
    assert (await shell(*merge, f"metadata: {{labels: {{test: {name}}}}}")).code == 0
    for patch, said in {
        '{"spec": {"sorce": {}}}': "spec.sorce (did you mean source?)",
        '{"status": {"health": {"status": "Degraded"}}}': "status and operation are the engine's",
        '{"spec": {"destination": {"server": "https://other.example"}}}': "there is no cluster",
    }.items():
        refused = await shell(*merge, patch)
        assert refused.code == 20 and said in refused.err, patch
    operations = '[{"op": "remove", "path": "/spec/syncPolicy"}]'
    removed = await shell("app", "patch", name, "--patch", operations, "-o", "json")
    assert "syncPolicy" not in removed.json()["spec"]

    edited = await shell("app", "edit", name, environment={"KUBE_EDITOR": "sed -i s/HEAD/main/"})
    assert edited.out == f"application '{name}' edited\n"
    assert (await estate.view()).raw["spec"]["source"]["targetRevision"] == "main"
    broken = await shell("app", "edit", name, environment={"KUBE_EDITOR": "sed -i s/^source:/sorce:/"})
    assert broken.code == 20 and "unknown field spec.sorce" in broken.err and "nothing was written" in broken.err
    assert (await shell("app", "confirm-deletion", name)).code == 0

    listed = await shell("app", "resources", name, "-o", "json")
    kinds = {each["kind"]: each for each in listed.json()}
    assert kinds["Pod"]["health"]["status"] == "Healthy" and kinds["Deployment"]["status"] == "Synced"
    assert "└─ReplicaSet/web-" in (await shell("app", "resources", name, "-o", "tree")).out

    labels = ("-l", f"test={name}")
    assert (await shell("app", "sync", *labels, "--replace", "--info", "why=test")).code == 0
    done = (await estate.view()).status.operation_state
    assert done is not None and done.operation.sync is not None
    assert done.operation.sync.sync_options == ["Replace=true"] and done.operation.info[0].name == "why"
    assert (await shell("app", "wait", *labels, "--resource", "apps:Deployment:web", "--timeout", "300")).code == 0
    waits = await shell("app", "wait", name, "--resource", ":ConfigMap:none", "--timeout", "1")
    assert waits.code == 20 and "waiting for a resource :ConfigMap:none" in waits.err
    assert (await shell("app", "delete", *labels, "-y", "--wait")).code == 0
    assert "has the labels" in (await shell("app", "sync", *labels)).err


@on_embedded
async def test_the_logs_of_an_application_are_those_of_its_pods(estate: Estate, shell: Shell) -> None:
    await estate.given({"app/web.yaml": deployment()})
    name = await estate.app("app")
    await estate.settled()
    logged = await shell("app", "logs", name)
    assert (logged.code, logged.err) == (0, "")
    assert "no Pod has a container 'nope'" in (await shell("app", "logs", name, "-c", "nope")).err
    assert "has no such Pods" in (await shell("app", "logs", name, "--kind", "Job")).err


@on_kubernetes
async def test_what_does_not_work_says_why(estate: Estate, shell: Shell) -> None:
    await estate.given({"app/web.yaml": deployment(pod_annotations="{trueup.dev/simulate: image-pull-error}")})
    name = await estate.app("app", automated=None, options=())
    failed = await shell("app", "sync", name)
    assert failed.code == 20 and "the sync option CreateNamespace=true makes it" in failed.out
    assert (await shell("app", "set", name, "--sync-option", "CreateNamespace=true")).code == 0
    await shell("app", "sync", name)
    await shell("app", "wait", name, "--degraded", "--timeout", "300")
    told = (await shell("app", "get", name)).out
    assert "Pod/web-" in told and "container main: ImagePullBackOff: Back-off pulling image" in told
    tree = (await shell("app", "get", name, "-o", "tree")).out
    assert "  └─Pod/web-" in tree and "Degraded" in tree
    listed = ("app", "resources", name, "--orphaned")
    assert "does not ask for orphaned resources" in (await shell(*listed)).err
    unknown = await shell("images", "update", "nope")
    assert unknown.code == 20 and "does not exist" in unknown.err


@on_kubernetes
async def test_projects_and_repositories_by_verbs(estate: Estate, shell: Shell, tmp_path: Path) -> None:
    await estate.given({"app/settings.yaml": config()})
    project, url = f"p-{estate.name}", estate.repository.url
    made = await shell("proj", "create", project, "-d", f"https://kubernetes.default.svc,{estate.name}", "-s", "*")
    assert (made.code, made.out) == (0, f"project '{project}' created\n")
    create = ("app", "create", estate.name, "--repo", url, "--path", "app", "--project", project)
    refused = await shell(*create, "--dest-namespace", "other")
    assert refused.code == 20 and f"`trueup proj get {project}` shows what it permits" in refused.err
    assert (await shell("proj", "add-destination", project, "in-cluster", "other", "--name")).code == 0
    assert (await shell(*create, "--dest-namespace", estate.name)).code == 0
    estate.made.append(estate.name)
    hosts = tmp_path / "known_hosts"
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
    hosts.write_text(f"{project}.example ssh-ed25519 {key}\n")
    assert (await shell("cert", "add-ssh", "--batch", "--from", str(hosts))).code == 0
    assert f"{project}.example" in (await shell("cert", "list", "--cert-type", "ssh")).out
    assert "ssh-ed25519" in (await shell("cert", "rm", f"{project}.example")).out
    used = await shell("proj", "delete", project)
    assert used.code == 20 and f"is used by {estate.name}" in used.err
    window = ("proj", "windows", "add", project, "--kind", "deny", "--duration", "1h", "--applications", "*")
    assert "spec.syncWindows[0].schedule" in (await shell(*window, "--schedule", "x")).err
    assert (await shell(*window, "--schedule", "0 0 1 1 *")).code == 0
    got = (await shell("proj", "get", project)).out
    assert "in-cluster,other\n" in got and "deny:0 0 1 1 *:1h" in got
    edited = await shell("proj", "edit", project, environment={"KUBE_EDITOR": "sed -i s/^sourceRepos/sourceRepo/"})
    assert edited.code == 20 and "spec.sourceRepo (did you mean sourceRepos?)" in edited.err
    assert (await shell("app", "delete", estate.name, "-y", "--wait")).code == 0
    estate.made.remove(estate.name)
    assert (await shell("proj", "delete", project)).code == 0

    secret = {"TRUEUP_GIT_PASSWORD": "not-to-be-shown"}
    absent = await shell("repo", "add", f"{url}-none", "--username", "deploy", environment=secret)
    assert absent.code == 20 and "--validate=false keeps them all the same" in absent.err
    added = await shell("repo", "add", url, "--username", "deploy", environment=secret)
    assert (added.code, added.out) == (0, f"Repository '{url}' added\n")
    again = await shell("repo", "add", url, "--username", "deploy", environment=secret)
    assert again.code == 20 and "--upsert replaces it" in again.err
    listed = await shell("repo", "list", "-o", "json")
    (found,) = [each for each in listed.json() if each["url"] == url]
    assert (found["username"], found["credentials"]) == ("deploy", ["password"])
    assert "Successful" in (await shell("repo", "get", url)).out
    for ran in (added, listed, await shell("repo", "list"), await shell("repo", "rm", url)):
        assert ran.code == 0 and "not-to-be-shown" not in ran.out + ran.err
    assert "no Secret is for" in (await shell("repo", "get", url)).err

    GitRepo(tmp_path / "git" / "a.git").commit({"x": b"1"})
    with GitHttpServer(tmp_path / "git") as server:
        server.credentials = "deploy:not-to-be-shown"
        own = ("--username", "deploy", "--project", "default")
        for name, options in (("a.git", ()), ("gone.git", ("--validate=false",))):
            added = await shell("repo", "add", f"{server.url}/{name}", *own, *options, environment=secret)
            assert added.code == 0, "a project's own Secret is what its repository is asked with"
        doctor = await shell("doctor", "-o", "json")
    (found,) = [each for each in doctor.json() if each["name"] == "repositories"]
    assert (doctor.code, found["state"]) == (1, "missing") and f"{server.url}/gone.git" in found["found"]
    assert f"{server.url}/a.git" not in found["found"] and "not-to-be-shown" not in doctor.out + doctor.err
    for name in ("a.git", "gone.git"):
        assert (await shell("repo", "rm", f"{server.url}/{name}")).code == 0


@on_kubernetes
async def test_an_installation_is_taken_out_and_in_again(estate: Estate, shell: Shell, tmp_path: Path) -> None:
    await estate.given({"app/settings.yaml": config()})
    name = await estate.app("app")
    await estate.settled()
    url, backup = estate.repository.url, tmp_path / "backup.yaml"
    password = {"TRUEUP_GIT_PASSWORD": "in-the-file-alone"}
    assert (await shell("repo", "add", url, "--username", "deploy", environment=password)).code == 0
    out = await shell("admin", "export", "-o", str(backup))
    assert (out.code, out.out) == (0, "") and backup.stat().st_mode & 0o77 == 0
    assert (await shell("repo", "rm", url)).code == 0
    await estate.patch({"metadata": {"labels": {"later": "x"}}, "spec": {"revisionHistoryLimit": 3}})
    dry = await shell("admin", "import", str(backup), "--dry-run")
    assert f"Application {estate.engine.namespace}/{name} updated (dry run)" in dry.out
    assert (await estate.view()).raw["spec"]["revisionHistoryLimit"] == 3
    taken = await shell("admin", "import", str(backup))
    assert taken.code == 0 and " created\n" in taken.out and "in-the-file-alone" not in taken.out + taken.err
    view = await estate.view()
    assert "revisionHistoryLimit" not in view.raw["spec"] and not view.app.metadata.labels
    assert view.status.sync is not None, "what the engine knows stays"
    again = await shell("admin", "import", str(backup))
    assert {line.split()[2] for line in again.out.splitlines()} == {"unchanged"}
    assert (await shell("repo", "rm", url)).code == 0


@on_embedded
async def test_ctrl_c_ends_a_wait_without_a_traceback(estate: Estate, shell: Shell) -> None:
    await estate.given({"app/settings.yaml": config()})
    name = await estate.app("app")
    await estate.settled()
    process = await shell.start("app", "wait", name, "--suspended")
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), stretched(PATIENCE))
    assert (process.returncode, err.strip()) == (130, b"interrupted")


@on_embedded
async def test_a_reader_that_leaves_early_gets_no_traceback(estate: Estate, shell: Shell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE, "app", "list", "-o", "json",
        stdout=writing, stderr=asyncio.subprocess.PIPE, env=shell.environment,
    )  # fmt: skip
    os.close(writing)
    _, err = await asyncio.wait_for(process.communicate(), stretched(PATIENCE))
    assert err == b""


async def test_a_cluster_without_our_kinds_or_engine_says_what_to_do(spare: ControlPlane, home: Path) -> None:
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        await without_definitions(client)
    shell = Shell(spare.kubeconfig, home)
    for line in ("app list", "app get x", "app diff x", "server"):
        ran = await shell(*line.split())
        assert ran.code == 20 and "hint: run `trueup install` first" in ran.err, line
    assert (await shell("install", "--crds-only")).code == 0
    assert "unchanged" in (await shell("install", "--crds-only")).out
    made = await shell("app", "create", "x", "--repo", "https://git.example/x", "--path", ".", "--validate=false")
    assert made.code == 0
    for line in ("app sync x --timeout 1", "app get x --refresh --timeout 1", "app wait x --timeout 1"):
        ran = await shell(*line.split())
        assert ran.code == 20 and "hint: is the engine running? `trueup server` starts it" in ran.err, line
    taken = await shell("app", "sync", "x")
    assert taken.code == 20 and "another operation is already in progress" in taken.err
