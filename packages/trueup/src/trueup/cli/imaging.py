"""Image automation as commands run it: rounds over the repositories and registries of the cluster's applications."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from trueup import policy
from trueup.cli.app.access import list_applications, readable, require_there
from trueup.cli.connect import ClusterAccess
from trueup.cli.repositories import KnownRepositories, environment_credential, with_repositories
from trueup.features.images.cluster import ImageCluster, running_images
from trueup.features.images.rounds import Rounds
from trueup.features.images.survey import Survey
from trueup.features.images.work import ImageSubject, WorkReport
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.tracking import instance_name
from trueup.model.tree import Tree
from trueup.runtime.clock import SystemClock
from trueup.sources.credential import Credential
from trueup.sources.registry import RegistryClient
from trueup.store.install import PROJECT
from trueup.store.projects import read_project


class Looked(NamedTuple):
    """What the registries say, and which newer images would be left alone, with the reason.

    Attributes:
        left: by application and image.
    """

    reports: list[WorkReport]
    left: dict[tuple[str, str], str]


async def look(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...]) -> Looked:
    """What automation finds for these applications, or for all."""
    async with rounds_of(access, names, local) as rounds:
        reports = await rounds.look(wanted(access, names))
        # What people took back is known to who would write it.
        outcomes = await rounds.write(reports, dry_run=True)
    return Looked(reports, {key: why for outcome in outcomes for key, why in outcome.left.items()})


def wanted(access: ClusterAccess, names: tuple[str, ...]) -> Callable[[ImageSubject], bool]:
    """Chooses these applications, or all where none is named."""
    full = {name if "/" in name else f"{access.namespace}/{name}" for name in names}
    return lambda subject: not full or subject.key in full


@asynccontextmanager
async def rounds_of(access: ClusterAccess, names: tuple[str, ...], local: tuple[Path, ...]) -> AsyncIterator[Rounds]:
    """Rounds as the engine makes them, over what a command can read.

    Raises:
        ApplicationNotFound: one that is named is not there.
    """
    async with with_repositories(access, local) as repositories, RegistryClient() as registry:
        cluster = ImageCluster(repositories.client, repositories.discovery, access.namespace)
        subjects = await _subjects(repositories, access)
        require_there(access.namespace, names, [subject.key for subject in subjects])

        known = repositories.credentials

        def writing(repository: RepositoryOf) -> Credential | None:
            return environment_credential(repository.url) or known.for_writing(repository.url, repository.project)

        async def tree(app: Application, source: Source) -> Tree | None:
            mirror = repositories.mirrors.get(app.spec.repository(source))
            await mirror.update()
            return mirror.tree(mirror.resolve(source.target_revision, source.tag_prefix))

        projects = await _projects(repositories, access)

        def admit(app: Application, url: str) -> None:
            name = app.spec.project or "default"
            if name not in projects:
                raise InvalidSpec(f"there is no project {name}", hint="create the AppProject")
            policy.admit_repository(app, projects[name], url)

        ports = cluster.ports(
            subjects=lambda: subjects,
            tree=tree,
            mirror=repositories.mirrors.get,
            writing=writing,
            named=lambda name, repository: known.named(name, repository.url, repository.project),
            admit=admit,
            now=SystemClock().now,
        )
        survey = Survey(registry, cluster.secret, known.certificates, control_namespace=access.namespace, local=True)
        yield Rounds(survey, ports)


async def _projects(repositories: KnownRepositories, access: ClusterAccess) -> dict[str, Project]:
    """The projects that can be read."""
    found = {}
    for live in (await repositories.client.list(PROJECT, access.namespace)).objects:
        with suppress(InvalidSpec):
            found[live.key.name] = read_project(live)
    return found


async def _subjects(repositories: KnownRepositories, access: ClusterAccess) -> list[ImageSubject]:
    found = []
    for body in await list_applications(repositories.client, access.namespace):
        view = readable(body)
        metadata = view.app.metadata
        found.append(
            ImageSubject(
                key=f"{metadata.namespace}/{metadata.name}",
                instance=instance_name(metadata.namespace, metadata.name, access.namespace),
                app=view.app,
                running=running_images(view.status),
            )
        )
    return sorted(found, key=lambda subject: subject.key)
