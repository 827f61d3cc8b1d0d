"""The requests that write one object."""

from contextlib import suppress
from typing import Any

import msgspec

from kubegrammar.merge import Merging, Patch
from trueup.apply.cluster import Cluster
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import AlreadyExists, Invalid
from trueup.kube.parameters import FieldValidation, PatchKind
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest

Object = dict[str, Any]


class Sending:
    """Writes of one object in our name.

    Args:
        cluster: where.
        type_: the manifest's kind in the manifest's version.
        manifest: which object.
        validate: the server is to warn of fields it does not know.
        dry_run: it is to store nothing.

    Attributes:
        warnings: what the server said beside its answers.
    """

    def __init__(
        self, cluster: Cluster, type_: ResourceType, manifest: Manifest, *, validate: bool, dry_run: bool
    ) -> None:
        self._cluster, self._client, self._type, self._manifest = cluster, cluster.client, type_, manifest
        self._namespace, self._name = manifest.key.namespace, manifest.key.name
        self._validation: FieldValidation = "Warn" if validate else "Ignore"
        self.dry_run = dry_run
        self.warnings: list[str] = []

    async def merging(self) -> Merging:
        """How client-side apply merges this kind."""
        return await self._cluster.schemas.merging(self._manifest.api_version, self._manifest.key.kind)

    async def read(self) -> LiveObject:
        return await self._client.get(self._type, self._namespace, self._name)

    async def create(self, wanted: Object) -> LiveObject:
        return await self._client.create(
            self._type,
            self._namespace,
            msgspec.json.encode(wanted),
            dry_run=self.dry_run,
            field_manager=FIELD_MANAGER,
            field_validation=self._validation,
            warnings=self.warnings,
        )

    async def created_or_found(self, wanted: Object) -> tuple[LiveObject, bool]:
        """The object, and whether it was created: the cache may not have shown it yet."""
        try:
            return await self.create(wanted), True
        except AlreadyExists:
            return await self.read(), False

    async def apply(self, wanted: Object) -> LiveObject:
        return await self._apply(wanted, dry_run=self.dry_run)

    async def can_apply(self, wanted: Object) -> None:
        """Asks whether the manifest can be typed, without storing anything.

        Raises:
            TypedPatchRefused: it cannot.
        """
        with suppress(Invalid):
            await self._apply(wanted, dry_run=True)

    async def _apply(self, wanted: Object, *, dry_run: bool) -> LiveObject:
        return await self._client.apply(
            self._type,
            self._namespace,
            self._name,
            msgspec.json.encode(wanted),
            manager=FIELD_MANAGER,
            force=True,
            dry_run=dry_run,
            warnings=self.warnings,
        )

    async def merge(self, patch: Patch, merging: Merging, live: LiveObject) -> LiveObject:
        """Sends what a three-way merge came to; one that is exact holds for this version of the object alone."""
        body = patch.body
        if patch.exact:
            metadata = {**(body.get("metadata") or {}), "resourceVersion": live.resource_version}
            body = {**body, "metadata": metadata}
        return await self._patch(msgspec.json.encode(body), "strategic" if merging.strategic else "merge")

    async def change_owners(self, patch: bytes) -> LiveObject:
        return await self._patch(patch, "json")

    async def replace(self, obj: Object) -> LiveObject:
        return await self._client.replace(
            self._type,
            self._namespace,
            self._name,
            msgspec.json.encode(obj),
            dry_run=self.dry_run,
            manager=FIELD_MANAGER,
            field_validation=self._validation,
            warnings=self.warnings,
        )

    async def _patch(self, body: bytes, kind: PatchKind) -> LiveObject:
        return await self._client.patch(
            self._type,
            self._namespace,
            self._name,
            body,
            kind=kind,
            dry_run=self.dry_run,
            manager=FIELD_MANAGER,
            field_validation=self._validation,
            warnings=self.warnings,
        )
