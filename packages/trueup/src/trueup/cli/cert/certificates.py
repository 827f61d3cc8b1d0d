"""``trueup cert add-tls|add-ssh|list|rm``."""

import asyncio
import base64
import sys
from pathlib import Path

import click

from trueup.cli.asking import confirm
from trueup.cli.cert.port import Entry, certificates_of
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError

_LARGEST = 1 << 20
_FILE = click.Path(path_type=Path, dir_okay=False)

_upsert = click.option("--upsert", is_flag=True, help="Replace what is there.")
_kind = click.option("--cert-type", default="", type=click.Choice(["", "ssh", "https"]), help="Of this kind alone.")


@click.command(
    "add-tls",
    epilog=examples("trueup cert add-tls git.example.com --from ca.pem"),
)
@click.argument("server_name", metavar="SERVERNAME")
@click.option("--from", "file", type=_FILE, help="File of certificates, as PEM; standard input without.")
@_upsert
@reach_options
def add_tls(access: ClusterAccess, server_name: str, file: Path | None, upsert: bool) -> None:
    """Trust certificates for a server of repositories."""
    if "/" in server_name or ":" in server_name:
        raise click.UsageError("name the server alone, without scheme, port and path, as in git.example.com")
    text = _read(file)
    entry = {"serverName": server_name, "certType": "https", "certData": base64.b64encode(text).decode()}
    _add(access, [entry], upsert=upsert)


@click.command(
    "add-ssh",
    epilog=examples("trueup cert add-ssh --batch --from known_hosts"),
)
@click.option("--from", "file", type=_FILE, help="File of known hosts; standard input without.")
@click.option("--batch", is_flag=True, help="Many lines, as ssh-keyscan prints them.")
@_upsert
@reach_options
def add_ssh(access: ClusterAccess, file: Path | None, batch: bool, upsert: bool) -> None:
    """Trust keys of SSH hosts, by the lines of a file of known hosts."""
    if not batch:
        raise click.UsageError("keys are read from many lines: --batch, with --from FILE or standard input")
    try:
        lines = _read(file).decode().splitlines()
    except UnicodeDecodeError as error:
        raise TrueupError("that is no file of known hosts", hint="ssh-keyscan HOST prints its lines") from error
    entries = [entry for number, line in enumerate(lines, start=1) for entry in _keys(line, number)]
    if not entries:
        raise TrueupError("there is no key in it", hint="ssh-keyscan HOST prints its lines")
    _add(access, entries, upsert=upsert)


@click.command("list", epilog=examples("trueup cert list", "trueup cert list --cert-type ssh -o json"))
@_kind
@click.option("--hostname-pattern", default="", help="Of these hosts alone; a glob.")
@click.option("--sort", type=click.Choice(["", "hostname", "type"]), default="", help="Order of the lines.")
@output_option("wide", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, cert_type: str, hostname_pattern: str, sort: str, output: str) -> None:
    """List the certificates and keys that repositories are trusted by."""

    async def run() -> list[Entry]:
        async with certificates_of(access) as there:
            return await there.all(hostname_pattern, cert_type)

    found = asyncio.run(run())
    if sort:
        found.sort(key=lambda each: str(each.get("serverName" if sort == "hostname" else "certType", "")))
    if output != "wide":
        show(found, output)
        return
    fields = ("serverName", "certType", "certSubType", "certInfo")
    table(
        ("HOSTNAME", "TYPE", "SUBTYPE", "INFO"), [tuple(str(each.get(name) or "") for name in fields) for each in found]
    )


@click.command(
    "rm", epilog=examples("trueup cert rm git.example.com", "trueup cert rm git.example.com --cert-type ssh -y")
)
@click.argument("host", metavar="HOST")
@_kind
@click.option("--cert-sub-type", default="", help="Of this kind of key alone, such as ssh-ed25519.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask, where a pattern means several hosts.")
@reach_options
def remove(access: ClusterAccess, host: str, cert_type: str, cert_sub_type: str, yes: bool) -> None:
    """Trust a server, or those of a pattern, no more."""
    if not yes and any(letter in host for letter in "*?["):
        confirm(f"Remove what is trusted of all hosts '{host}'?", "nothing was removed")

    async def run() -> list[Entry]:
        async with certificates_of(access) as there:
            return await there.remove(host, cert_type, cert_sub_type)

    found = asyncio.run(run())
    for each in found:
        say(f"Removed cert for '{each.get('serverName')}' of type '{each.get('certType')}/{each.get('certSubType')}'")
    if not found:
        say("No certificates were removed (none matched the given pattern)")


def _add(access: ClusterAccess, entries: list[Entry], *, upsert: bool) -> None:
    async def run() -> list[Entry]:
        async with certificates_of(access) as there:
            return await there.add(entries, upsert=upsert)

    made = asyncio.run(run())
    for each in made:
        say(f"Enter cert for '{each.get('serverName')}' of type '{each.get('certType')}/{each.get('certSubType')}'")
    say(f"Successfully created {len(made)} certificate entries")


def _read(file: Path | None) -> bytes:
    data = file.read_bytes() if file is not None else sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise TrueupError("that is more than 1 MiB", hint="give the certificates of one server, or the lines of hosts")
    return data


def _keys(line: str, number: int) -> list[Entry]:
    """The keys of a line of known hosts."""
    parts = line.split()
    if not parts or parts[0].startswith("#"):
        return []
    if len(parts) < 3 or parts[0].startswith(("@", "|")):
        raise TrueupError(f"line {number} is none of known hosts", hint="HOST KIND KEY, with names in clear")
    data = base64.b64encode(parts[2].encode()).decode()
    return [
        {"serverName": host, "certType": "ssh", "certSubType": parts[1], "certData": data}
        for host in parts[0].split(",")
    ]
