"""``trueup render``: manifests of a folder, without a cluster."""

import asyncio
import posixpath
import tempfile
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop
from click.core import ParameterSource

from kubegrammar import pattern, yaml
from kubegrammar.visible import visible
from trueup.cli.examples import examples
from trueup.cli.isolation import inflation_option, isolation_option
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.screen import raw, say
from trueup.model.application import DirectorySource, HelmParameter, HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Manifest, Rendering
from trueup.model.tree import Tree
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.kubernetes import embedded
from trueup.offline.renderer import OfflineRenderer
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.render.stamp import stamp
from trueup.sources.checkout import Checkout, open_checkout
from trueup.sources.mirrors import Mirrors
from trueup.sources.worktree import WorkTree
from trueup.workers.git import run_git

HELM_NAMESPACE = "default"
"""What charts see as the release's namespace when none is named, as with ``helm template``."""

_VERSION = pattern.compile(r"v?[0-9]+\.[0-9]+(\.[0-9]+)?([-+][0-9A-Za-z.+-]*)?")
_ODD = pattern.compile(r"[^a-z0-9]+")
_NAME_LENGTH = 53
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rendered.

    Attributes:
        namespace: for objects that name none; empty leaves them as they are.
        refs: trees of value files that lie outside the checkout.
        places: what messages call such a file, and what the user called it.
        advice: joins the hint of an error.
    """

    checkout: Checkout
    source: Source
    context: RenderContext
    namespace: str
    refs: dict[str, Tree]
    places: dict[str, str]
    advice: str


@click.command(
    epilog=examples(
        "trueup render deploy/overlays/prod", "trueup render chart --values values-prod.yaml --namespace web"
    )
)
@click.argument("path", type=_FOLDER)
@click.option("--name", default="", help="Application, and release of a chart (default: the folder's name).")
@click.option("--namespace", default="", help="Namespace for objects that name none.")
@click.option("--kube-version", default="", metavar="VERSION", help="Kubernetes that charts see (default: 1.37.2).")
@click.option(
    "--api-versions",
    multiple=True,
    metavar="GROUP/VERSION[/KIND]",
    help="APIs that charts see beside the built-in ones. Repeatable.",
)
@click.option("--values", multiple=True, type=_FILE, metavar="FILE", help="Helm: value file. Repeatable.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Helm: value. Repeatable.")
@click.option("--set-string", "texts", multiple=True, metavar="NAME=VALUE", help="Helm: text value. Repeatable.")
@click.option("--directory-recurse", is_flag=True, help="Plain manifests: those in folders below too.")
@click.option(
    "--root", type=_FOLDER, default=None, help="Folder that may be read (default: the Git checkout, or PATH)."
)
@click.option("--offline", is_flag=True, help="Kustomize: fetch no bases and files that lie elsewhere.")
@local_repositories_option("Kustomize", resolve=True, also=", and servers of this machine are asked")
@click.option("--inputs", "listed", is_flag=True, help="List the files that it is made of instead, and why each is.")
@inflation_option
@isolation_option
@output_option("yaml", "json")
def render(
    path: Path,
    output: str,
    require_isolation: bool,
    offline: bool,
    local: tuple[Path, ...],
    listed: bool,
    **flags: Any,
) -> None:
    """Print the manifests that the engine would make of a folder. No cluster is asked.

    Helm charts, Kustomize and plain manifests are told apart as the engine does, and read with its rules: files that
    Git ignores are not there, and nothing outside the checkout is read but the --values named here, and the bases and
    files that kustomizations name elsewhere.
    """
    configure_logs("text", "error")
    wanted = _wanted(path, **flags)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rendering, recipe = runner.run(_render(wanted, local, isolated=require_isolation, offline=offline))
    if listed:
        _print_inputs(wanted, recipe, output)
        return
    stamped = stamp(rendering.manifests, instance="", namespace=wanted.namespace, namespaced=embedded().namespaced)
    for warning in (*rendering.warnings, *stamped.warnings, *stamped.notes):
        say(f"warning: {warning}", err=True, further="  ")
    if not stamped.manifests:
        say(f"warning: {path} declares nothing; --directory-recurse reads the folders below it too", err=True)
    _print(stamped.manifests, output)


def _print_inputs(wanted: Wanted, recipe: Recipe, output: str) -> None:
    from trueup.cli.app.inputs import InputsOf, print_inputs
    from trueup.render.reasons import reasons

    given = click.get_current_context().get_parameter_source("output") is ParameterSource.COMMANDLINE
    found = InputsOf(repo_url="", path=wanted.source.path, revision="", tool=recipe.tool, files=list(reasons(recipe)))
    print_inputs([found], output if given else "wide")


async def _render(
    wanted: Wanted, local: tuple[Path, ...], *, isolated: bool, offline: bool
) -> tuple[Rendering, Recipe]:
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        mirrors = Mirrors(Path(folder), run_git, allowed_local=local)
        fetch = None if offline else Elsewhere(mirrors, guarded=not local).application()
        async with OfflineRenderer(isolated=isolated) as renderer:
            try:
                return await renderer.made(
                    wanted.source, wanted.checkout.tree, wanted.context, refs=wanted.refs, fetch=fetch
                )
            except RenderFailed as error:
                message = error.message
                for ref, place in wanted.places.items():
                    message = message.replace(ref, place)
                raise RenderFailed(message, hint=error.hint + wanted.advice) from error
            finally:
                await mirrors.close()


def _print(manifests: tuple[Manifest, ...], output: str) -> None:
    if output == "json":
        # A list that kubectl takes.
        show(
            {"apiVersion": "v1", "kind": "List", "items": [manifest.object() for manifest in manifests]},
            output,
            verbatim=True,
        )
        return
    for manifest in manifests:
        raw(f"---\n# Source: {visible(manifest.origin, keep='')}")
        raw(yaml.dump(manifest.object()).rstrip("\n"))


def _wanted(
    path: Path,
    *,
    name: str,
    namespace: str,
    kube_version: str,
    api_versions: tuple[str, ...],
    values: tuple[Path, ...],
    settings: tuple[str, ...],
    texts: tuple[str, ...],
    directory_recurse: bool,
    root: Path | None,
    inflates: bool,
) -> Wanted:
    if root and not path.resolve().is_relative_to(root.resolve()):
        raise click.UsageError(f"{path} is not inside --root {root}")
    if kube_version and not _VERSION.fullmatch(kube_version):
        raise click.UsageError(f"--kube-version {kube_version!r} is no version: write 1.37 or 1.37.2")
    checkout = open_checkout(path, root=root)
    kubernetes = embedded()
    context = RenderContext(
        app_name=name or name_of(path.resolve().name),
        project="default",
        namespace=namespace or HELM_NAMESPACE,
        kube_version=kube_version or kubernetes.version,
        api_versions=tuple(sorted({*kubernetes.api_versions, *api_versions})),
        inflates=inflates,
    )
    refs: dict[str, Tree] = {}
    places: dict[str, str] = {}
    files = []
    for file in values:
        inside = _inside(checkout, file)
        if inside:
            files.append(f"/{_literal(inside)}")
            continue
        ref, resolved = f"values{len(refs)}", file.resolve()
        refs[ref] = WorkTree(resolved.parent)
        places[f"${ref}/{resolved.name}"] = str(file)
        files.append(f"${ref}/{_literal(resolved.name)}")
    helm = None
    if values or settings or texts:
        if checkout.tree.entry(posixpath.join(checkout.path, "Chart.yaml")) is None:
            raise click.UsageError(f"--values, --set and --set-string are for charts: {path} has no Chart.yaml")
        parameters = [*parameters_of(settings), *parameters_of(texts, text=True)]
        helm = HelmSource(value_files=files, parameters=parameters)
    source = Source(
        path=checkout.path,
        helm=helm,
        directory=DirectorySource(recurse=True) if directory_recurse else None,
    )
    # Here PATH is all that may be read, which is less than its author may think.
    narrow = root is None and not checkout.path and not (checkout.root / ".git").exists()
    return Wanted(
        checkout=checkout,
        source=source,
        context=context,
        namespace=namespace,
        refs=refs,
        places=places,
        advice="; files above PATH are read only below --root" if narrow else "",
    )


def name_of(path: str) -> str:
    """An application's name for a folder: its path or name, made fit for a release."""
    return _ODD.sub("-", path.lower()).strip("-")[:_NAME_LENGTH].rstrip("-") or "app"


def parameters_of(settings: tuple[str, ...], *, text: bool = False) -> list[HelmParameter]:
    """``--set`` expressions as an Application's Helm parameters.

    Args:
        settings: each ``NAME=VALUE[,NAME=VALUE…]`` as Helm reads it; a comma in a value is escaped or in braces.

    Raises:
        click.UsageError: one that has no name or no value.
    """
    parameters = []
    for setting in settings:
        for part in _parts(setting):
            name, equals, value = part.partition("=")
            if not equals or not name:
                raise click.UsageError(f"{part!r} is not NAME=VALUE")
            parameters.append(HelmParameter(name=name, value=_literal(value), force_string=text))
    return parameters


def _parts(setting: str) -> list[str]:
    parts, depth, begin, escaped = [], 0, 0, False
    for index, letter in enumerate(setting):
        if escaped or letter == "\\":
            escaped = not escaped
        elif letter in "{}":
            depth += 1 if letter == "{" else -1
        elif letter == "," and depth <= 0:
            parts.append(setting[begin:index])
            begin = index + 1
    return [*parts, setting[begin:]]


def _inside(checkout: Checkout, file: Path) -> str:
    """A file's path in the checkout; empty when it is not part of it."""
    resolved = file.resolve()
    if not resolved.is_relative_to(checkout.root):
        return ""
    path = resolved.relative_to(checkout.root).as_posix()
    return path if checkout.tree.entry(path) is not None else ""


def _literal(text: str) -> str:
    """A text in which a dollar is a dollar, though build variables are replaced."""
    return text.replace("$", "$$")
