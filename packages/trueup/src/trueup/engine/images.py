"""Image automation, put together."""

from collections.abc import Callable, Iterator

from trueup import policy
from trueup.controllers.repository import Repositories
from trueup.controllers.telling.log import log_entries
from trueup.controllers.wake import CONFIG_MAPS
from trueup.engine.lasting import Lasting
from trueup.features.images.annotations import asks_for_images
from trueup.features.images.cluster import ImageCluster, running_images
from trueup.features.images.reconciler import ImageReconciler, Reports
from trueup.features.images.rounds import Rounds
from trueup.features.images.settings import CONFIG_MAP
from trueup.features.images.survey import Survey
from trueup.features.images.work import ImageSubject
from trueup.model.application import Application, Source
from trueup.model.audit import AuditRecord
from trueup.model.live import LiveObject, Seen
from trueup.model.repository import RepositoryOf
from trueup.model.tree import Tree
from trueup.store.applications import APPLICATION, Applications
from trueup.store.events import Recorder


def part(lasting: Lasting, repositories: Repositories, recorder: Recorder) -> ImageReconciler:
    """The rounds of a term.

    Args:
        repositories: told of what was pushed.
    """
    control, git, now = lasting.control, lasting.git, lasting.clock.now
    applications = control.applications
    cluster = ImageCluster(control.client, control.discovery, control.namespace)

    async def tree(app: Application, source: Source) -> Tree | None:
        mirror = repositories.mirror(app.spec.repository(source))
        return mirror.tree(mirror.resolve(source.target_revision, source.tag_prefix)) if mirror else None

    def admit(app: Application, url: str) -> None:
        lasting.lease.require()
        policy.admit_repository(app, applications.project_of(app), url, lasting.clusters.place(app))

    def pushed(repository: RepositoryOf) -> None:
        """A commit of our own need not wait for the next poll, whoever reads that repository."""
        identity = git.mirrors.identity
        for each, keys in applications.readers().items():
            if identity(each.url) == identity(repository.url):
                for key in sorted(keys):
                    repositories.request(each, key)

    def event(live: LiveObject, reason: str, message: str, warning: bool) -> None:
        recorder.record(live, reason, message, now=now(), warning=warning)

    async def audit(*entries: AuditRecord) -> list[int]:
        log_entries(entries)
        return await lasting.journal.write(*entries)

    ports = cluster.ports(
        subjects=lambda: list(_subjects(applications, lasting.clusters.mine)),
        tree=tree,
        mirror=git.mirrors.get,
        writing=git.for_writing,
        named=git.named,
        admit=admit,
        now=now,
    )
    reports = Reports(
        live=applications.live,
        patch=cluster.patch,
        event=event,
        pushed=pushed,
        audit=audit,
        settings=cluster.settings,
        now=now,
    )
    survey = Survey(
        lasting.registry,
        cluster.secret,
        control.credentials.certificates,
        control_namespace=control.namespace,
        local=lasting.options.config.loopback,
    )
    return ImageReconciler(Rounds(survey, ports, lasting.tools.editing), reports)


def wakes(namespace: str, old: Seen | None, new: Seen | None) -> bool:
    """Whether somebody has just asked for image updates, or set them otherwise: no need to wait for the next round.

    Args:
        namespace: the control namespace.
    """
    if not isinstance(new, LiveObject) or new.key.namespace != namespace:
        return False
    if new.group_kind == CONFIG_MAPS:
        return new.key.name == CONFIG_MAP
    asked = new.group_kind == APPLICATION and asks_for_images(new.annotations)
    return asked and (not isinstance(old, LiveObject) or old.annotations != new.annotations)


def _subjects(applications: Applications, mine: Callable[[Application], bool]) -> Iterator[ImageSubject]:
    for stored in applications.readable():
        if not stored.app.metadata.deletion_timestamp and mine(stored.app):
            yield ImageSubject(
                key=stored.key,
                instance=applications.instance(stored.key),
                app=stored.app,
                running=running_images(stored.status),
            )
