"""Whether a repository can be read, with the credentials that the engine would use."""

from pathlib import Path

from trueup.cli.logs import configure_logs
from trueup.cli.repositories import make_mirrors
from trueup.kube.client import Client
from trueup.kube.object import read_object
from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.store.credentials import Credentials


async def connection(client: Client, namespace: str, url: str, project: str, secret: bytes = b"") -> str:
    """Why a repository cannot be read; empty when it can.

    Args:
        secret: one that is not written yet, as if it were.
    """
    configure_logs("text", "error")
    credentials = Credentials(client, namespace)
    await credentials.load()
    if secret:
        credentials.take(read_object(secret, "v1", "Secret"))
    mirrors = make_mirrors(
        (Path("/"),),
        lambda each: credentials.of(each.url, each.project),
        lambda each: credentials.scope(each.url, each.project),
    )
    try:
        await mirrors.get(RepositoryOf(url, project)).remote_refs()
    except TrueupError as error:
        return str(error)
    finally:
        await mirrors.close()
    return ""
