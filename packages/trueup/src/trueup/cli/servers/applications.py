"""Applications through an API server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kubegrammar.patch import merge_diff
from kubegrammar.time import format_time
from trueup.cli.app.access import ApplicationNotFound, ApplicationView, read_view, readable
from trueup.cli.app.commits import KnownCommit
from trueup.cli.app.port import Body, ObjectActionView
from trueup.cli.servers.session import Json, ServerRefused, ServerSession, escaped
from trueup.cli.servers.shape import part, rows
from trueup.model.annotations import DELETION_APPROVED
from trueup.model.application import Application, Operation
from trueup.model.errors import TrueupError
from trueup.model.resource import ResourceKey
from trueup.model.status import RevisionHistory
from trueup.policy.requests import Cascade, Ending
from trueup.runtime.clock import SystemClock

if TYPE_CHECKING:
    from trueup.cli.app.children import ResourceTree
    from trueup.cli.app.inspect import Compared
    from trueup.cli.app.logs import LogWish
    from trueup.cli.app.meant import ObjectsMeant
    from trueup.cli.app.reasons import Reason
    from trueup.cli.app.sources import Here, Revisions
    from trueup.model.manifest import Manifest

_ALL = "/api/v1/applications"
PAUSE = 1.0
"""Seconds after which a stream that has ended is asked for again."""
_EXISTS = "existing application spec is different"


class ServedApplication:
    """One Application; an :class:`~trueup.cli.app.port.ApplicationPort`."""

    def __init__(self, session: ServerSession, name: str, app_namespace: str = "") -> None:
        namespace, slash, self.name = name.rpartition("/")
        self.session = session
        self._namespace = namespace if slash else app_namespace
        self._project = ""

    async def view(self) -> ApplicationView:
        return self._read(await self.ask("GET"))

    async def refreshed(self, *, hard: bool, timeout: float = 60.0) -> ApplicationView:
        try:
            async with asyncio.timeout(timeout or None):
                return self._read(await self.ask("GET", query={"refresh": "hard" if hard else "normal"}))
        except TimeoutError as error:
            raise TrueupError(
                f"application {self.name} was not refreshed within {timeout:g} s", hint=await self._where()
            ) from error

    async def follow(self, timeout: float) -> AsyncIterator[ApplicationView]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout if timeout > 0 else float("inf")
        seen = ""
        while loop.time() < deadline:
            # Told of by the stream only if it is there: one that is not is an error at once.
            view = await self.view()
            if view.app.metadata.resource_version != seen:
                seen = view.app.metadata.resource_version
                yield view
            query = {"name": self.name, "appNamespace": self._namespace, "projects": [self._project]}
            async with aclosing(self.session.follow("/api/v1/stream/applications", query)) as events:
                while (event := await _next(events, deadline - loop.time())) is not None:
                    if event.get("type") == "DELETED":
                        raise self.absent()
                    view = self._read(part(event, "application"))
                    if view.app.metadata.resource_version != seen:
                        seen = view.app.metadata.resource_version
                        yield view
            if loop.time() < deadline:
                await asyncio.sleep(PAUSE)

    async def why_untouched(self, view: ApplicationView) -> str:
        return await self._where()

    async def _where(self) -> str:
        return f"`trueup app get {self.name}` shows where it stands; does an engine run beside the server?"

    async def edit(self, change: Callable[[Body], None], *, validate: bool = True) -> bool:
        before = (await self.view()).raw
        after = msgspec.json.decode(msgspec.json.encode(before))
        change(after)
        patch = merge_diff(before, after)
        if not patch:
            return False
        if patch.keys() == {"spec"}:
            await self.ask("PUT", "/spec", {"validate": validate}, after["spec"])
        else:
            await self.ask("PATCH", body=self._patch(msgspec.json.encode(patch).decode(), "merge"))
        return True

    async def look(self, app: Application) -> None:
        """The server looks, when it is written."""

    async def admit(self, app: Application) -> None:
        """The server does, when it is written."""

    async def patched(self, patch: bytes, kind: str, check: Callable[[Body, Body], Application]) -> ApplicationView:
        from kubegrammar.json_patch import JsonPatchError, apply_json_patch
        from kubegrammar.patch import merge_patch

        before = (await self.view()).raw
        copy = msgspec.json.decode(msgspec.json.encode(before))
        change = msgspec.json.decode(patch)
        try:
            after = apply_json_patch(copy, change) if kind == "json" else merge_patch(copy, change)
        except JsonPatchError as error:
            raise TrueupError(f"the patch cannot be applied: {error}", hint="see RFC 6902") from error
        check(before, after)
        return self._read(await self.ask("PATCH", body=self._patch(patch.decode(), kind)))

    async def sync(self, ask: Callable[[ApplicationView], Operation]) -> ApplicationView:
        return self._read(await self.ask("POST", "/sync", body=self.said() | sync_message(ask(await self.view()))))

    async def roll_back(
        self, choose: Callable[[ApplicationView], RevisionHistory], *, prune: bool
    ) -> tuple[ApplicationView, RevisionHistory]:
        target = choose(await self.view())
        body = self.said() | {"id": target.id, "prune": prune}
        return self._read(await self.ask("POST", "/rollback", body=body)), target

    async def terminate(self) -> Ending:
        view = await self.view()
        state = view.status.operation_state
        waits = view.app.operation is not None and (state is None or state.phase.completed)
        await self.ask("DELETE", "/operation")
        return Ending.TAKEN_BACK if waits else Ending.TERMINATED

    async def delete(self, cascade: Cascade) -> None:
        await self.view()
        how = {"cascade": False} if cascade == "none" else {"cascade": True, "propagationPolicy": cascade}
        await self.ask("DELETE", query=how)

    async def confirm_deletion(self) -> datetime:
        now = SystemClock().now()
        change = {"metadata": {"annotations": {DELETION_APPROVED: format_time(now)}}}
        await self.ask("PATCH", body=self._patch(msgspec.json.encode(change).decode(), "merge"))
        return now

    async def windows(self, app: Application) -> list[tuple[str, str]]:
        try:
            told = await self.ask("GET", "/syncwindows")
        except ServerRefused:
            return []
        state = "Sync Allowed" if told.get("canSync") else "Sync Denied"
        names = [
            f"{each.get('kind', '')}:{each.get('schedule', '')}:{each.get('duration', '')}"
            for each in rows(told, "assignedWindows")
        ]
        return [
            ("SyncWindow", state),
            *(("" if at else "Assigned Windows", name) for at, name in enumerate(names)),
        ]

    def page(self, view: ApplicationView) -> str:
        metadata = view.app.metadata
        return f"{self.session.server.page}/applications/{escaped(metadata.namespace)}/{escaped(metadata.name)}"

    async def tree(self, view: ApplicationView) -> "ResourceTree":
        from trueup.cli.servers.objects import tree_of

        return tree_of(view, rows(await self.ask("GET", "/resource-tree"), "nodes"))

    async def orphans(self, view: ApplicationView) -> "ResourceTree | None":
        from trueup.cli.servers.objects import forest

        nodes = rows(await self.ask("GET", "/resource-tree"), "orphanedNodes")
        return forest(nodes) if nodes else None

    async def explained(self) -> Body:
        return await self._own("explain")

    async def planned(self, *, prune: bool, local: object = ()) -> Body:
        return await self._own("plan", {"prune": prune})

    async def _own(self, what: str, query: Mapping[str, Any] | None = None) -> Body:
        await self.view()
        place = f"/api/v1/trueup/applications/{escaped(self.name)}/{what}"
        return await self.session.get(place, {**self._query(), **(query or {})})

    async def reasons(self, view: ApplicationView) -> "list[Reason]":
        from trueup.cli.servers.objects import reasons

        return await reasons(self, await self.tree(view))

    async def commits(self, view: ApplicationView, state: Path | None) -> dict[str, KnownCommit]:
        async def one(revision: str, index: int) -> tuple[str, KnownCommit]:
            try:
                told = await self.ask("GET", f"/revisions/{escaped(revision)}/metadata", {"sourceIndex": index})
            except ServerRefused:
                return revision, KnownCommit()
            subject = str(told.get("message", "")).strip().partition("\n")[0]
            return revision, KnownCommit(str(told.get("author", "")).partition(" <")[0], subject)

        known = {
            revision: index
            for entry in view.status.history
            for index, revision in enumerate(entry.revisions or [entry.revision])
            if revision
        }
        return dict(await asyncio.gather(*(one(*each) for each in known.items())))

    async def compared(self, revisions: "Revisions", local: tuple[Path, ...], here: "Here | None" = None) -> "Compared":
        from trueup.cli.servers.comparing import compared

        _no_folder(here)
        return await compared(self, revisions)

    async def brought(self, revisions: "Revisions", here: "Here | None") -> "Sequence[Manifest]":
        from trueup.cli.servers.comparing import brought

        _no_folder(here)
        return await brought(self, revisions)

    async def manifests(
        self, revisions: "Revisions", local: tuple[Path, ...], here: "Here | None", *, live: bool
    ) -> list[Body]:
        from trueup.cli.servers.comparing import declared, live_objects

        _no_folder(here)
        return await live_objects(self) if live else await declared(self, revisions)

    async def logs(self, wish: "LogWish") -> None:
        from trueup.cli.servers.logs import print_logs

        await print_logs(self, wish)

    async def actions(self, meant: "ObjectsMeant") -> list[ObjectActionView]:
        from trueup.cli.servers.objects import actions_of

        return await actions_of(self, meant)

    async def act(self, key: ResourceKey, action: str, parameters: dict[str, str]) -> None:
        from trueup.cli.servers.objects import act

        await act(self, key, action, parameters)

    async def objects(self, meant: "ObjectsMeant") -> list[Body]:
        from trueup.cli.servers.objects import found_of

        return await found_of(self, meant)

    async def patch_object(self, key: ResourceKey, patch: bytes, kind: str) -> None:
        from trueup.cli.servers.objects import patch_object

        await patch_object(self, key, patch, kind)

    async def delete_object(self, key: ResourceKey, *, orphan: bool, force: bool) -> None:
        from trueup.cli.servers.objects import delete_object

        await delete_object(self, key, orphan=orphan, force=force)

    async def ask(self, verb: str, below: str = "", query: Mapping[str, Any] | None = None, body: Any = None) -> Json:
        """The answer to a question about it.

        Args:
            below: the rest of the path.
        """
        place = f"{_ALL}/{escaped(self.name)}{below}"
        try:
            return await self.session.ask(verb, place, {**self._query(), **(query or {})}, body)
        except ServerRefused as error:
            if error.missing and (not below or not self._project):
                raise self.absent() from error
            raise

    def absent(self) -> ApplicationNotFound:
        """That there is none of that name, or that it may not be seen."""
        name = f"{self._namespace}/{self.name}" if self._namespace else self.name
        return ApplicationNotFound(
            f"application {name} does not exist on {self.session.server.address}, or you may not do this with it",
            hint="`trueup app list` shows those that you may see, `trueup account can-i` tells rights",
        )

    def _query(self) -> dict[str, str]:
        """Once its project is known: who names it is told whether the application is gone."""
        return {"appNamespace": self._namespace, "project": self._project}

    def said(self) -> Body:
        """What a request for it says of which it is."""
        return {"name": self.name} | {name: value for name, value in self._query().items() if value}

    def _patch(self, patch: str, kind: str) -> Body:
        return self.said() | {"patch": patch, "patchType": kind}

    def _read(self, body: Body) -> ApplicationView:
        view = read_view(msgspec.json.encode(body))
        self._project = view.app.spec.project or "default"
        return view


class ServedApplications:
    """Those that the server shows; :class:`~trueup.cli.app.port.ApplicationsPort`."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    def of(self, name: str, app_namespace: str = "") -> ServedApplication:
        return ServedApplication(self._session, name, app_namespace)

    def place(self, app_namespace: str = "") -> str:
        return f"namespace {app_namespace} of {self._session.server.address}" if app_namespace else self._on()

    def _on(self) -> str:
        return f"server {self._session.server.address}"

    async def list(
        self, app_namespace: str = "", selector: str = "", projects: Sequence[str] = ()
    ) -> list[ApplicationView]:
        query = {"appNamespace": app_namespace, "selector": selector, "projects": list(projects)}
        items = rows(await self._session.get(_ALL, query), "items")
        return [readable(msgspec.json.encode(each)) for each in items]

    async def look(self, app: Application) -> None:
        """The server looks, when it is written."""

    async def create(self, body: Body, *, upsert: bool, validate: bool) -> str:
        metadata = body["metadata"]
        there = self.of(metadata["name"], metadata.get("namespace", ""))
        try:
            before: str | None = (await there.view()).app.metadata.resource_version
        except ApplicationNotFound:
            before = None
        try:
            made = await self._session.ask("POST", _ALL, {"upsert": upsert, "validate": validate}, body)
        except ServerRefused as error:
            if _EXISTS not in error.message:
                raise
            raise TrueupError(
                f"application {metadata['name']} exists already, and is another one",
                hint="--upsert replaces it, `trueup app set` changes it",
            ) from error
        if before is None:
            return "created"
        version = part(made, "metadata").get("resourceVersion")
        return "unchanged" if version == before else "updated"


def sync_message(operation: Operation) -> Body:
    """The request for an operation. Pure."""
    said = msgspec.to_builtins(operation)
    sync = said.get("sync") or {}
    found = {name: sync[name] for name in ("revision", "prune", "dryRun", "resources", "manifests") if sync.get(name)}
    if sync.get("syncStrategy"):
        found["strategy"] = sync["syncStrategy"]
    if sync.get("syncOptions"):
        found["syncOptions"] = {"items": sync["syncOptions"]}
    found |= positioned(sync.get("revisions") or [])
    if said.get("info"):
        found["infos"] = said["info"]
    if said.get("retry"):
        found["retryStrategy"] = said["retry"]
    return found


def positioned(revisions: Sequence[str]) -> Body:
    """Revisions of some sources, by their positions from 1; those that are not said are left out. Pure."""
    said = [(revision, at) for at, revision in enumerate(revisions, start=1) if revision]
    if not said:
        return {}
    return {"revisions": [each for each, _ in said], "sourcePositions": [at for _, at in said]}


def _no_folder(here: "Here | None") -> None:
    if here is not None:
        raise TrueupError(
            "a folder of this disk is not compared through an API server",
            hint="push it to a branch and name --revision; or --core, straight on Kubernetes",
        )


async def _next(events: AsyncIterator[Json], seconds: float) -> Json | None:
    """The next event within some seconds; None where there is none, or no more."""
    try:
        async with asyncio.timeout(None if seconds == float("inf") else max(0.0, seconds)):
            return await anext(events)
    except (TimeoutError, StopAsyncIteration):
        return None
