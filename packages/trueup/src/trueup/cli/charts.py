"""Charts and artifacts for commands: read in this process, for whoever runs it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from trueup.model.repository import RepositoryOf
from trueup.runtime import secrecy
from trueup.sources.credential import Credential
from trueup.sources.download import downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.identity.exchange import Exchange
from trueup.sources.mirrors import Charts
from trueup.sources.registry import RegistryClient
from trueup.sources.registry.library import Registries
from trueup.workers.preparing import Inline


@asynccontextmanager
async def charts(
    credential: Callable[[RepositoryOf], Credential | None] = lambda _: None, *, guarded: bool = False
) -> AsyncIterator[Charts]:
    """How they are brought, as long as the block lasts.

    Args:
        guarded: servers of this machine are not asked.
    """
    reading, exchange = Inline(), Exchange(guarded=guarded, learn=partial(secrecy.EVERYWHERE.learn, "identities"))
    async with RegistryClient() as client:
        yield Charts(
            HelmRepositories(downloading(guarded=guarded), reading.find_charts, credential, exchange),
            Registries(client, credential, guarded=guarded, exchange=exchange),
            reading.check_archive,
        )
