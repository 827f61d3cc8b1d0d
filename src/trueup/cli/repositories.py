"""Git for commands: mirrors of their own, and the credentials that the cluster keeps."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from trueup.cli.connect import Access, connected
from trueup.cli.home import cache_home
from trueup.cli.logs import configure_logs
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.model.repository import RepositoryOf
from trueup.runtime.folder import own_folder
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Mirrors
from trueup.store.credentials import Credentials
from trueup.workers.git import run_git

USERNAME, PASSWORD = "TRUEUP_GIT_USERNAME", "TRUEUP_GIT_PASSWORD"
KEY, KNOWN_HOSTS = "TRUEUP_GIT_SSH_KEY", "TRUEUP_GIT_KNOWN_HOSTS"
"""Environment of a pipeline; the last two name files."""
LOCAL = "TRUEUP_ALLOW_LOCAL_REPOS"

CredentialOf = Callable[[RepositoryOf], Credential | None]


local_option = click.option(
    "--allow-local-repos",
    "local",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="PREFIX",
    help="Folder whose repositories file:// may read. Repeatable; none by default.",
)


class Repositories(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster, and the repositories that it knows the credentials of."""

    client: Client
    discovery: Discovery
    mirrors: Mirrors
    credentials: Credentials


@asynccontextmanager
async def with_repositories(access: Access, local: tuple[Path, ...] = ()) -> AsyncIterator[Repositories]:
    """Connect, and read the repositories' Secrets. What the environment names wins over them."""
    configure_logs("text", "error")
    async with connected(access) as (client, discovery):
        credentials = Credentials(client, access.namespace)
        await credentials.load()
        given = environment_credential()
        # One user's credential is good for all projects; those of the cluster may belong to some.
        mirrors = make_mirrors(
            local,
            lambda each: given or credentials.of(each.url, each.project),
            lambda each: "" if given else credentials.scope(each.url, each.project),
        )
        try:
            yield Repositories(client=client, discovery=discovery, mirrors=mirrors, credentials=credentials)
        finally:
            await mirrors.close()


def make_mirrors(
    local: tuple[Path, ...], credential: CredentialOf, scope: Callable[[RepositoryOf], str] = lambda _: ""
) -> Mirrors:
    """Mirrors in the user's cache; several commands at a time share them."""
    folder = own_folder(cache_home() / "trueup" / "mirrors", remedy="set XDG_CACHE_HOME to a folder that you may write")
    allowed = [*local, *(Path(each) for each in os.environ.get(LOCAL, "").split(os.pathsep) if each)]
    return Mirrors(folder, run_git, allowed_local=allowed, credential=credential, scope=scope)


def environment_credential() -> Credential | None:
    """The credential of a pipeline's environment; None where it names none."""
    password, key = os.environ.get(PASSWORD, ""), os.environ.get(KEY, "")
    if not password and not key:
        return None
    hosts = os.environ.get(KNOWN_HOSTS, "")
    return Credential(
        username=os.environ.get(USERNAME, "") or ("git" if password else ""),
        password=password,
        ssh_private_key=Path(key).read_text() if key else "",
        known_hosts=Path(hosts).read_text() if hosts else "",
    )
