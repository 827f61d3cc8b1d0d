"""One object written the way its options ask for, with the fall-backs a real API server makes necessary."""

import asyncio
from typing import Any

import msgspec

from trueup.apply.clientside import client_side_apply
from trueup.apply.cluster import Cluster
from trueup.apply.ownership import applied_by_us
from trueup.apply.replace import replace
from trueup.apply.sanitise import is_secret, wanted_object
from trueup.apply.sending import Sending
from trueup.apply.serverside import server_side_apply
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError, Conflict, DuplicateKey, Invalid, NotFound, UndeclaredField
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.server_owned import MOVING
from trueup.plan.kinds import CRD, NAMESPACE
from trueup.plan.task import Writing

GONE_WAIT = 30.0
"""Seconds ``Force=true`` waits for the old object to go."""
_ROLLOUT = "deployment.kubernetes.io/revision"
"""Written by the Deployment controller a moment after each of our writes."""


class Written(msgspec.Struct, frozen=True):
    """The object as the server has it now, ``created``, ``configured`` or ``unchanged``, and what it warned of."""

    live: LiveObject
    change: str
    warnings: tuple[str, ...] = ()


class ObjectWriter:
    """Writes one manifest over one live object.

    Args:
        cluster: the destination.
        type_: the manifest's kind in the manifest's version.
        manifest: what Git declares.
        writing: how.
        dry_run: ask the server, store nothing.
    """

    def __init__(
        self, cluster: Cluster, type_: ResourceType, manifest: Manifest, writing: Writing, *, dry_run: bool = False
    ) -> None:
        self._cluster, self._type, self._manifest, self._writing = cluster, type_, manifest, writing
        self._sending = Sending(cluster, type_, manifest, validate=writing.validate, dry_run=dry_run)
        self._dry_run = dry_run
        self.wanted = wanted_object(manifest)

    async def write(self, before: LiveObject | None) -> Written:
        """Writes.

        Args:
            before: the live object, None when there is none.

        Raises:
            ApiError: the server refused; in the type that says why.
        """
        try:
            found, live = await self._by_options(before)
        except (Invalid, Conflict) as error:
            if before is None or not self._may_recreate(error):
                raise
            found, live = None, await self._recreated(before)
        return Written(live, self._change(found, live), self.warnings())

    async def create(self) -> Written:
        """Creates the object, or fails where it is there.

        Raises:
            ApiError: the server refused.
        """
        return Written(await self._sending.create(self.wanted), "created", self.warnings())

    def warnings(self) -> tuple[str, ...]:
        """What the server warned of so far."""
        return tuple(dict.fromkeys(self._sending.warnings))

    async def _by_options(self, before: LiveObject | None) -> tuple[LiveObject | None, LiveObject]:
        if self._writing.replace:
            return await replace(self._sending, self.wanted, before)
        if self._writing.server_side == "off":
            return await self._client_side(before)
        try:
            migrate = self._writing.migrate and not self._writing.in_sync
            return before, await server_side_apply(self._sending, self.wanted, before, migrate=migrate)
        except (UndeclaredField, DuplicateKey) as error:
            if self._writing.server_side == "asked":
                raise
            warning = f"applied by client-side merge: {error.reason} {', '.join(error.fields)}".rstrip()
            self._sending.warnings.append(warning)
            return await self._client_side(before)

    async def _client_side(self, before: LiveObject | None) -> tuple[LiveObject | None, LiveObject]:
        return await client_side_apply(self._sending, self.wanted, before, secret=is_secret(self._manifest))

    def _may_recreate(self, error: ApiError) -> bool:
        """``Force=true``; a definition or a namespace would take everything in it along, and never is."""
        if not self._writing.force or self._dry_run:
            return False
        return self._manifest.group_kind not in (CRD, NAMESPACE) and isinstance(error, Invalid | Conflict)

    async def _recreated(self, before: LiveObject) -> LiveObject:
        key = before.key
        await self._cluster.client.delete(self._type, key.namespace, key.name, propagation="Foreground", uid=before.uid)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GONE_WAIT
        while True:
            try:
                found = await self._sending.read()
            except NotFound:
                break
            if found.uid != before.uid:
                break
            if loop.time() > deadline:
                raise Conflict(f"{key}: the old object is still being deleted after {GONE_WAIT:.0f} s", code=409)
            await asyncio.sleep(0.1)
        return (await self._by_options(None))[1]

    def _change(self, before: LiveObject | None, after: LiveObject) -> str:
        if before is None:
            return "created"
        if before.resource_version == after.resource_version and not self._dry_run:
            return "unchanged"
        # The version alone does not tell: a controller may have written meanwhile, and a dry run never moves it.
        return "unchanged" if _declared(before) == _declared(after) else "configured"


def leaves_alone(before: LiveObject | None, writing: Writing) -> bool:
    """Whether an object in sync is not to be written at all: our first apply would only take ownership of it."""
    if before is None or not writing.in_sync or writing.replace or writing.server_side != "default":
        return False
    return not applied_by_us(before)


def _declared(live: LiveObject) -> dict[str, Any]:
    content = live.object()
    content.pop("status", None)
    metadata = content.get("metadata") or {}
    for name in MOVING:
        metadata.pop(name, None)
    annotations = metadata.get("annotations") or {}
    annotations.pop(_ROLLOUT, None)
    if not annotations:
        metadata.pop("annotations", None)
    return content
