"""Whether a repository can be read, with the credentials that the engine would use."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trueup.cli.charts import charts
from trueup.cli.logs import configure_logs
from trueup.cli.repositories import make_mirrors
from trueup.kube.client import Client
from trueup.kube.object import read_object
from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.sources.credential import Credential
from trueup.store.credentials import Credentials, address_of


async def connection(client: Client, namespace: str, data: Mapping[str, str], secret: bytes = b"") -> str:
    """Why a repository cannot be read; empty when it can.

    Args:
        data: ``url``, ``project``, ``type`` and ``enableOCI`` as its Secret has them.
        secret: one that is not written yet, as if it were.
    """
    repository = RepositoryOf(address_of(data["url"], data), data.get("project", ""))
    configure_logs("text", "error")
    credentials = Credentials(client, namespace)
    await credentials.load()
    if secret:
        credentials.take(read_object(secret, "v1", "Secret"))

    def credential(each: RepositoryOf) -> Credential | None:
        return credentials.of(each.url, each.project)

    try:
        if repository.packed or data.get("type", "") == "helm":
            async with charts(credential) as of_charts:
                library = of_charts.registries if repository.packed else of_charts.library
                await library.look(repository)
        else:
            await _look_at_git(repository, credential, credentials)
    except TrueupError as error:
        return str(error)
    return ""


async def _look_at_git(
    repository: RepositoryOf, credential: Callable[[RepositoryOf], Credential | None], credentials: Credentials
) -> None:
    mirrors = make_mirrors((Path("/"),), credential, lambda each: credentials.scope(each.url, each.project))
    try:
        await mirrors.get(repository).remote_refs()
    finally:
        await mirrors.close()
