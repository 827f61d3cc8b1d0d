"""``trueup admin settings validate``: what an engine would make of argocd-cm and argocd-cmd-params-cm."""

import asyncio
from pathlib import Path
from typing import Any

import click

from kubegrammar import yaml
from trueup.cli.clusters import settings_data
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.exits import fail
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.policy.settings import CONFIG_MAP, PARAMETERS
from trueup.store.settings import read_settings


@click.command(
    epilog=examples("trueup admin settings validate", "trueup admin settings validate --argocd-cm-path argocd-cm.yaml")
)
@click.option(
    "--argocd-cm-path",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the ConfigMap argocd-cm; the cluster's without.",
)
@click.option("--load-cluster-settings", is_flag=True, help="Taken, and without effect: without a file they are.")
@access_options
def validate(access: ClusterAccess, file: Path | None, load_cluster_settings: bool) -> None:
    """Read settings as an engine does, and say what it cannot read, and what it does not act on.

    Exits 20 where there is something that it cannot read.
    """
    data = [_written(file), {}] if file is not None else asyncio.run(_stored(access))
    found = read_settings(*data)
    for each in found.unbuilt:
        say(f"not acted on: {each.field}: {each.reason}")
    for text in found.warnings:
        say(text, err=True)
    if found.warnings:
        fail(f"{len(found.warnings)} settings cannot be read, and their defaults count", hint="correct them")
    say("Settings are valid")


async def _stored(access: ClusterAccess) -> list[dict[str, str]]:
    async with connected(access) as client:
        return [await settings_data(client, access.namespace, name) for name in (CONFIG_MAP, PARAMETERS)]


def _written(file: Path) -> dict[str, str]:
    try:
        body: Any = yaml.load(file.read_bytes(), str(file))
    except yaml.YamlError as error:
        raise TrueupError(str(error), hint="correct the file") from error
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
        raise TrueupError(f"{file} is no ConfigMap of texts", hint="give the manifest of argocd-cm")
    return data
