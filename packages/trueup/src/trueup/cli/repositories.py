"""Git for commands: mirrors of their own, and the credentials that the cluster keeps."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from trueup.cli.charts import charts
from trueup.cli.connect import ClusterAccess, connected, discovered
from trueup.cli.home import cache_home
from trueup.cli.localrepos import local_repositories_option
from trueup.cli.logs import errors_alone
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.runtime import secrecy
from trueup.runtime.folder import own_folder
from trueup.sources.credential import Credential
from trueup.sources.identity.exchange import Exchange
from trueup.sources.mirrors import Charts, Mirrors
from trueup.store.credentials import Credentials
from trueup.workers.git import run_git

USERNAME, PASSWORD = "TRUEUP_GIT_USERNAME", "TRUEUP_GIT_PASSWORD"
KEY, KNOWN_HOSTS = "TRUEUP_GIT_SSH_KEY", "TRUEUP_GIT_KNOWN_HOSTS"
"""Environment of a pipeline; the last two name files."""
BASE = "TRUEUP_GIT"
"""Of that environment: the URL of the repositories that its credential is for, or what theirs begin with."""
LOCAL = "TRUEUP_ALLOW_LOCAL_REPOS"

CredentialOf = Callable[[RepositoryOf], Credential | None]


local_option = local_repositories_option()


class KnownRepositories(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster, and the repositories that it knows the credentials of."""

    client: Client
    discovery: Discovery
    mirrors: Mirrors
    credentials: Credentials


@asynccontextmanager
async def with_repositories(access: ClusterAccess, local: tuple[Path, ...] = ()) -> AsyncIterator[KnownRepositories]:
    """Connect, and read the repositories' Secrets. What the environment names wins over them, where it says that it is
    for a repository: an Application's URL is written by others, and may lead to a server of theirs."""
    errors_alone()
    async with connected(access) as client:
        discovery = await discovered(client)
        credentials = Credentials(client, access.namespace)
        await credentials.load()

        def credential(each: RepositoryOf) -> Credential | None:
            return environment_credential(each.url) or credentials.of(each.url, each.project)

        async with charts(credential) as of_charts:
            mirrors = make_mirrors(
                local,
                credential,
                lambda each: "" if environment_credential(each.url) else credentials.scope(each.url, each.project),
                of_charts,
            )
            try:
                yield KnownRepositories(client=client, discovery=discovery, mirrors=mirrors, credentials=credentials)
            finally:
                await mirrors.close()


def make_mirrors(
    local: tuple[Path, ...],
    credential: CredentialOf,
    scope: Callable[[RepositoryOf], str] = lambda _: "",
    of_charts: Charts | None = None,
) -> Mirrors:
    """Mirrors in the user's cache; several commands at a time share them."""
    folder = own_folder(cache_home() / "trueup" / "mirrors", remedy="set XDG_CACHE_HOME to a folder that you may write")
    allowed = [*local, *(Path(each) for each in os.environ.get(LOCAL, "").split(os.pathsep) if each)]
    return Mirrors(
        folder,
        run_git,
        allowed_local=allowed,
        credential=credential,
        scope=scope,
        charts=of_charts,
        exchange=Exchange(guarded=False, learn=partial(secrecy.EVERYWHERE.learn, "identities")),
    )


def environment_credential(url: str, *, explicit: bool = False) -> Credential | None:
    """The credential of a pipeline's environment; None where it names none, or none for this repository.

    Args:
        explicit: the user has named the repository, and so said that the credential is for it.

    Raises:
        InvalidSpec: the URL cannot be read.
    """
    base = os.environ.get(BASE, "")
    if not (parse_repository_url(url).within(parse_repository_url(base)) if base else explicit):
        return None
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
