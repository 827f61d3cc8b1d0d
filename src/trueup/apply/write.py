"""One object written the way its options ask for, with the fall-backs a real API server makes necessary."""

import asyncio
from typing import Any

import msgspec

from trueup.apply.cluster import Writer
from trueup.apply.merge import three_way, with_last_applied
from trueup.apply.ownership import applied_by_us, migration_patch
from trueup.apply.sanitise import wanted_object
from trueup.apply.unions import union_patch
from trueup.kube.client import FieldValidation
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import AlreadyExists, ApiError, Conflict, DuplicateKey, Invalid, NotFound, UndeclaredField
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.plan.kinds import CRD, NAMESPACE
from trueup.plan.task import Writing

GONE_WAIT = 30.0
"""Seconds ``Force=true`` waits for the old object to go."""
ATTEMPTS = 3
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
        client: of the destination cluster.
        type_: the manifest's kind in the manifest's version.
        manifest: what Git declares.
        writing: how.
        dry_run: ask the server, store nothing.
    """

    def __init__(
        self, client: Writer, type_: ResourceType, manifest: Manifest, writing: Writing, *, dry_run: bool = False
    ) -> None:
        self.client, self.type, self.manifest, self.writing, self.dry_run = client, type_, manifest, writing, dry_run
        self.wanted = wanted_object(manifest)
        self.warnings: list[str] = []

    async def write(self, before: LiveObject | None) -> Written:
        """Writes.

        Args:
            before: the live object, None when there is none.

        Raises:
            ApiError: the server refused; in the type that says why.
        """
        try:
            live = await self._by_options(before)
        except (Invalid, Conflict) as error:
            if not self._may_recreate(before, error):
                raise
            assert before is not None
            live, before = await self._recreated(before), None
        return Written(live, self._change(before, live), tuple(dict.fromkeys(self.warnings)))

    async def _by_options(self, before: LiveObject | None) -> LiveObject:
        if self.writing.replace:
            return await self._replace(before)
        if self.writing.server_side == "off":
            return await self._client_side(before)
        try:
            return await self._server_side(before)
        except (UndeclaredField, DuplicateKey) as error:
            if self.writing.server_side == "asked":
                raise
            self.warnings.append(f"applied by client-side merge: {error.reason} {', '.join(error.fields)}".rstrip())
            return await self._client_side(before)

    async def _server_side(self, before: LiveObject | None) -> LiveObject:
        if before is not None and not self.dry_run:
            before = await self._migrated(before)
        try:
            return await self._apply()
        except Invalid:
            patch = union_patch(self.manifest.group_kind, self.wanted, before.object()) if before else None
            if patch is None:
                raise
            patched = await self._patch(patch, strategic=True)
            # A dry run stores nothing for a second apply to build on: the patched object is the answer.
            return patched if self.dry_run else await self._apply()

    async def _apply(self) -> LiveObject:
        key = self.manifest.key
        return await self.client.apply(
            self.type,
            key.namespace,
            key.name,
            msgspec.json.encode(self.wanted),
            manager=FIELD_MANAGER,
            force=True,
            dry_run=self.dry_run,
            warnings=self.warnings,
        )

    async def _migrated(self, before: LiveObject) -> LiveObject:
        """The object with client-side ownership moved to us; a lost race reads it again."""
        moves = self.writing.migrate and not self.writing.in_sync
        for _ in range(ATTEMPTS if moves else 0):
            patch = migration_patch(before)
            if patch is None:
                break
            key = before.key
            try:
                return await self.client.patch(
                    self.type, key.namespace, key.name, patch, kind="json", manager=FIELD_MANAGER
                )
            except (Conflict, Invalid):
                before = await self.client.get(self.type, key.namespace, key.name)
        return before

    async def _client_side(self, before: LiveObject | None) -> LiveObject:
        wanted = with_last_applied(self.wanted, self.manifest.key)
        if before is None:
            try:
                return await self._create(wanted)
            except AlreadyExists:
                before = await self._read()
        patch = three_way(wanted, before)
        return await self._patch(patch) if patch else before

    async def _replace(self, before: LiveObject | None) -> LiveObject:
        if before is None:
            try:
                return await self._create(self.wanted)
            except AlreadyExists:
                before = await self._read()
        for attempt in range(ATTEMPTS):
            metadata = {**self.wanted["metadata"], "resourceVersion": before.resource_version}
            body = msgspec.json.encode({**self.wanted, "metadata": metadata})
            key = self.manifest.key
            try:
                return await self.client.replace(
                    self.type,
                    key.namespace,
                    key.name,
                    body,
                    dry_run=self.dry_run,
                    manager=FIELD_MANAGER,
                    field_validation=self._validation,
                    warnings=self.warnings,
                )
            except Conflict:
                if attempt + 1 == ATTEMPTS:
                    raise
                before = await self._read()
        raise AssertionError("the last attempt returns or raises")

    def _may_recreate(self, before: LiveObject | None, error: ApiError) -> bool:
        """``Force=true``; a definition or a namespace would take everything in it along, and never is."""
        if before is None or not self.writing.force or self.dry_run:
            return False
        return self.manifest.group_kind not in (CRD, NAMESPACE) and isinstance(error, Invalid | Conflict)

    async def _recreated(self, before: LiveObject) -> LiveObject:
        key = before.key
        await self.client.delete(self.type, key.namespace, key.name, propagation="Foreground", uid=before.uid)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GONE_WAIT
        while True:
            try:
                found = await self._read()
            except NotFound:
                break
            if found.uid != before.uid:
                break
            if loop.time() > deadline:
                raise Conflict(f"{key}: the old object is still being deleted after {GONE_WAIT:.0f} s", code=409)
            await asyncio.sleep(0.1)
        return await self._by_options(None)

    async def _create(self, wanted: dict[str, Any]) -> LiveObject:
        return await self.client.create(
            self.type,
            self.manifest.key.namespace,
            msgspec.json.encode(wanted),
            dry_run=self.dry_run,
            field_manager=FIELD_MANAGER,
            field_validation=self._validation,
            warnings=self.warnings,
        )

    async def _patch(self, patch: dict[str, Any], *, strategic: bool = False) -> LiveObject:
        key = self.manifest.key
        return await self.client.patch(
            self.type,
            key.namespace,
            key.name,
            msgspec.json.encode(patch),
            kind="strategic" if strategic else "merge",
            dry_run=self.dry_run,
            manager=FIELD_MANAGER,
            field_validation=self._validation,
            warnings=self.warnings,
        )

    async def _read(self) -> LiveObject:
        return await self.client.get(self.type, self.manifest.key.namespace, self.manifest.key.name)

    def _change(self, before: LiveObject | None, after: LiveObject) -> str:
        if before is None:
            return "created"
        if before.resource_version == after.resource_version and not self.dry_run:
            return "unchanged"
        # The version alone does not tell: a controller may have written meanwhile, and a dry run never moves it.
        return "unchanged" if _declared(before) == _declared(after) else "configured"

    @property
    def _validation(self) -> FieldValidation:
        return "Warn" if self.writing.validate else "Ignore"


def leaves_alone(before: LiveObject | None, writing: Writing) -> bool:
    """Whether an object in sync is not to be written at all: our first apply would only take ownership of it."""
    if before is None or not writing.in_sync or writing.replace or writing.server_side != "default":
        return False
    return not applied_by_us(before)


def _declared(live: LiveObject) -> dict[str, Any]:
    content = live.object()
    content.pop("status", None)
    metadata = content.get("metadata") or {}
    for name in ("managedFields", "resourceVersion", "generation"):
        metadata.pop(name, None)
    (metadata.get("annotations") or {}).pop(_ROLLOUT, None)
    return content
