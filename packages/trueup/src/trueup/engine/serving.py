"""The API server beside an engine: its ports, filled with what the engine has."""

import asyncio
import base64
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial

import msgspec
import structlog

from kubegrammar.time import format_exact_time, format_time
from trueup import __version__, policy
from trueup.engine.control import Control
from trueup.engine.engine import Engine
from trueup.engine.hooks import webhooks
from trueup.engine.objects import EngineLooks
from trueup.engine.own import own_functions
from trueup.engine.repository_reads import EngineRepositories
from trueup.engine.signing import ConfigMapData, signing
from trueup.engine.trials import SourceTrials
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import NotFound
from trueup.memory.bounded import Memory
from trueup.model.application import DEFAULT_PROJECT, Application
from trueup.model.audit import Action, Actor, AuditRecord
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.live import LiveObject, Seen
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind
from trueup.model.tree import MEBIBYTE
from trueup.policy.project import permits_source
from trueup.policy.settings import CONFIG_MAP, NOTIFICATIONS
from trueup.runtime.secrecy import told
from trueup.server.api import Asked
from trueup.server.badge import PATH as BADGE
from trueup.server.badge import BadgePorts, Badges
from trueup.server.changes.log import Changes
from trueup.server.changes.pulse import Pulse
from trueup.server.endpoint import Endpoint, elsewhere
from trueup.server.pages import Pages
from trueup.server.request import Functions, Json
from trueup.server.resources.application_actions import application_actions
from trueup.server.resources.application_compare import application_compare
from trueup.server.resources.application_details import application_details
from trueup.server.resources.application_edits import ApplicationEdits
from trueup.server.resources.application_logs import application_logs
from trueup.server.resources.application_objects import application_objects
from trueup.server.resources.application_requests import application_requests
from trueup.server.resources.application_revisions import application_revisions
from trueup.server.resources.application_tree import application_tree
from trueup.server.resources.application_watch import application_watch
from trueup.server.resources.applications import application_reads
from trueup.server.resources.certificates import CertificateResources
from trueup.server.resources.cluster_writes import ClusterWrites
from trueup.server.resources.clusters import ClusterFinding, ClusterState, cluster_functions
from trueup.server.resources.gpgkeys import GpgKeyResources
from trueup.server.resources.notifications import notification_functions
from trueup.server.resources.projects import ProjectResources
from trueup.server.resources.repositories import RepositoryResources, RepositoryState
from trueup.server.resources.repository_visits import RepositoryVisits
from trueup.server.resources.sessions import claimed
from trueup.server.resources.version import version_functions
from trueup.server.serve import Listening, serving
from trueup.server.session.attempts import TryLimits
from trueup.server.session.browsers import session_cookies
from trueup.server.strangers import StrangersShare
from trueup.server.transport.certificate import context_of, self_made
from trueup.store.applications import APPLICATION, key_of
from trueup.store.clusters.rotation import rotate
from trueup.store.clusters.secret import ClusterEntry
from trueup.store.clusters.written import config_json
from trueup.store.edits import Edits, MapEdits, SecretEdits
from trueup.store.kinds import APPLICATION as APPLICATION_TYPE
from trueup.store.kinds import PROJECT as PROJECT_TYPE
from trueup.store.requests import Requests

log = structlog.get_logger("trueup")

TRIED = 4096
"""Repositories of which is remembered what came of the last try."""
_METRICS = "metrics are answered on a port of their own: trueup server --metrics-listen :8082"
SECRET, TLS_SECRET = GroupKind("", "Secret"), "argocd-server-tls"


@asynccontextmanager
async def served(engine: Engine, listening: Listening, limits: TryLimits, *, insecure: bool) -> AsyncIterator[int]:
    """Serve the API of an engine until the context is left; the port it listens on.

    Args:
        limits: of wrong passwords.
        insecure: plain text, for whoever puts TLS before it.

    Raises (on entry):
        TrueupError: the address cannot be listened on, the certificate is none, or accounts cannot be read.
    """
    control, clock = engine.control, engine.clock
    changes, pulse, strangers = Changes(engine.identity), Pulse(), StrangersShare()

    def changed(old: Seen | None, new: Seen | None) -> None:
        pulse.beat()
        live = new or old
        if isinstance(live, LiveObject) and live.group_kind == APPLICATION and live.key.namespace == control.namespace:
            # Whole, since nobody's body is dropped of our own kinds.
            changes.append(key_of(live), *(each if isinstance(each, LiveObject) else None for each in (old, new)))

    async def audit(asked: Asked) -> None:
        entry = _entry(asked, control.namespace, clock.now(), signs.sign_in.accounts.all())
        stored = control.applications.get(entry.application) if entry.application else None
        if stored is not None:
            entry = msgspec.structs.replace(entry, project=stored.project)
        log.info("request", method=asked.method.path, subject=entry.by.name, result=entry.result)
        if not asked.subject and asked.code is not None:
            left_out = strangers.next(clock.monotonic())
            if left_out is None:
                return
            if left_out:
                entry = msgspec.structs.replace(entry, message=f"{entry.message} (after {left_out} more)")
        if asked.writes or asked.code is not None:
            await engine.journal.write(entry)

    control.cache.subscribe(changed)
    engine.elsewhere.append(pulse.beat)
    async with AsyncExitStack() as stack:
        # One of its own: people are answered by engines that wait for their turn, too.
        client = await stack.enter_async_context(Client(engine.options.config, plugins=engine.options.plugins))
        await stack.enter_async_context(_followed(control))
        signs = await stack.enter_async_context(
            signing(control, client, clock, limits, listening.root, secure=not insecure)
        )
        hooks = await stack.enter_async_context(webhooks(engine, client, signs.vault, strangers))
        endpoints = {**hooks, BADGE: _badges(control), "/metrics": elsewhere(_METRICS)}
        functions = [*_functions(engine, client, changes, pulse), *signs.functions]
        context = None if insecure else context_of(*await _certificate(engine))
        port = await stack.enter_async_context(
            serving(
                listening,
                context,
                signs.sign_in,
                functions,
                audit=audit,
                changes=[changes],
                ready=lambda: control.cache.synced(APPLICATION),
                cookies=partial(session_cookies, secure=not insecure, path=listening.root),
                pages=Pages(rootpath=listening.root),
                walks=signs.walks,
                endpoints=endpoints,
            )
        )
        log.info("API served", port=port.number, tls=not insecure, path=listening.root or "/")
        yield port.number


def _badges(control: Control) -> Endpoint:
    """Badges of what is seen now."""
    reads, settings = control.applications, ConfigMapData(control, CONFIG_MAP)
    return Badges(BadgePorts(settings, reads.get, reads.readable, control.namespace)).endpoint()


@asynccontextmanager
async def _followed(control: Control) -> AsyncIterator[None]:
    """Follow the Secrets of clusters and repositories, and who is trusted, until the context is left: an engine does so
    while it acts, and people are answered by those, too, that wait for their turn or never act."""
    tasks = [
        asyncio.create_task(control.clusters.followed.run(), name="clusters for the API"),
        asyncio.create_task(control.credentials.run(), name="credentials for the API"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _functions(engine: Engine, client: Client, changes: Changes, pulse: Pulse) -> list[Functions]:
    """All that is built, over what the engine has."""
    control, now = engine.control, engine.clock.now
    trials = SourceTrials(engine)
    asks = EngineRepositories(engine, trials)
    reads, looks = control.applications, EngineLooks(engine, client, asks)
    requests = Requests(client, control.namespace, now)

    def admit(app: Application) -> None:
        policy.admit_placed(app, reads.project_of(app), engine.term.place)

    def masked() -> Sequence[str]:
        return control.settings().masked_annotations

    return [
        version_functions(__version__, {"Platform": f"{platform.system().lower()}/{platform.machine()}"}),
        application_reads(reads, changes, lambda key, hard: requests.refresh(key, hard=hard)),
        application_watch(reads, changes),
        application_requests(reads, requests),
        ApplicationEdits(reads, Edits(client, APPLICATION_TYPE), admit, trials.require_manifests).functions(),
        application_details(reads, looks, masked, now),
        application_revisions(reads, looks),
        application_compare(reads, looks, looks.place, masked),
        application_tree(reads, looks.place, pulse.wait),
        application_objects(reads, looks.place, masked),
        application_logs(reads, looks.place),
        application_actions(reads, looks.place, now, ConfigMapData(control, CONFIG_MAP)),
        *own_functions(engine, looks, masked),
        *_repositories(engine, client, asks),
        *_beside(engine, client),
    ]


def _repositories(engine: Engine, client: Client, asks: EngineRepositories) -> list[Functions]:
    control = engine.control
    secrets = SecretEdits(client, control.namespace)

    tried: Memory[tuple[str, str], RepositoryState] = Memory(entries=TRIED, size=MEBIBYTE)

    def state(url: str, project: str) -> RepositoryState:
        repository = RepositoryOf(url, project or DEFAULT_PROJECT)
        error = engine.repositories.error(repository)
        if error is not None:
            return RepositoryState("Failed", told(error.message))
        if engine.repositories.ended(repository):
            return RepositoryState("Successful")
        # No application reads it; who made it known has tried it.
        return tried.get((url, project)) or RepositoryState()

    async def look(data: Mapping[str, str]) -> RepositoryState:
        problem = await asks.problem(data)
        found = RepositoryState("Failed" if problem else "Successful", told(problem), format_time(engine.clock.now()))
        tried.put((data.get("url", ""), data.get("project", "")), found)
        return found

    def permits(url: str, project: str) -> bool:
        try:
            found = control.applications.project(project)
        except InvalidSpec:
            return False
        return found is not None and permits_source(found, url)

    def admit(app: Application) -> None:
        policy.admit_sources(app, control.applications.project_of(app), app.spec.all_sources())

    resources = RepositoryResources(secrets, control.namespace, state, look)
    visits = RepositoryVisits(resources, asks, control.applications, permits, admit)
    return [resources.functions(), visits.functions()]


def _beside(engine: Engine, client: Client) -> list[Functions]:
    """What Applications need: projects, clusters, certificates, and the names of notifications."""
    control, now = engine.control, engine.clock.now
    notifications = ConfigMapData(control, NOTIFICATIONS)

    def permitted(app: Application, project: Project) -> None:
        policy.admit_placed(app, project, engine.term.place)

    def keyring() -> Sequence[str]:
        return control.credentials.keyring

    async def events(namespace: str) -> list[Json]:
        return [each.object() for each in (await client.list(control.events, namespace)).objects]

    projects, maps = Edits(client, PROJECT_TYPE), MapEdits(client, control.namespace)
    return [
        ProjectResources(control.applications, projects, permitted, events, now).functions(),
        *_clusters(engine, client),
        CertificateResources(control.credentials.trusted, maps.change).functions(),
        GpgKeyResources(keyring, engine.lasting.tools.preparer.keys, maps.change).functions(),
        notification_functions(notifications),
    ]


def _clusters(engine: Engine, client: Client) -> list[Functions]:
    control = engine.control

    def cluster(entry: ClusterEntry) -> ClusterState:
        count = sum(_goes_to(control, each.app, entry) for each in control.applications.readable())
        version = control.discovery.server_version if entry.in_cluster else ""
        return ClusterState("Successful" if entry.in_cluster else "Unknown", version=version, applications=count)

    async def renew(entry: ClusterEntry, keep: Callable[[str], Awaitable[None]]) -> None:
        assert entry.config is not None

        async def kept(config: ClusterConfig) -> None:
            await keep(config_json(config))

        await rotate(entry.config, partial(Client, plugins=engine.options.plugins), kept)

    def reopen(entry: ClusterEntry) -> None:
        engine.lasting.clusters.reopen(entry.secret)
        engine.term.turned(entry.server)

    finding = ClusterFinding(control.clusters, cluster)
    writes = ClusterWrites(
        finding,
        SecretEdits(client, control.namespace),
        control.namespace,
        lambda: control.settings().exec_commands,
        renew,
        reopen,
    )
    return [cluster_functions(finding), writes.functions()]


def _goes_to(control: Control, app: Application, entry: ClusterEntry) -> bool:
    try:
        return control.clusters.of(app.spec.destination, app.spec.project or DEFAULT_PROJECT) == entry
    except TrueupError:
        return False


async def _certificate(engine: Engine) -> tuple[bytes, bytes]:
    """That of the Secret, where there is one."""
    control = engine.control
    kind = control.discovery.find(SECRET.group, SECRET.kind)
    try:
        if kind is not None:
            data = (await control.client.get(kind, control.namespace, TLS_SECRET)).object().get("data") or {}
            return base64.b64decode(data.get("tls.crt", "")), base64.b64decode(data.get("tls.key", ""))
    except NotFound:
        pass
    return self_made(engine.clock.now())


def _entry(asked: Asked, namespace: str, now: datetime, accounts: Collection[str]) -> AuditRecord:
    """A request on record. One that was refused is not among what happened to an application."""
    message = asked.message
    name = message.get("name") or message.get("applicationName") or message.get("appName") or ""
    mine = asked.method.service.endswith(".ApplicationService") and isinstance(name, str) and name
    of = f"{message.get('appNamespace') or namespace}/{name}" if mine else ""
    return AuditRecord(
        at=format_exact_time(now),
        action=Action.REQUEST,
        application=of if asked.code is None else "",
        by=Actor(name=asked.subject or claimed(asked.method.key, message, accounts), kind="caller"),
        result="answered" if asked.code is None else asked.code.name.lower(),
        message=f"{asked.method.key} {of}".rstrip(),
    )
