"""``ProjectService``: AppProjects, as far as who asks may see and change them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from trueup import policy
from trueup.kube.errors import AlreadyExists
from trueup.model.annotations import API_VERSION
from trueup.model.application import DEFAULT_PROJECT, Application
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.policy.windows import is_open
from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import may, require
from trueup.server.request import Functions, Json, Request
from trueup.store.applications import StoredApplication
from trueup.store.projects import read_project, with_tokens_of_roles

RESOURCE = "projects"
Edit = Callable[[dict[str, Any]], dict[str, Any]]


class ProjectReads(Protocol):
    """Projects as they are stored, and who names them."""

    @property
    def control_namespace(self) -> str: ...

    def live_projects(self) -> list[LiveObject]: ...

    def live_project(self, name: str) -> LiveObject | None: ...

    def needing(self, project: LiveObject) -> list[str]: ...

    def readable(self) -> list[StoredApplication]: ...


class ProjectWrites(Protocol):
    """Writes of projects: :class:`trueup.store.edits.Edits`."""

    async def create(self, body: dict[str, Any]) -> LiveObject: ...

    async def edit(self, key: str, change: Edit) -> LiveObject: ...

    async def delete(self, key: str, uid: str) -> None: ...


class ProjectResources:
    """The functions, over their ports.

    Args:
        admit: whether an Application is permitted by a project; raises InvalidSpec where it is not.
        events: the Events of the control namespace.
    """

    def __init__(
        self,
        reads: ProjectReads,
        writes: ProjectWrites,
        admit: Callable[[Application, Project], None],
        events: Callable[[str], Awaitable[list[Json]]],
        now: Callable[[], datetime],
    ) -> None:
        self._reads, self._writes, self._admit, self._events, self._now = reads, writes, admit, events, now

    def functions(self) -> Functions:
        """By their methods."""
        return {
            "ProjectService.List": self.get_list,
            "ProjectService.Get": self.get,
            "ProjectService.GetDetailedProject": self.detailed,
            "ProjectService.GetGlobalProjects": self.global_projects,
            "ProjectService.Create": self.create,
            "ProjectService.Update": self.update,
            "ProjectService.Delete": self.delete,
            "ProjectService.ListEvents": self.list_events,
            "ProjectService.GetSyncWindowsState": self.windows,
            "ProjectService.ListLinks": self.links,
        }

    async def get_list(self, request: Request) -> Json:
        """Those that the caller may see."""
        wanted, caller = request.message.get("name", ""), request.caller
        found = [
            body_of(live)
            for live in sorted(self._reads.live_projects(), key=lambda live: live.key.name)
            if wanted in ("", live.key.name) and may(caller, RESOURCE, "get", live.key.name)
        ]
        return {"metadata": {}, "items": found}

    async def get(self, request: Request) -> Json:
        """One."""
        return body_of(self._found(request, "get"))

    async def detailed(self, request: Request) -> Json:
        """One, with what is its own."""
        return {
            "project": body_of(self._found(request, "get")),
            "globalProjects": [],
            "repositories": [],
            "clusters": [],
        }

    async def global_projects(self, request: Request) -> Json:
        """No project takes anything over from others."""
        self._found(request, "get")
        return {"items": []}

    async def create(self, request: Request) -> Json:
        """A new one; the same again changes nothing, and another one in its place is asked for by ``upsert``."""
        body = self._written(request.message.get("project") or {})
        name = body["metadata"]["name"]
        require(request.caller, RESOURCE, "create", name)
        valid(body, self._now())
        try:
            return body_of(await self._writes.create(body))
        except AlreadyExists:
            pass
        there = self._reads.live_project(name)
        if there is not None and (there.object().get("spec") or {}) == body["spec"]:
            require(request.caller, RESOURCE, "get", name)
            return body_of(there)
        if not request.message.get("upsert"):
            raise Fault(Code.INVALID_ARGUMENT, "existing project spec is different; use upsert flag to force update")
        require(request.caller, RESOURCE, "update", name)
        return await self._replaced(body)

    async def update(self, request: Request) -> Json:
        """Another specification, in the place of its own."""
        body = self._written(request.message.get("project") or {})
        self._find(request, body["metadata"]["name"], "update")
        valid(body, self._now())
        return await self._replaced(body)

    async def delete(self, request: Request) -> Json:
        """One that no Application needs."""
        live = self._found(request, "delete")
        if live.key.name == DEFAULT_PROJECT:
            raise Fault(Code.INVALID_ARGUMENT, f"name '{DEFAULT_PROJECT}' is reserved and cannot be deleted")
        needing = self._reads.needing(live)
        if needing:
            raise Fault(Code.INVALID_ARGUMENT, f"project is referenced by {len(needing)} applications")
        await self._writes.delete(f"{live.key.namespace}/{live.key.name}", live.uid)
        return {}

    async def list_events(self, request: Request) -> Json:
        """What Kubernetes has told of it."""
        live = self._found(request, "get")
        found = [
            each
            for each in await self._events(live.key.namespace)
            if (each.get("involvedObject") or {}).get("uid") == live.uid
        ]
        return {"metadata": {}, "items": found}

    async def windows(self, request: Request) -> Json:
        """Its sync windows that are open now."""
        live = self._found(request, "get")
        windows = [
            each
            for number, each in enumerate(read_project(live).spec.sync_windows)
            if is_open(policy.AssignedWindow(f"spec.syncWindows[{number}]", each), self._now())
        ]
        return {"windows": msgspec.to_builtins(windows)} if windows else {}

    async def links(self, request: Request) -> Json:
        """None yet."""
        self._found(request, "get")
        return {"items": []}

    def _found(self, request: Request, action: str) -> LiveObject:
        return self._find(request, request.message.get("name", ""), action)

    def _find(self, request: Request, name: str, action: str) -> LiveObject:
        if not name:
            raise denied()
        require(request.caller, RESOURCE, action, name)
        live = self._reads.live_project(name)
        if live is None:
            raise Fault(Code.NOT_FOUND, f'appprojects.argoproj.io "{name[:80]}" not found')
        return live

    async def _replaced(self, body: Json) -> Json:
        metadata = body["metadata"]

        def replaced(live: dict[str, Any]) -> dict[str, Any]:
            self._admit_all(live, body)
            kept = {
                **live["metadata"],
                **{name: metadata[name] for name in ("labels", "annotations") if name in metadata},
            }
            return with_tokens_of_roles(live, {**live, "metadata": kept, "spec": body["spec"]})

        return body_of(await self._writes.edit(f"{metadata['namespace']}/{metadata['name']}", replaced))

    def _admit_all(self, live: Json, body: Json) -> None:
        """What was permitted to an Application that is there stays so: nobody would see why it stands."""
        name = body["metadata"]["name"]
        before = msgspec.convert({**live, "status": {}}, type=Project)
        after = msgspec.convert(body, type=Project)
        lost = [
            stored.app.metadata.name
            for stored in self._reads.readable()
            if (stored.app.spec.project or DEFAULT_PROJECT) == name
            and self._permits(stored.app, before)
            and not self._permits(stored.app, after)
        ]
        if lost:
            shown = ", ".join(sorted(lost)[:5])
            raise Fault(
                Code.INVALID_ARGUMENT,
                f"as a result of project update {len(lost)} applications are not permitted any more: {shown}",
            )

    def _permits(self, app: Application, project: Project) -> bool:
        try:
            self._admit(app, project)
        except InvalidSpec:
            return False
        return True

    def _written(self, given: dict[str, Any]) -> dict[str, Any]:
        metadata = given.get("metadata") or {}
        if not metadata.get("name"):
            raise Fault(Code.INVALID_ARGUMENT, "project.metadata.name has to be there")
        kept = {field: metadata[field] for field in ("labels", "annotations") if metadata.get(field)}
        return {
            "apiVersion": API_VERSION,
            "kind": "AppProject",
            "metadata": {"name": metadata["name"], "namespace": self._reads.control_namespace, **kept},
            "spec": given.get("spec") or {},
        }


def body_of(live: LiveObject) -> Json:
    """A project as it is answered."""
    body = live.object()
    body.setdefault("apiVersion", API_VERSION)
    body.setdefault("kind", "AppProject")
    body["metadata"].pop("managedFields", None)
    return body


def valid(body: dict[str, Any], now: datetime) -> None:
    """Refuse what is no project, and windows that cannot be read.

    Raises:
        Fault: it names the field.
    """
    try:
        project = msgspec.convert(body, type=Project)
    except msgspec.ValidationError as error:
        raise Fault(Code.INVALID_ARGUMENT, f"the project is not valid: {error}") from error
    placed = [
        policy.AssignedWindow(f"spec.syncWindows[{number}]", each)
        for number, each in enumerate(project.spec.sync_windows)
    ]
    if fault := policy.may_sync(placed, manual=False, now=now).fault:
        raise Fault(Code.INVALID_ARGUMENT, f"the project is not valid: {fault}")
