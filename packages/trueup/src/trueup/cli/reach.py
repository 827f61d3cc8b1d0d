"""Whether the repositories that applications and Secrets name can be read from here, with the credentials stored for
them."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from kubegrammar.redact import redact_url
from trueup import policy
from trueup.cli.connect import ClusterAccess, client_of
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, SourceUnavailable, TrueupError
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Mirrors
from trueup.store.credentials import LABEL, REPOSITORY, SECRET, Credentials, decoded
from trueup.store.kinds import APPLICATION, PROJECT
from trueup.store.projects import read_project
from trueup.workers.git import run_git

PATIENCE = 20.0
"""Seconds for the answer of one repository."""
AT_A_TIME = 4
MOST = 200
"""Repositories that are asked."""
_GIT = ("", "git")


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking repositories.

    Attributes:
        readable: how many can be read.
        errors: why others cannot, by their URLs without credentials.
        denied: those that no project permits to who names them: the engine does not ask them either.
        unasked: how many there are beyond :data:`MOST`.
    """

    readable: int = 0
    errors: tuple[tuple[str, TrueupError], ...] = ()
    denied: tuple[str, ...] = ()
    unasked: int = 0


async def reach(access: ClusterAccess) -> Reached:
    """Ask the repositories of a control namespace for their refs.

    Raises:
        TrueupError: the cluster does not say which there are.
    """
    async with client_of(access.config()) as client:
        applications = (await client.list(APPLICATION, access.namespace)).objects
        projects = (await client.list(PROJECT, access.namespace)).objects
        secrets = (await client.list(SECRET, access.namespace, label_selector=f"{LABEL}={REPOSITORY}")).objects
        credentials = Credentials(client, access.namespace)
        await credentials.load()
    known: dict[str, Project] = {}
    for live in projects:
        try:
            known[live.key.name] = read_project(live)
        except InvalidSpec:
            continue  # permits nothing, as to the engine
    asked, denied, odd = named((live.body for live in applications), known)
    asked |= of_secrets(decoded(live.object()) for live in secrets)
    reached = await ask(
        asked,
        denied,
        lambda each: credentials.of(each.url, each.project),
        lambda each: credentials.scope(each.url, each.project),
    )
    return msgspec.structs.replace(reached, errors=(*reached.errors, *sorted(odd.items(), key=lambda each: each[0])))


def named(
    bodies: Iterable[bytes], projects: Mapping[str, Project]
) -> tuple[set[RepositoryOf], set[str], dict[str, TrueupError]]:
    """The repositories that applications read, the URLs of those that their projects do not permit, and why others are
    none. Pure.

    Args:
        bodies: of Applications; what cannot be read names none.
    """
    asked: set[RepositoryOf] = set()
    denied: set[str] = set()
    odd: dict[str, TrueupError] = {}
    for body in bodies:
        try:
            app = msgspec.json.decode(body, type=Application)
        except msgspec.DecodeError:
            continue
        project = projects.get(app.spec.project or "default")
        for source in app.spec.all_sources():
            if source.packed or not source.repo_url:
                continue
            try:
                parse_repository_url(source.repo_url)
            except TrueupError as error:
                odd[redact_url(source.repo_url)] = error
                continue
            if policy.refusal(project, app, policy.Fetch(source.repo_url)):
                denied.add(redact_url(source.repo_url))
            else:
                asked.add(app.spec.repository(source))
    return asked, denied, odd


def of_secrets(secrets: Iterable[Mapping[str, str]]) -> set[RepositoryOf]:
    """The Git repositories that Secrets are of. Pure."""
    return {
        RepositoryOf(data["url"], data.get("project", ""))
        for data in secrets
        if data.get("url") and data.get("type", "") in _GIT
    }


async def ask(
    repositories: Iterable[RepositoryOf],
    denied: Iterable[str],
    credential: Callable[[RepositoryOf], Credential | None],
    scope: Callable[[RepositoryOf], str] = lambda _: "",
    *,
    seconds: float = PATIENCE,
) -> Reached:
    """Ask each repository once for its refs, a few at a time.

    Args:
        credential, scope: as for :class:`Mirrors`.
        seconds: for each.
    """
    slots = asyncio.Semaphore(AT_A_TIME)
    with tempfile.TemporaryDirectory(prefix="trueup-doctor-") as folder:
        mirrors = Mirrors(Path(folder), run_git, allowed_local=(Path("/"),), credential=credential, scope=scope)
        one = {mirrors.identity(each): each for each in repositories}
        chosen = sorted(one.values(), key=lambda each: (each.url, each.project))[:MOST]

        async def look(repository: RepositoryOf) -> TrueupError | None:
            async with slots:
                try:
                    async with asyncio.timeout(seconds):
                        await mirrors.get(repository).remote_refs()
                except TimeoutError:
                    return SourceUnavailable(f"no answer within {seconds:g} s", hint="is its server up?")
                except TrueupError as error:
                    return error
            return None

        try:
            errors = await asyncio.gather(*map(look, chosen))
        finally:
            await mirrors.close()
    found = [(redact_url(each.url), error) for each, error in zip(chosen, errors, strict=True) if error is not None]
    return Reached(
        readable=len(chosen) - len(found),
        errors=tuple(found),
        denied=tuple(sorted(denied)),
        unasked=len(one) - len(chosen),
    )
