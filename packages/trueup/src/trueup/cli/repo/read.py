"""``trueup repo list|get`` and ``trueup repocreds list``."""

import asyncio
from typing import Any

import click
import msgspec

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.exits import FAILED
from trueup.cli.output import output_option, show, table
from trueup.cli.repo.port import RepositoryView, repositories_of
from trueup.cli.screen import say
from trueup.store.credentials import REPOSITORY, TEMPLATE
from trueup.store.repository_secrets import RepositorySecret


@click.command("list", epilog=examples("trueup repo list", "trueup repo list --refresh", "trueup repo list -o url"))
@click.option("--refresh", is_flag=True, help="Look whether each can be read.")
@output_option("wide", "url", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, refresh: bool, output: str) -> None:
    """List the repositories that have credentials, or a name. Nothing of what is secret is shown."""
    _list(access, REPOSITORY, output, refresh=refresh)


@click.command("list", epilog=examples("trueup repocreds list"))
@output_option("wide", "url", "json", "yaml")
@reach_options
def list_templates(access: ClusterAccess, output: str) -> None:
    """List the URLs that have credentials for all repositories below them."""
    _list(access, TEMPLATE, output, refresh=False)


def _list(access: ClusterAccess, kind: str, output: str, *, refresh: bool) -> None:
    async def read() -> list[RepositoryView]:
        async with repositories_of(access, kind) as there:
            return await there.list(refresh=refresh)

    found = asyncio.run(read())
    if output == "url":
        for each, _ in found:
            say(each.url)
    elif output != "wide":
        show([_data(each, problem) for each, problem in found], output)
    elif not found:
        say("no repository has credentials", err=True)
    else:
        table(("TYPE", "NAME", "REPO", "INSECURE", "CREDS", "STATUS", "MESSAGE", "PROJECT"), [_row(*e) for e in found])


@click.command(epilog=examples("trueup repo get https://git.example.com/team/web.git"))
@click.argument("url")
@click.option("--project", default=None, shell_complete=projects, help="Whose, where several projects have one.")
@output_option("wide", "url", "json", "yaml")
@reach_options
def get(access: ClusterAccess, url: str, project: str | None, output: str) -> None:
    """Show one repository, and look whether it can be read. Exits 20 when it cannot."""

    async def read() -> RepositoryView:
        async with repositories_of(access, REPOSITORY) as there:
            return await there.get(url, project)

    found, problem = asyncio.run(read())
    if output == "url":
        say(found.url)
    elif output != "wide":
        show(_data(found, problem), output)
    else:
        table(("TYPE", "NAME", "REPO", "INSECURE", "CREDS", "STATUS", "MESSAGE", "PROJECT"), [_row(found, problem)])
    if problem:
        raise SystemExit(FAILED)


def _row(found: RepositorySecret, problem: str | None) -> tuple[str, ...]:
    status = "" if problem is None else "Failed" if problem else "Successful"
    creds = ", ".join((*filter(None, (found.username,)), *found.credentials)) or "none"
    insecure = str(found.insecure).lower()
    return (found.type, found.name, found.url, insecure, creds, status, problem or "", found.project)


def _data(found: RepositorySecret, problem: str | None) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(found)
    if problem is not None:
        data["connectionState"] = {"status": "Failed" if problem else "Successful", "message": problem}
    return data
