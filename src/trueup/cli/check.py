"""``trueup check``: whether a cluster would take what a repository declares."""

import asyncio
import posixpath
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
import uvloop

from trueup.cli.exits import fail
from trueup.cli.isolation import isolation_option
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.render import name_of, parameters_of
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.annotations import API_VERSION
from trueup.model.errors import TrueupError
from trueup.sandbox.cluster.embedded import EmbeddedCluster
from trueup.sandbox.offline.applications import CONTROL_NAMESPACE, Declared, Found, find_applications, read_application
from trueup.sandbox.offline.check import Check
from trueup.sandbox.offline.folders import renderable
from trueup.sandbox.offline.kubernetes import embedded
from trueup.sandbox.offline.rendered import Applications
from trueup.sandbox.offline.renderer import Renderer
from trueup.sandbox.offline.report import Problem, Report
from trueup.sandbox.offline.repositories import Repositories
from trueup.sandbox.offline.trial import Trial
from trueup.sources.checkout import Checkout, open_checkout
from trueup.sources.mirrors import Mirrors
from trueup.store.install import install
from trueup.workers.git import run_git

PROBLEMS = 1
UNREADABLE = 2
SERVER = "https://kubernetes.default.svc"

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked, and how."""

    checkout: Checkout
    found: Found
    urls: tuple[str, ...]
    namespaces: tuple[str, ...]
    remote: bool
    local: tuple[Path, ...] = ()


@click.command()
@click.argument("path", type=_FOLDER, default=".")
@click.option("--repo-url", "urls", multiple=True, metavar="URL", help="URL that means this repository. Repeatable.")
@click.option("--root", type=_FOLDER, default=None, help="The repository's root (default: the Git checkout, or PATH).")
@click.option("--remote", is_flag=True, help="Fetch and check sources in other repositories too.")
@click.option(
    "--allow-local-repos",
    "local",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    metavar="PREFIX",
    help="With --remote: folder whose repositories file:// may read. Repeatable; none by default.",
)
@click.option(
    "--existing-namespace", "namespaces", multiple=True, metavar="NAME", help="Namespace the cluster has. Repeatable."
)
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.option("--name", default="", help="Where no Application is declared, PATH is one: its name.")
@click.option("--namespace", default="", help="The same: its destination (default: its name).")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="The same: value of its chart. Repeatable."
)
@isolation_option
@output_option("text", "json")
def check(path: Path, output: str, require_isolation: bool, **flags: Any) -> None:
    """Render every application of a repository and let a fresh cluster judge each object. Nothing leaves the machine.

    Applications are read from the files below PATH and from what other Applications render; where there are none, the
    folders that can be rendered are taken as such. The working tree stands for every revision of its own repository.
    Exits 0 when all is well, 1 on a problem, 2 when PATH cannot be read.
    """
    configure_logs("text", "error")
    strict = flags.pop("strict")
    try:
        asked = _asked(path, **flags)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(_check(asked, isolated=require_isolation))
    except TrueupError as error:
        fail(error.message, hint=error.hint, code=UNREADABLE)
    if strict:
        report.problems += report.warnings
        report.warnings = []
    _leave(report, output)


def _asked(
    path: Path,
    *,
    urls: tuple[str, ...],
    root: Path | None,
    remote: bool,
    local: tuple[Path, ...],
    namespaces: tuple[str, ...],
    name: str,
    namespace: str,
    settings: tuple[str, ...],
) -> Asked:
    if root and not path.resolve().is_relative_to(root.resolve()):
        raise click.UsageError(f"{path} is not inside --root {root}")
    checkout = open_checkout(path, root=root)
    found = find_applications(checkout.tree, checkout.path)
    if not found.applications and not found.problems:
        parameters = [msgspec.to_builtins(parameter) for parameter in parameters_of(settings)]
        for folder in renderable(checkout.tree, checkout.path):
            # Below PATH by its way from there: two folders may have one name.
            within = posixpath.relpath(folder or ".", checkout.path or ".")
            called = name_of(within) if within != "." else name or name_of(path.resolve().name)
            declared = _assumed(checkout, folder, called, namespace, parameters)
            found.applications[declared.name] = declared
        if not found.applications:
            raise TrueupError(f"{path} declares neither Applications nor manifests", hint="name the folder that does")
    return Asked(checkout=checkout, found=found, urls=urls, namespaces=namespaces, remote=remote, local=local)


def _assumed(checkout: Checkout, folder: str, name: str, namespace: str, parameters: list[Any]) -> Declared:
    """An Application for a folder that none names."""
    source: dict[str, Any] = {"repoURL": checkout.root.as_uri(), "path": folder or "."}
    if parameters and checkout.tree.entry(posixpath.join(folder, "Chart.yaml")) is not None:
        source["helm"] = {"parameters": parameters}
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {"name": name, "namespace": CONTROL_NAMESPACE},
        "spec": {
            "source": source,
            "destination": {"server": SERVER, "namespace": namespace or name},
            "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
        },
    }
    return read_application(manifest, "")


async def _check(asked: Asked, *, isolated: bool) -> Report:
    pool = Renderer(2, isolated=isolated)
    async with _mirrors(asked) as mirrors, pool as renderer, EmbeddedCluster() as cluster:
        kubernetes = embedded()
        repositories = Repositories(asked.checkout, asked.urls, mirrors)
        rendered = await Applications(renderer, repositories, kubernetes).render(asked.found)
        async with Client(load_kubeconfig(cluster.kubeconfig, None)) as client:
            await install(client, CONTROL_NAMESPACE, lambda _: None)
            discovery = Discovery(client)
            await discovery.refresh()
            return await Check(Trial(client, discovery), kubernetes, asked.namespaces).run(asked.found, rendered)


@asynccontextmanager
async def _mirrors(asked: Asked) -> AsyncIterator[Mirrors | None]:
    if not asked.remote:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        # Not all that the user may read: who pushed what is checked names the repositories, and reads what is said.
        mirrors = Mirrors(Path(folder), run_git, allowed_local=asked.local)
        try:
            yield mirrors
        finally:
            await mirrors.close()


def _leave(report: Report, output: str) -> NoReturn:
    if output == "json":
        show(report, output)
    else:
        _print(report)
    sys.exit(PROBLEMS if report.problems else 0)


def _print(report: Report) -> None:
    for problem in report.problems:
        say(_place(problem), fg="red")
        _say(problem)
    for warning in report.warnings:
        say(f"warning: {_place(warning)}".rstrip(": "), fg="yellow")
        _say(warning)
    if report.unverified:
        say("not verified:")
    for item in report.unverified:
        say(f"  {': '.join(part for part in (item.application, item.what, item.why) if part)}")
    applications = _count(len(report.applications), "application")
    objects = _count(report.objects, "object")
    say(f"{applications}, {objects}: {_count(len(report.problems), 'problem')}")


def _place(problem: Problem) -> str:
    return "  ".join(part for part in (problem.file, problem.object, problem.field) if part) or problem.application


def _say(problem: Problem) -> None:
    say(f"  {problem.message}", further="    ")
    if problem.hint:
        say(f"  hint: {problem.hint}", further="    ")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
