"""Applications straight on Kubernetes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trueup.cli.app.access import (
    ApplicationView,
    Handle,
    list_applications,
    read_view,
    readable,
    served,
)
from trueup.cli.app.port import Body, ObjectActionView
from trueup.cli.connect import ClusterAccess
from trueup.kube.client import Client
from trueup.kube.errors import AlreadyExists
from trueup.model.application import Application, Operation, OperationInitiator
from trueup.model.errors import TrueupError
from trueup.model.resource import ResourceKey
from trueup.model.status import RevisionHistory
from trueup.store.kinds import APPLICATION

if TYPE_CHECKING:
    from trueup.cli.app.children import ResourceTree
    from trueup.cli.app.commits import KnownCommit
    from trueup.cli.app.inspect import Compared
    from trueup.cli.app.logs import LogWish
    from trueup.cli.app.meant import ObjectsMeant
    from trueup.cli.app.reasons import Reason
    from trueup.cli.app.sources import Here, Revisions
    from trueup.model.manifest import Manifest
    from trueup.policy.requests import Cascade, Ending
    from trueup.store.applications import StoredApplication


class DirectApplication(Handle):
    """One Application; an :class:`~trueup.cli.app.port.ApplicationPort`.

    What a command does not use is not loaded for it.
    """

    def __init__(self, client: Client, access: ClusterAccess, name: str, app_namespace: str = "") -> None:
        super().__init__(client, access, name, app_namespace)
        self._access = access

    async def refreshed(self, *, hard: bool, timeout: float = 60.0) -> ApplicationView:
        from trueup.cli.app.engine import refreshed

        return await refreshed(self, hard=hard, timeout=timeout)

    async def why_untouched(self, view: ApplicationView) -> str:
        from trueup.cli.app.engine import why_untouched

        return await why_untouched(self, view)

    async def look(self, app: Application) -> None:
        from trueup.cli.app.validate import validate

        await validate(self.client, self._access, app)

    async def admit(self, app: Application) -> None:
        from trueup.cli.app.validate import place_of

        await place_of(self.client, self._access, app)

    async def patched(self, patch: bytes, kind: str, check: Callable[[Body, Body], Application]) -> ApplicationView:
        before = (await self.view()).raw
        # The server makes of it what it will, without writing: patches have rules of their own.
        after = (await self._patched(patch, kind, dry_run=True)).raw
        await self.admit(check(before, after))
        return await self._patched(patch, kind, dry_run=False)

    async def _patched(self, patch: bytes, kind: str, *, dry_run: bool) -> ApplicationView:
        with served():
            live = await self.client.patch(
                APPLICATION,
                self.namespace,
                self.name,
                patch,
                kind="json" if kind == "json" else "merge",
                dry_run=dry_run,
                field_validation="Strict",
            )
        return read_view(live.body)

    async def sync(self, ask: Callable[[ApplicationView], Operation]) -> ApplicationView:
        from trueup.cli.app.requests import asked, user

        by = OperationInitiator(username=user())
        with asked(self) as requests:
            live = await requests.sync(
                self.key, lambda stored: msgspec.structs.replace(ask(_view(stored)), initiated_by=by)
            )
            return read_view(live.body)

    async def roll_back(
        self, choose: Callable[[ApplicationView], RevisionHistory], *, prune: bool
    ) -> tuple[ApplicationView, RevisionHistory]:
        from trueup.cli.app.requests import asked, user

        with asked(self) as requests:
            live, target = await requests.roll_back(
                self.key, lambda stored: choose(_view(stored)), prune=prune, username=user()
            )
        return read_view(live.body), target

    async def terminate(self) -> "Ending":
        from trueup.cli.app.requests import asked

        with asked(self) as requests:
            return await requests.terminate(self.key)

    async def delete(self, cascade: "Cascade") -> None:
        from trueup.cli.app.requests import asked

        with asked(self) as requests:
            await requests.delete(self.key, cascade)

    async def confirm_deletion(self) -> datetime:
        from trueup.cli.app.requests import asked

        with asked(self) as requests:
            return await requests.confirm_deletion(self.key)

    async def windows(self, app: Application) -> list[tuple[str, str]]:
        from trueup.cli.app.windows import window_lines

        return await window_lines(self.client, self.control_namespace, app)

    def page(self, view: ApplicationView) -> str:
        return ""

    async def tree(self, view: ApplicationView) -> "ResourceTree":
        from trueup.cli.app.children import tree_of
        from trueup.cli.app.destination import destination_of

        return await tree_of(await destination_of(self._access, view.app), view.status.resources)

    async def orphans(self, view: ApplicationView) -> "ResourceTree | None":
        from trueup.cli.app.destination import destination_of
        from trueup.cli.app.orphans import orphans_of

        return await orphans_of(self._access, await destination_of(self._access, view.app), view.app)

    async def reasons(self, view: ApplicationView) -> "list[Reason]":
        from trueup.cli.app.reasons import reasons

        return await reasons(self._access, view)

    async def explained(self) -> Body:
        from trueup.cli.app.explain import explained

        return explained(await self.stored(), await self.reasons(await self.view()))

    async def planned(self, *, prune: bool, local: tuple[Path, ...]) -> Body:
        from trueup.cli.app.rendered import planned

        return await planned(self._access, self.key, prune=prune, local=local)

    async def stored(self) -> "StoredApplication":
        from trueup.cli.app.requests import asked

        with asked(self) as requests:
            return await requests.read(self.key)

    async def commits(self, view: ApplicationView, state: Path | None) -> "dict[str, KnownCommit]":
        if not view.status.history:
            return {}
        from trueup.cli.app.commits import commits_on_record

        return await commits_on_record(self.client, self._access, state, self.key)

    async def compared(self, revisions: "Revisions", local: tuple[Path, ...], here: "Here | None" = None) -> "Compared":
        from trueup.cli.app.rendered import compared

        return await compared(self._access, self.key, revisions, local, here)

    async def brought(self, revisions: "Revisions", here: "Here | None") -> "Sequence[Manifest]":
        from trueup.cli.app.rendered import brought

        return await brought(self._access, self.key, revisions, here)

    async def manifests(
        self, revisions: "Revisions", local: tuple[Path, ...], here: "Here | None", *, live: bool
    ) -> list[Body]:
        # Of another revision, or of files of this disk, nobody has listed the objects yet.
        if live and here is None and not revisions.whole and not revisions.each:
            from trueup.cli.app.live import live_manifests

            return await live_manifests(self._access, await self.view())
        from trueup.cli.app.rendered import declared

        return await declared(self._access, self.key, revisions, local, here, live=live)

    async def logs(self, wish: "LogWish") -> None:
        from trueup.cli.app.containers import print_logs

        await print_logs(self._access, await self.view(), wish)

    async def actions(self, meant: "ObjectsMeant") -> list[ObjectActionView]:
        from trueup.cli.app.objects import actions_of

        return await actions_of(self._access, await self.view(), meant)

    async def act(self, key: ResourceKey, action: str, parameters: dict[str, str]) -> None:
        from trueup.cli.app.objects import act

        await act(self._access, await self.view(), key, action, parameters)

    async def objects(self, meant: "ObjectsMeant") -> list[Body]:
        from trueup.cli.app.objects import found_of

        return await found_of(self._access, await self.view(), meant)

    async def patch_object(self, key: ResourceKey, patch: bytes, kind: str) -> None:
        from trueup.cli.app.objects import patch_object

        await patch_object(self._access, await self.view(), key, patch, kind)

    async def delete_object(self, key: ResourceKey, *, orphan: bool, force: bool) -> None:
        from trueup.cli.app.objects import delete_object

        await delete_object(self._access, await self.view(), key, orphan=orphan, force=force)


class DirectApplications:
    """Those of a control namespace; :class:`~trueup.cli.app.port.ApplicationsPort`."""

    def __init__(self, client: Client, access: ClusterAccess) -> None:
        self._client, self._access = client, access

    def of(self, name: str, app_namespace: str = "") -> DirectApplication:
        return DirectApplication(self._client, self._access, name, app_namespace)

    def place(self, app_namespace: str = "") -> str:
        return f"namespace {app_namespace or self._access.namespace}"

    async def list(
        self, app_namespace: str = "", selector: str = "", projects: Sequence[str] = ()
    ) -> list[ApplicationView]:
        found = await list_applications(self._client, app_namespace or self._access.namespace, selector)
        views = map(readable, found)
        return [view for view in views if not projects or (view.app.spec.project or "default") in projects]

    async def look(self, app: Application) -> None:
        from trueup.cli.app.validate import validate

        await validate(self._client, self._access, app)

    async def create(self, body: Body, *, upsert: bool, validate: bool) -> str:
        metadata = body["metadata"]
        try:
            with served():
                await self._client.create(APPLICATION, metadata["namespace"], msgspec.json.encode(body))
            return "created"
        except AlreadyExists as error:
            if not upsert:
                raise TrueupError(
                    f"application {metadata['name']} exists already",
                    hint="--upsert replaces it, `trueup app set` changes it",
                ) from error
        there = self.of(metadata["name"], metadata["namespace"])
        return "updated" if await there.edit(lambda live: _replace(live, body)) else "unchanged"


def _replace(live: Body, body: Body) -> None:
    """As Argo CD: the specification is replaced; labels, annotations and finalizers are added to."""
    live["spec"] = body["spec"]
    metadata, given = live["metadata"], body["metadata"]
    for field in ("labels", "annotations"):
        if given.get(field):
            metadata[field] = {**(metadata.get(field) or {}), **given[field]}
    if given.get("finalizers"):
        metadata["finalizers"] = list(dict.fromkeys([*(metadata.get("finalizers") or []), *given["finalizers"]]))


def _view(stored: "StoredApplication") -> ApplicationView:
    return ApplicationView(stored.app, stored.status, {})
