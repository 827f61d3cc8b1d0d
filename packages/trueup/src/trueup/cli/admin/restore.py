"""``trueup admin import``."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from kubegrammar import yaml
from trueup.cli.admin.estate import Body, EstateKey, imported, merged, read, type_of
from trueup.cli.app.access import TRIES
from trueup.cli.asking import confirm
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.errors import Conflict, NotFound
from trueup.model.errors import TrueupError


@click.command(
    "import",
    epilog=examples("trueup admin import backup.yaml --dry-run", "trueup admin import backup.yaml --prune"),
)
@click.argument("source", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--prune", is_flag=True, help="Delete what the backup does not have. What applications deployed stays.")
@click.option("-y", "--yes", is_flag=True, help="With --prune: do not ask.")
@access_options
def import_(access: ClusterAccess, source: str, dry_run: bool, prune: bool, yes: bool) -> None:
    """Take in what `trueup admin export` or `argocd admin export` has printed; - is stdin.

    Only names are told of what is written. Operations are not taken in: none begins by itself.
    """
    wanted = imported(_bodies(source), access.namespace)

    async def run() -> None:
        async with connected(access) as client:
            there = await read(client, access.namespace)
            extra = [key for key in there if key not in wanted] if prune else []
            if extra and not dry_run and not yes:
                names = ", ".join(map(str, extra))
                confirm(f"Delete {names}?", "nothing was written or deleted")
            for key, body in wanted.items():
                done = await _written(client, key, there.get(key), body, dry_run=dry_run)
                say(f"{key} {done}{' (dry run)' if dry_run and done in ('created', 'updated') else ''}")
            for key in reversed(extra):
                if not dry_run:
                    await _removed(client, key, there[key])
                say(f"{key} deleted{' (dry run)' if dry_run else ''}")

    asyncio.run(run())


async def _written(client: Client, key: EstateKey, live: Body | None, body: Body, *, dry_run: bool) -> str:
    wanted = {k: v for k, v in body.items() if k != "operation"}
    if live is None:
        wanted["metadata"] = {**wanted["metadata"], "namespace": key.namespace}
        # The server judges it in either case.
        try:
            await client.create(type_of(key), key.namespace, msgspec.json.encode(wanted), dry_run=dry_run)
        except NotFound as error:
            if error.status_reason:
                raise
            return f"left out: this cluster does not know {type_of(key).plural}"
        return "created"
    for _ in range(TRIES):
        made = merged(live, wanted)
        if made == live:
            return "unchanged"
        try:
            await client.replace(type_of(key), key.namespace, key.name, msgspec.json.encode(made), dry_run=dry_run)
        except Conflict:
            # The engine writes as well.
            live = (await client.get(type_of(key), key.namespace, key.name)).object()
        else:
            return "updated"
    raise TrueupError(f"{key} changes too fast", hint="run the command again")


async def _removed(client: Client, key: EstateKey, live: Body) -> None:
    """Without its finalizers: what an application deployed is no part of the backup, and stays."""
    if live["metadata"].get("finalizers"):
        patch = msgspec.json.encode({"metadata": {"finalizers": None}})
        await client.patch(type_of(key), key.namespace, key.name, patch, kind="merge")
    await client.delete(type_of(key), key.namespace, key.name, propagation="Background")


def _bodies(source: str) -> list[dict[str, Any]]:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        loaded = yaml.load_all(data, "stdin" if source == "-" else source)
    except OSError as error:
        raise TrueupError(f"{source}: {error.strerror}", hint="name a readable file, or - for stdin") from error
    except yaml.YamlError as error:
        raise TrueupError(str(error), hint="it is what `trueup admin export` prints") from error
    bodies = [document.value for document in loaded.documents]
    for body in bodies:
        if not isinstance(body, dict):
            raise TrueupError(f"{source} holds something that is no object", hint="it is what the export prints")
    if not bodies:
        raise TrueupError(f"{source} is empty", hint="an empty backup is taken for a mistake, not for an order")
    return bodies
