"""``trueup gpg add|get|list|rm``."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey
from trueup.store.credentials import CONFIG_MAP, KEYRING

_LARGEST = 1024 * 1024


@click.command("list", epilog=examples("trueup gpg list", "trueup gpg list -o json"))
@output_option("wide", "json", "yaml")
@access_options
def list_(access: ClusterAccess, output: str) -> None:
    """List the keys that are known. Projects name those whose signatures count."""
    found = asyncio.run(_known(access))
    if output != "wide":
        show([msgspec.to_builtins(each) for each in found], output)
    elif not found:
        say("no key is known", err=True)
    else:
        table(("KEYID", "TYPE", "IDENTITY"), [(each.id, each.kind, each.owner) for each in found])


@click.command("get", epilog=examples("trueup gpg get 4AEE18F83AFDEB23"))
@click.argument("key", metavar="KEYID")
@output_option("wide", "json", "yaml")
@access_options
def get(access: ClusterAccess, key: str, output: str) -> None:
    """Show one key: its fingerprint, whose it is, and the key itself."""
    found = next((each for each in asyncio.run(_known(access)) if each.is_called(key)), None)
    if found is None:
        raise _unknown(key)
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
@access_options
def add(access: ClusterAccess, file: Path) -> None:
    """Make the public keys of a file known, armoured or binary."""
    if file.stat().st_size > _LARGEST:
        raise TrueupError(f"{file} is larger than a file of public keys", hint="gpg --armor --export KEYID makes one")
    found = _read_keys(file.read_bytes())
    if not found:
        raise TrueupError(f"{file} has no public key", hint="gpg --armor --export KEYID makes such a file")
    if any(each.secret for each in found):
        raise TrueupError(f"{file} has a secret key", hint="give the public one: gpg --armor --export KEYID")
    fresh: list[PublicKey] = []

    def edit(data: dict[str, str]) -> None:
        fresh[:] = [each for each in found if each.id not in data]
        data.update((each.id, each.text) for each in fresh)

    asyncio.run(_change(access, edit))
    there = len(found) - len(fresh)
    say(f"Created {len(fresh)} key(s)" + (f" and {there} already existed" if there else ""))


@click.command("rm", epilog=examples("trueup gpg rm 4AEE18F83AFDEB23"))
@click.argument("key", metavar="KEYID")
@access_options
def remove(access: ClusterAccess, key: str) -> None:
    """Forget a key: what it signed does not count any more, from the next pass on."""

    def edit(data: dict[str, str]) -> None:
        name = next((name for name in data if name.upper() == key.strip().upper()), None)
        if name is None:
            raise _unknown(key)
        del data[name]

    asyncio.run(_change(access, edit))
    say(f"Deleted key with key ID {key.strip().upper()}")


def _unknown(key: str) -> TrueupError:
    return TrueupError(f"no key {key[:60]} is known", hint="`trueup gpg list` shows those that are")


async def _known(access: ClusterAccess) -> list[PublicKey]:
    async with connected(access) as client:
        data = (await _read(client, access.namespace) or {}).get("data") or {}
    return [key for text in data.values() for key in _read_keys(text.encode())]


def _read_keys(data: bytes) -> list[PublicKey]:
    # What reads keys is loaded where some are read.
    from trueup.sources.openpgp import public_keys

    return public_keys(data)


async def _read(client: Client, namespace: str) -> dict[str, Any] | None:
    try:
        return (await client.get(CONFIG_MAP, namespace, KEYRING)).object()
    except NotFound:
        return None


async def _change(access: ClusterAccess, edit: Callable[[dict[str, str]], None]) -> None:
    """Change the ConfigMap, as it was read: somebody else's change is a conflict, not lost."""
    async with connected(access) as client:
        live = await _read(client, access.namespace)
        data = dict((live or {}).get("data") or {})
        edit(data)
        if live is not None:
            body = msgspec.json.encode({**live, "data": data})
            await client.replace(CONFIG_MAP, access.namespace, KEYRING, body)
            return
        labels = {"app.kubernetes.io/name": KEYRING, "app.kubernetes.io/part-of": "argocd"}
        made = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": KEYRING, "namespace": access.namespace, "labels": labels},
            "data": data,
        }
        await client.create(CONFIG_MAP, access.namespace, msgspec.json.encode(made))
