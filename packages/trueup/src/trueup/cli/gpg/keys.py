"""``trueup gpg add|get|list|rm``."""

import asyncio
from pathlib import Path

import click
import msgspec

from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.gpg.port import keys_of
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey

_LARGEST = 1024 * 1024


@click.command("list", epilog=examples("trueup gpg list", "trueup gpg list -o json"))
@output_option("wide", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, output: str) -> None:
    """List the keys that are known. Projects name those whose signatures count."""

    async def run() -> list[PublicKey]:
        async with keys_of(access) as there:
            return await there.all()

    found = asyncio.run(run())
    if output != "wide":
        show([msgspec.to_builtins(each) for each in found], output)
    elif not found:
        say("no key is known", err=True)
    else:
        table(("KEYID", "TYPE", "IDENTITY"), [(each.id, each.kind, each.owner) for each in found])


@click.command("get", epilog=examples("trueup gpg get 4AEE18F83AFDEB23"))
@click.argument("key", metavar="KEYID")
@output_option("wide", "json", "yaml")
@reach_options
def get(access: ClusterAccess, key: str, output: str) -> None:
    """Show one key: its fingerprint, whose it is, and the key itself."""

    async def run() -> PublicKey:
        async with keys_of(access) as there:
            return await there.get(key)

    found = asyncio.run(run())
    if output != "wide":
        show(msgspec.to_builtins(found), output)
        return
    for name, value in (
        ("Key ID", found.id),
        ("Key fingerprint", found.fingerprint),
        ("Key subtype", found.kind),
        ("Key owner", found.owner),
        ("Key expires", found.expires or "never"),
        ("Key revoked", "yes" if found.revoked else "no"),
    ):
        say(f"{name + ':':<18}{value}")
    for line in ("", *found.text.strip().splitlines()):
        say(line)


@click.command("add", epilog=examples("trueup gpg add --from ada.asc"))
@click.option(
    "--from", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File of public keys."
)
@reach_options
def add(access: ClusterAccess, file: Path) -> None:
    """Make the public keys of a file known, armoured or binary."""
    if file.stat().st_size > _LARGEST:
        raise TrueupError(f"{file} is larger than a file of public keys", hint="gpg --armor --export KEYID makes one")
    text = file.read_bytes()

    async def run() -> tuple[int, int]:
        async with keys_of(access) as there:
            return await there.add(text)

    fresh, there = asyncio.run(run())
    say(f"Created {fresh} key(s)" + (f" and {there} already existed" if there else ""))


@click.command("rm", epilog=examples("trueup gpg rm 4AEE18F83AFDEB23"))
@click.argument("key", metavar="KEYID")
@reach_options
def remove(access: ClusterAccess, key: str) -> None:
    """Forget a key: what it signed does not count any more, from the next pass on."""

    async def run() -> None:
        async with keys_of(access) as there:
            await there.remove(key)

    asyncio.run(run())
    say(f"Deleted key with key ID {key.strip().upper()}")
