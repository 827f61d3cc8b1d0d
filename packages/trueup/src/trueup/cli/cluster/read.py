"""``trueup cluster list|get``."""

import asyncio
from typing import Any

import click
import msgspec

from trueup.cli.cluster.secret import ClusterSecret, kept, only
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, access_options, asking, connected
from trueup.cli.examples import examples
from trueup.cli.exits import FAILED
from trueup.cli.logs import errors_alone
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.model.errors import TrueupError

SECONDS = 5.0
"""In which a cluster says its version."""
_HEADER = ("SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT")


class Look(msgspec.Struct, frozen=True):
    """What came of asking a cluster for its version."""

    status: str
    version: str = ""
    message: str = ""


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="gitVersion", default="")


@click.command("list", epilog=examples("trueup cluster list", "trueup cluster list -o server"))
@output_option("wide", "server", "json", "yaml")
@access_options
def list_(access: ClusterAccess, output: str) -> None:
    """List the clusters that applications can go to, and whether they answer here. Nothing that is secret is shown."""
    errors_alone()

    async def read() -> list[tuple[ClusterSecret, Look]]:
        async with connected(access) as client:
            found = await kept(client, access.namespace)
            if output == "server":
                return [(each, Look("")) for each in found]
            return list(zip(found, await asyncio.gather(*(look(client, each) for each in found)), strict=True))

    found = asyncio.run(read())
    if output == "server":
        for each, _ in found:
            say(each.server)
    elif output != "wide":
        show([_data(*each) for each in found], output)
    else:
        table(_HEADER, [_row(*each) for each in found])


@click.command(epilog=examples("trueup cluster get production", "trueup cluster get in-cluster -o yaml"))
@click.argument("name", metavar="NAME|SERVER", shell_complete=clusters)
@output_option("wide", "server", "json", "yaml")
@access_options
def get(access: ClusterAccess, name: str, output: str) -> None:
    """Show one cluster, and look whether it answers here. Exits 20 when it does not."""
    errors_alone()

    async def read() -> tuple[ClusterSecret, Look]:
        async with connected(access) as client:
            found = only(await kept(client, access.namespace), name)
            return found, await look(client, found)

    found, seen = asyncio.run(read())
    if output == "server":
        say(found.server)
    elif output != "wide":
        show(_data(found, seen), output)
    else:
        table(_HEADER, [_row(found, seen)])
    if seen.status == "Failed":
        raise SystemExit(FAILED)


async def look(control: Client, found: ClusterSecret) -> Look:
    """Ask a cluster for its version, with the credential that the engine uses."""
    if found.entry is None:
        return Look("Failed", message=found.problem)
    if found.entry.in_cluster:
        return await _asked(control)
    config = found.entry.config
    assert config is not None, "a cluster elsewhere has a way there"
    if config.plugin is not None:
        # A Secret's program is the engine's to run, where somebody allowed it; it is nothing for this terminal.
        return Look("Unknown", message=f"the engine runs {config.plugin.command} for its credential")
    try:
        async with asking(config) as client:
            return await _asked(client)
    except TrueupError as error:
        return Look("Failed", message=error.message)


async def _asked(client: Client) -> Look:
    try:
        async with asyncio.timeout(SECONDS):
            answer = await client.request("GET", "/version", attempts=1)
        return Look("Successful", msgspec.json.decode(answer, type=_Version).version.removeprefix("v"))
    except TimeoutError:
        return Look("Failed", message=f"no answer in {SECONDS:g} s")
    except TrueupError as error:
        return Look("Failed", message=error.message)
    except msgspec.DecodeError:
        return Look("Failed", message="what it answers is no version")


def _row(found: ClusterSecret, seen: Look) -> tuple[str, ...]:
    entry = found.entry
    server = f"{found.server} ({len(entry.namespaces)} namespaces)" if entry and entry.namespaces else found.server
    return (server, found.name, seen.version, seen.status, seen.message, found.project)


def _data(found: ClusterSecret, seen: Look) -> dict[str, Any]:
    """Argo CD's fields; nothing of a credential but what is no secret."""
    data: dict[str, Any] = {"server": found.server, "name": found.name}
    if entry := found.entry:
        config = entry.config
        tls: dict[str, Any] = {"insecure": bool(config and config.insecure)}
        if config and config.tls_server_name:
            tls["serverName"] = config.tls_server_name
        data["config"] = {
            "tlsClientConfig": tls,
            **({"username": config.username} if config and config.username else {}),
        }
        if config and config.plugin:
            data["config"]["execProviderConfig"] = {"command": config.plugin.command}
        if entry.namespaces:
            data |= {"namespaces": list(entry.namespaces), "clusterResources": entry.cluster_resources}
        if entry.shard is not None:
            data["shard"] = entry.shard
        data["labels"] = {key: value for key, value in entry.labels.items() if not key.endswith("/secret-type")}
        data["annotations"] = dict(entry.annotations)
    if found.project:
        data["project"] = found.project
    data["connectionState"] = {"status": seen.status, "message": seen.message}
    data["serverVersion"] = seen.version
    return data
