"""``trueup check``: whether a cluster would take what a repository declares."""

import asyncio
import os
import posixpath
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
import uvloop

from kubegrammar.errors import Explained
from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.cli.charts import charts
from trueup.cli.examples import examples
from trueup.cli.exits import fail
from trueup.cli.isolation import inflation_option, isolation_option
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.progressing import Progress
from trueup.cli.render import name_of, parameters_of
from trueup.cli.reported import print_annotations, print_text
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.annotations import API_VERSION
from trueup.model.errors import TrueupError
from trueup.offline.afresh import from_nothing
from trueup.offline.applications import (
    CONTROL_NAMESPACE,
    Declared,
    DeclaredFiles,
    find_applications,
    read_application,
)
from trueup.offline.check import Check
from trueup.offline.definitions import definitions
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.folders import RenderableFolder, survey
from trueup.offline.kubernetes import embedded
from trueup.offline.rendered import DeclaredApplications
from trueup.offline.renderer import OfflineRenderer
from trueup.offline.report import Report
from trueup.offline.repositories import OfflineRepositories
from trueup.offline.trial import Trial
from trueup.sources.checkout import Checkout, open_checkout
from trueup.sources.mirrors import Mirrors
from trueup.store.install import install
from trueup.workers.git import run_git

PROBLEMS = 1
UNREADABLE = 2
_NAME_ROOM = 48
_RENDERED_AT_ONCE = 8
SERVER = "https://kubernetes.default.svc"

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked, and how."""

    checkout: Checkout
    found: DeclaredFiles
    urls: tuple[str, ...]
    namespaces: tuple[str, ...]
    remote: bool
    local: tuple[Path, ...] = ()
    inflates: bool = False
    from_nothing: bool = False


@click.command(epilog=examples("trueup check", "trueup check apps/ --strict -o json"))
@click.argument("path", type=_FOLDER, default=".")
@click.option("--repo-url", "urls", multiple=True, metavar="URL", help="URL that means this repository. Repeatable.")
@click.option("--root", type=_FOLDER, default=None, help="The repository's root (default: the Git checkout, or PATH).")
@click.option("--remote", is_flag=True, help="Fetch and check sources and bases elsewhere too.")
@local_repositories_option("With --remote", resolve=True, also=", and servers of this machine are asked")
@click.option(
    "--existing-namespace", "namespaces", multiple=True, metavar="NAME", help="Namespace the cluster has. Repeatable."
)
@click.option(
    "--from-nothing",
    is_flag=True,
    help="Apply it all to an empty cluster too: what waits for what, and what nobody brings.",
)
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.option("--name", default="", help="Where no Application is declared, PATH is one: its name.")
@click.option("--namespace", default="", help="The same: its destination (default: its name).")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="The same: value of its chart. Repeatable."
)
@inflation_option
@isolation_option
@output_option("text", "json", "github")
def check(path: Path, output: str, require_isolation: bool, **flags: Any) -> None:
    """Render every application of a repository and let a fresh cluster judge each object. Nothing leaves the machine.

    Applications are read from the files below PATH and from what other Applications render; where none of them reads
    this repository, the folders that can be rendered are taken as such: charts, kustomizations that no other one uses,
    and folders of manifests. The working tree stands for every revision of its own repository.
    Exits 0 when all is well, 1 on a problem, 2 when PATH cannot be read.
    """
    configure_logs("text", "error")
    strict = flags.pop("strict")
    try:
        asked = _asked(path, **flags)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, Progress() as progress:
            report = runner.run(_check(asked, progress, isolated=require_isolation))
    except Explained as error:
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
    inflates: bool,
    local: tuple[Path, ...],
    namespaces: tuple[str, ...],
    name: str,
    namespace: str,
    settings: tuple[str, ...],
    from_nothing: bool,
) -> CheckRequest:
    if root and not path.resolve().is_relative_to(root.resolve()):
        raise click.UsageError(f"{path} is not inside --root {root}")
    checkout = open_checkout(path, root=root)
    found = find_applications(checkout.tree, checkout.path)
    repositories = OfflineRepositories(checkout, urls)
    if not found.problems and not any(_reads(declared, repositories) for declared in found.applications.values()):
        seen = survey(checkout.tree, checkout.path)
        found.unverified += seen.left
        for declared in _assumed(checkout, seen.folders, name or path.resolve().name, namespace, settings):
            found.applications[declared.name] = declared
        if not found.applications:
            raise TrueupError(f"{path} declares neither Applications nor manifests", hint="name the folder that does")
    return CheckRequest(
        checkout=checkout,
        found=found,
        urls=urls,
        namespaces=namespaces,
        remote=remote,
        local=local,
        inflates=inflates,
        from_nothing=from_nothing,
    )


def _reads(declared: Declared, repositories: OfflineRepositories) -> bool:
    return any(repositories.is_own(source.repo_url) for source in declared.app.spec.all_sources())


def _assumed(
    checkout: Checkout, folders: Sequence[RenderableFolder], name: str, namespace: str, settings: tuple[str, ...]
) -> Iterator[Declared]:
    """Applications for folders that none names, each called by its way from PATH."""
    parameters = [msgspec.to_builtins(parameter) for parameter in parameters_of(settings)]
    taken: set[str] = set()
    for folder in folders:
        within = posixpath.relpath(folder.path or ".", checkout.path or ".")
        called = first = name_of(within if within != "." else name)
        number = 1
        while called in taken:
            # Cut off, or of other characters only.
            number += 1
            called = f"{first[:_NAME_ROOM].rstrip('-')}-{number}"
        taken.add(called)
        yield _application(checkout, folder, called, namespace, parameters)


def _application(
    checkout: Checkout, folder: RenderableFolder, name: str, namespace: str, parameters: list[Any]
) -> Declared:
    source: dict[str, Any] = {"repoURL": checkout.root.as_uri(), "path": folder.path or "."}
    if folder.files:
        source["directory"] = {"include": folder.include}
    elif parameters and checkout.tree.entry(posixpath.join(folder.path, "Chart.yaml")) is not None:
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


async def _check(asked: CheckRequest, progress: Progress, *, isolated: bool) -> Report:
    pool = OfflineRenderer(max(2, min(os.cpu_count() or 2, _RENDERED_AT_ONCE)), isolated=isolated)
    async with _mirrors(asked) as mirrors, pool as renderer, EmbeddedCluster() as cluster:
        kubernetes = embedded()
        elsewhere = Elsewhere(mirrors, guarded=not asked.local) if mirrors else None
        ask = elsewhere.repository if elsewhere else None
        repositories = OfflineRepositories(asked.checkout, asked.urls, mirrors, ask)
        applications = DeclaredApplications(
            renderer, repositories, kubernetes, progress, elsewhere=elsewhere, inflates=asked.inflates
        )
        rendered = await applications.render(asked.found)
        async with Client(load_kubeconfig(cluster.kubeconfig, None)) as client:
            await install(client, CONTROL_NAMESPACE, lambda _: None)
            discovery = Discovery(client)
            await discovery.refresh()
            known = partial(definitions, asked.checkout.tree)
            trial = Trial(client, discovery)
            one = Check(trial, kubernetes, known, asked.namespaces, progress)
            report = await one.run(asked.found, rendered)
    if asked.from_nothing:
        # Another cluster: what the check has made of itself is there on the first.
        async with EmbeddedCluster() as empty, Client(load_kubeconfig(empty.kubeconfig, None)) as client:
            await install(client, CONTROL_NAMESPACE, lambda _: None)
            discovery = Discovery(client)
            await discovery.refresh()
            await from_nothing(Trial(client, discovery), one.wanted, kubernetes, asked.namespaces, report)
    return report


@asynccontextmanager
async def _mirrors(asked: CheckRequest) -> AsyncIterator[Mirrors | None]:
    if not asked.remote:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        # Not all that the user may read: who pushed what is checked names the repositories, and reads what is said.
        async with charts(guarded=not asked.local) as of_charts:
            mirrors = Mirrors(Path(folder), run_git, allowed_local=asked.local, charts=of_charts)
            try:
                yield mirrors
            finally:
                await mirrors.close()


def _leave(report: Report, output: str) -> NoReturn:
    if output == "json":
        show(report, output)
    elif output == "github":
        print_annotations(report)
    else:
        print_text(report)
    sys.exit(PROBLEMS if report.problems else 0)
