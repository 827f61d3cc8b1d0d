"""``trueup admin export``."""

import asyncio
import os
from pathlib import Path

import click

from kubegrammar import yaml
from trueup.cli.admin.estate import exported, read
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import raw, say


@click.command(
    epilog=examples("trueup admin export -o backup.yaml", "trueup admin export --namespace argocd > backup.yaml")
)
@click.option("-o", "--out", default="-", metavar="FILE", help="Where to; - is stdout. A file is for you alone.")
@access_options
def export(access: ClusterAccess, out: str) -> None:
    """Print settings, credentials, projects, applications and their sets, as `argocd admin export` does.

    Secrets are in it as they are: whoever has the file has the passwords.
    """

    async def run() -> list[str]:
        async with connected(access) as client:
            found = await read(client, access.namespace)
            return [yaml.dump(exported(body, access.namespace)) for body in found.values()]

    documents = asyncio.run(run())
    text = "".join(f"{document}---\n" for document in documents)
    if out == "-":
        raw(text, end=False)
    else:
        # Nobody else gets to read it, not even for the moment before its rights are set.
        descriptor = os.open(Path(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
    say(f"{len(documents)} objects exported, with their secrets as they are", err=True)
