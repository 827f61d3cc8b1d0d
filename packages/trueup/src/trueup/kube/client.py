"""Reads and writes of objects on one API server."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError, Gone, Invalid, ResponseTooLarge
from trueup.kube.object import read_page
from trueup.kube.parameters import (
    PARTIAL_LIST,
    PARTIAL_METADATA,
    PATCH_TYPES,
    FieldValidation,
    Listing,
    PatchKind,
    Propagation,
    Warnings,
    read_answer,
    subject_of,
    write_params,
)
from trueup.kube.room import Gathering, Room
from trueup.kube.transport import APPLY_PATCH, ATTEMPTS, Parameters, Transport
from trueup.kube.watch import READ_SECONDS, WatchEvent, stream_events
from trueup.model.live import LiveObject
from trueup.model.resource import SECRET, ResourceKey

LIST_RESTARTS = 3
"""Times a paged list begins again when its continue token expires."""
PAGE_LIMIT = 16 * 1024 * 1024
"""Bytes of one page: what it is read into takes a multiple of that for a moment."""


class Client(Transport):
    """An async context manager; one per cluster.

    Every call raises :class:`~trueup.kube.errors.ApiError` in the type that says what happened. ``warnings``, where a
    call takes it, receives the server's Warning texts.
    """

    async def get(self, type_: ResourceType, namespace: str, name: str, *, subresource: str = "") -> LiveObject:
        """One object."""
        return read_answer(await self._call("get", "GET", type_, namespace, name, subresource), type_)

    async def list(
        self,
        type_: ResourceType,
        namespace: str = "",
        label_selector: str = "",
        page: int = 500,
        *,
        attempts: int = ATTEMPTS,
        metadata_only: bool = False,
        room: Room | None = None,
    ) -> Listing:
        """All objects of a kind, in pages; with ``metadata_only`` as PartialObjectMetadata.

        When the token for the next page expires, the whole list begins again with larger pages: the server's offer to
        go on at another version would mix two states. A page of large objects is asked for again as several.

        Args:
            room: for the objects, while they are gathered.
        """
        room = room or Room()
        for restart in range(LIST_RESTARTS + 1):
            size = page * 4**restart
            try:
                with room.gathering() as gathering:
                    return await self._list_pages(
                        type_, namespace, label_selector, size, attempts, metadata_only, gathering
                    )
            except Gone:
                if restart == LIST_RESTARTS:
                    raise
        raise AssertionError("the last round returns or raises")

    async def _list_pages(
        self,
        type_: ResourceType,
        namespace: str,
        label_selector: str,
        size: int,
        attempts: int,
        metadata_only: bool,
        gathering: Gathering,
    ) -> Listing:
        path = type_.path(namespace)
        subject = subject_of("list", type_, namespace)
        params = {"limit": str(size)}
        if label_selector:
            params["labelSelector"] = label_selector
        headers = {"Accept": PARTIAL_LIST} if metadata_only else {}
        objects: list[LiveObject] = []
        while True:
            try:
                answer = await self.send(
                    "GET", path, params=params, headers=headers, attempts=attempts, subject=subject, limit=PAGE_LIMIT
                )
            except ResponseTooLarge:
                if size == 1:
                    raise
                size = max(1, size // 8)
                params["limit"] = str(size)
                continue
            begun = time.thread_time()
            try:
                page = read_page(answer.body, type_.api_version, type_.kind)
            except (msgspec.DecodeError, RecursionError) as error:
                raise ApiError(f"{subject}: the server's list cannot be read") from error
            for found in page.objects:
                gathering.take(found)
            objects += page.objects
            await self.pace.spent(time.thread_time() - begun)
            if not page.continue_token:
                return Listing(objects, page.resource_version)
            params["continue"] = page.continue_token

    async def create(
        self,
        type_: ResourceType,
        namespace: str,
        body: bytes,
        *,
        dry_run: bool = False,
        field_manager: str = "",
        field_validation: FieldValidation = "",
        warnings: Warnings | None = None,
    ) -> LiveObject:
        """Creates an object; the body names it, by ``name`` or ``generateName``.

        A lost answer is not tried again: the object may be there (then the caller meets AlreadyExists).
        """
        answer = await self._call(
            "create",
            "POST",
            type_,
            namespace,
            params=write_params(dry_run, field_manager, field_validation),
            body=body,
            repeatable=dry_run,
            warnings=warnings,
        )
        return read_answer(answer, type_)

    async def apply(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str = "",
        warnings: Warnings | None = None,
    ) -> LiveObject:
        """Server-side apply.

        Raises:
            UndeclaredField, DuplicateKey, TypedPatchRefused: the manifest cannot be typed; never tried again.
            Conflict: another manager owns a field and ``force`` is false.
        """
        params = write_params(dry_run, manager, "") | {"force": "true" if force else "false"}
        answer = await self._call(
            "apply",
            "PATCH",
            type_,
            namespace,
            name,
            subresource,
            params=params,
            body=body,
            content_type=APPLY_PATCH,
            repeatable=True,
            warnings=warnings,
        )
        return read_answer(answer, type_)

    async def patch(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        kind: PatchKind,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
        field_validation: FieldValidation = "",
        warnings: Warnings | None = None,
    ) -> LiveObject:
        """Merge, JSON or strategic merge patch. A JSON patch is not repeated after a lost answer: it may add twice."""
        answer = await self._call(
            "patch",
            "PATCH",
            type_,
            namespace,
            name,
            subresource,
            params=write_params(dry_run, manager, field_validation),
            body=body,
            content_type=PATCH_TYPES[kind],
            repeatable=dry_run or kind != "json",
            warnings=warnings,
        )
        return read_answer(answer, type_)

    async def replace(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        *,
        subresource: str = "",
        dry_run: bool = False,
        manager: str = "",
        field_validation: FieldValidation = "",
        warnings: Warnings | None = None,
    ) -> LiveObject:
        """Replaces an object whole; with a resourceVersion in the body, only if it is still that version."""
        answer = await self._call(
            "replace",
            "PUT",
            type_,
            namespace,
            name,
            subresource,
            params=write_params(dry_run, manager, field_validation),
            body=body,
            repeatable=dry_run,
            warnings=warnings,
        )
        return read_answer(answer, type_)

    async def delete(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        *,
        propagation: Propagation = "Foreground",
        uid: str = "",
        resource_version: str = "",
        dry_run: bool = False,
        grace: int | None = None,
    ) -> LiveObject | None:
        """Deletes an object, where preconditions are given only that very one.

        Args:
            grace: seconds that what runs in it has to end; None leaves that to the object.

        Returns:
            The object as it waits for its finalizers or grace period; None when it is gone.

        Raises:
            NotFound: there is none.
            Conflict: a precondition does not hold.
        """
        preconditions = {"uid": uid} if uid else {}
        if resource_version:
            preconditions["resourceVersion"] = resource_version
        options: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if preconditions:
            options["preconditions"] = preconditions
        if dry_run:
            options["dryRun"] = ["All"]
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        answer = await self._call(
            "delete",
            "DELETE",
            type_,
            namespace,
            name,
            body=msgspec.json.encode(options),
            repeatable=bool(uid) or dry_run,
        )
        # A Status says that the object is gone; otherwise the object itself comes back.
        found = read_answer(answer, type_)
        return found if found.key.kind != "Status" else None

    async def watch(
        self,
        type_: ResourceType,
        resource_version: str,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        initial_events: bool = False,
        timeout: float = 300.0,
        read_seconds: float = READ_SECONDS,
        metadata_only: bool = False,
        opened: Callable[[], None] | None = None,
    ) -> AsyncGenerator[WatchEvent]:
        """Events after a resource version, bookmarks among them, until the server ends the stream.

        Args:
            resource_version: of a list or an earlier event; empty with ``initial_events``.
            initial_events: begin with every object as ADDED, then a bookmark that says so. Old servers ignore or
                refuse it.
            timeout: seconds after which the server shall end the stream.
            read_seconds: silence after which the stream counts as broken.
            metadata_only: objects come as PartialObjectMetadata.
            opened: called when the server has accepted the watch, which may be long before the first event.

        Raises:
            Gone: the resource version has expired.
            Silent: nothing came for ``read_seconds``, not even a bookmark.
            ApiError: the server refuses; Unreachable when the stream breaks.
        """
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, int(timeout))),
            "resourceVersion": resource_version,
        }
        if initial_events:
            params |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        if label_selector:
            params["labelSelector"] = label_selector
        if field_selector:
            params["fieldSelector"] = field_selector
        subject = subject_of("watch", type_, namespace)
        headers = {"Accept": PARTIAL_METADATA} if metadata_only else {}
        stream = await self.open_stream(type_.path(namespace), params, subject, headers)
        try:
            if opened is not None:
                opened()
            events = stream_events(
                self,
                stream,
                api_version=type_.api_version,
                kind=type_.kind,
                subject=subject,
                read_seconds=read_seconds,
            )
            async with aclosing(events):
                async for event in events:
                    yield event
        finally:
            stream.close()

    async def _call(
        self,
        verb: str,
        method: str,
        type_: ResourceType,
        namespace: str,
        name: str = "",
        subresource: str = "",
        *,
        params: Parameters | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        repeatable: bool | None = None,
        warnings: Warnings | None = None,
    ) -> bytes:
        """A request about one object; its errors carry the object's key."""
        namespace = namespace if type_.namespaced else ""
        try:
            # An empty name is the path of the whole collection: a DELETE would empty it.
            if not name and method != "POST":
                raise Invalid(f"{verb} {type_.kind}: metadata.name is empty", code=422, hint="set the name")
            if type_.namespaced and not namespace:
                raise Invalid(
                    f"{verb} {type_.kind} {name}: metadata.namespace is empty", code=422, hint="set the namespace"
                )
            return await self.request(
                method,
                type_.path(namespace, name, subresource),
                params=params,
                body=body,
                content_type=content_type,
                repeatable=repeatable,
                subject=subject_of(verb, type_, namespace, name),
                secret=type_.group_kind == SECRET,
                warnings=warnings,
            )
        except ApiError as error:
            error.key = ResourceKey(type_.group, type_.kind, namespace, name)
            raise
