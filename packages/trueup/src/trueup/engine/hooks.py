"""Webhooks, over what an engine has: who acts looks at once, who waits or only serves asks the one that acts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from kubegrammar.image import Image, parse_image
from kubegrammar.time import format_exact_time
from trueup import policy
from trueup.engine.engine import Engine
from trueup.features.images.annotations import asks_for_images
from trueup.features.images.settings import CONFIG_MAP as IMAGE_SETTINGS
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.annotations import IMAGE_LIST, PUSHED
from trueup.model.audit import Action, Actor, AuditRecord
from trueup.model.repository import RepositoryOf
from trueup.policy.settings import CONFIG_MAP
from trueup.runtime.logger import Logger
from trueup.server.endpoint import Endpoint
from trueup.server.session.settings import referenced
from trueup.server.strangers import StrangersShare
from trueup.server.webhooks.inbox import Inbox, WebhookPorts
from trueup.server.webhooks.news import ImagePush
from trueup.server.webhooks.receiver import PATH, Webhooks, largest_of
from trueup.store.accounts import SECRET_NAME
from trueup.store.applications import StoredApplication
from trueup.store.credentials import CONFIG_MAP as CONFIG_MAP_TYPE
from trueup.store.requests import Requests
from trueup.store.vault import Vault

log = Logger("trueup.webhook")


@contextlib.asynccontextmanager
async def webhooks(
    engine: Engine, client: Client, vault: Vault, strangers: StrangersShare
) -> AsyncIterator[Mapping[str, Endpoint]]:
    """The endpoint of webhooks, until the context is left.

    Args:
        client: of the control cluster, which writes whether or not this engine is the one that acts.
        vault: knows the Secret of the installation.
        strangers: what of those who are refused goes on record.
    """
    control, clock = engine.control, engine.clock
    requests = Requests(client, control.namespace, clock.now)
    applications = control.applications

    def application(key: str) -> StoredApplication | None:
        stored = applications.get(key)
        return stored if stored is not None and stored.fault is None else None

    def others() -> set[RepositoryOf]:
        # The term is another one each time that this engine gets its turn.
        return engine.term.remotes.repositories()

    async def look(repository: RepositoryOf, keys: Sequence[str], commit: str) -> None:
        if engine.lease.held:
            engine.repositories.pushed(repository, commit)
            if engine.options.sharding.replicas <= 1:
                return
        for key in _one_of_each_destination(filter(None, map(application, keys)), clock.now()):
            with contextlib.suppress(NotFound):
                await requests.refresh(key, pushed=commit)

    async def images(pushed: Sequence[ImagePush]) -> None:
        named = [each for each in pushed if _is_run(applications.readable(), each)]
        if named and engine.lease.held:
            engine.term.images.wake()
        elif named:
            change = {"metadata": {"annotations": {PUSHED: f"{named[-1].repository}:{named[-1].tag}"}}}
            with contextlib.suppress(NotFound):
                body = msgspec.json.encode(change)
                await client.patch(CONFIG_MAP_TYPE, control.namespace, IMAGE_SETTINGS, body, kind="merge")

    def secret(key: str) -> str:
        return referenced(vault.secret(SECRET_NAME).get(key, "").strip(), vault.secret, SECRET_NAME)

    def largest() -> int:
        live = control.config_map(CONFIG_MAP)
        data = (live.object().get("data") or {}) if live is not None else {}
        return largest_of(str(data.get("webhook.maxPayloadSizeMB", "")))

    async def refused(host: str) -> None:
        log.warning("webhook refused", host=host)
        left_out = strangers.next(clock.monotonic())
        if left_out is not None:
            more = f" (after {left_out} more)" if left_out else ""
            await engine.journal.write(_refusal(clock.now(), f"webhook of {host}{more}"))

    inbox = Inbox(
        WebhookPorts(
            readers=applications.readers,
            others=others,
            application=application,
            look=look,
            images=images,
            clock=clock.monotonic,
        )
    )
    running = asyncio.create_task(inbox.run(), name="webhooks")
    try:
        yield {PATH: Webhooks(inbox, secret, largest, refused).endpoint()}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _one_of_each_destination(applications: Iterable[StoredApplication], now: datetime) -> list[str]:
    """Whoever looks at a repository for one application wakes all of its own that read it, which share destinations."""
    found: dict[str, str] = {}
    for stored in applications:
        destination = stored.app.spec.destination
        if not policy.hands_off(stored.app.metadata.annotations, None, now):
            found.setdefault(destination.server or destination.name, stored.key)
    return list(found.values())


def _is_run(readable: Iterable[StoredApplication], pushed: ImagePush) -> bool:
    """Whether an application that asks for images runs this one, or names it."""
    wanted = Image(pushed.repository)
    for stored in readable:
        annotations = stored.app.metadata.annotations
        if not asks_for_images(annotations):
            continue
        running = stored.status.summary.images if stored.status.summary else []
        if pushed.repository.partition("/")[2] in annotations[IMAGE_LIST] or any(
            _named(each, wanted) for each in running
        ):
            return True
    return False


def _named(text: str, wanted: Image) -> bool:
    try:
        return parse_image(text).names_same(wanted)
    except ValueError:
        return False


def _refusal(now: datetime, what: str) -> AuditRecord:
    return AuditRecord(
        at=format_exact_time(now),
        action=Action.REQUEST,
        by=Actor(name="", kind="caller"),
        result="unauthenticated",
        message=what,
    )
