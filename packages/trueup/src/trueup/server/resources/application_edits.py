"""Writing Applications: made, replaced and patched, by the admission that an engine has."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Protocol

import msgspec

from kubegrammar.json_patch import JsonPatchError, apply_json_patch
from kubegrammar.patch import merge_patch
from trueup.kube.errors import AlreadyExists
from trueup.model.annotations import API_VERSION, GROUP
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.runtime.secrecy import told
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import may, require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, body_of, named
from trueup.store.applications import StoredApplication

Edit = Callable[[dict[str, Any]], dict[str, Any]]
MOST_OPERATIONS = 1000
"""Of one JSON patch."""
_METADATA = ("labels", "annotations", "finalizers")
"""What of its metadata is who writes an Application's to say."""


class ApplicationWrites(Protocol):
    """Writes of whole Applications: :class:`trueup.store.edits.Edits`."""

    async def create(self, body: dict[str, Any]) -> LiveObject: ...

    async def edit(self, key: str, change: Edit) -> LiveObject:
        """Change the object as it is stored; ``change`` is asked again where somebody else has written meanwhile."""
        ...


Admit = Callable[[Application], None]
"""Raises InvalidSpec where project or destination do not permit an Application."""


class ApplicationEdits:
    """The functions, over their ports.

    Args:
        look: whether an Application's sources are there and become manifests, for who asks for more than the admission;
            raises InvalidSpec where they do not.
    """

    def __init__(
        self,
        reads: ApplicationReads,
        writes: ApplicationWrites,
        admit: Admit,
        look: Callable[[Application], Awaitable[None]] | None = None,
    ) -> None:
        self._finding = ApplicationReading(reads)
        self._reads, self._writes, self._admit, self._look = reads, writes, admit, look

    def functions(self) -> Functions:
        """By their methods."""
        return {
            "ApplicationService.Create": self.create,
            "ApplicationService.Update": self.update,
            "ApplicationService.UpdateSpec": self.update_spec,
            "ApplicationService.Patch": self.patch,
        }

    async def create(self, request: Request) -> Json:
        """A new one; the same again changes nothing, and another one in its place is asked for by ``upsert``."""
        given, caller = request.message.get("application") or {}, request.caller
        body = self._written(given)
        self._require(caller, "create", body)
        await self._admitted(body, validate=request.message.get("validate", True))
        try:
            return body_of(await self._writes.create(body))
        except AlreadyExists:
            pass
        key = f"{body['metadata']['namespace']}/{body['metadata']['name']}"
        stored = self._reads.live(key)
        visible = stored is not None and may(caller, RESOURCE, "get", named(stored, self._reads.control_namespace).of)
        if stored is not None and visible and _same(stored.object(), body):
            return body_of(stored)
        if not request.message.get("upsert"):
            if not visible:
                # One that may not be seen is as one that may not be made.
                raise denied()
            raise Fault(
                Code.INVALID_ARGUMENT, "existing application spec is different, use upsert flag to force update"
            )

        def replaced(live: dict[str, Any]) -> dict[str, Any]:
            self._require(caller, "update", live)
            self._require(caller, "update", body)
            return _with(live, body, merge=True)

        return body_of(await self._writes.edit(key, replaced))

    async def update(self, request: Request) -> Json:
        """Another specification, and other labels, annotations and finalizers, in the place of its own."""
        given = request.message.get("application") or {}
        metadata = given.get("metadata") or {}
        message = {
            "name": metadata.get("name", ""),
            "appNamespace": metadata.get("namespace", ""),
            "project": request.message.get("project", ""),
        }
        body = self._written(given)
        return await self._replaced(
            request, message, lambda live: _with(live, body), validate=request.message.get("validate", True)
        )

    async def update_spec(self, request: Request) -> Json:
        """Another specification."""
        spec = request.message.get("spec") or {}
        found = await self._replaced(
            request,
            request.message,
            lambda live: {**live, "spec": spec},
            validate=request.message.get("validate", True),
        )
        return dict(found["spec"])

    async def patch(self, request: Request) -> Json:
        """Some of it, by a JSON patch or a merge patch."""
        kind, text = request.message.get("patchType", ""), request.message.get("patch", "")
        if kind not in ("", "json", "merge"):
            raise Fault(Code.INVALID_ARGUMENT, f"Patch type '{kind[:80]}' is not supported")
        try:
            patch = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Fault(Code.INVALID_ARGUMENT, "the patch is no JSON") from error
        if kind != "merge" and not (isinstance(patch, list) and len(patch) <= MOST_OPERATIONS):
            raise Fault(Code.INVALID_ARGUMENT, f"a JSON patch is a list of {MOST_OPERATIONS} operations at most")

        def patched(live: dict[str, Any]) -> dict[str, Any]:
            try:
                # A JSON patch changes in place what it is given, and not all that it changes is taken.
                found = merge_patch(live, patch) if kind == "merge" else apply_json_patch(deepcopy(live), patch)
            except (JsonPatchError, RecursionError) as error:
                raise Fault(Code.INVALID_ARGUMENT, f"the patch cannot be applied: {error}") from error
            if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
                raise Fault(Code.INVALID_ARGUMENT, "the patch leaves no application")
            return _with(live, found)

        return await self._replaced(request, request.message, patched, validate=True)

    async def _replaced(self, request: Request, message: Json, change: Edit, *, validate: bool) -> Json:
        caller = request.caller
        stored = self._finding.find(Request(caller, message), "update")
        # Once beforehand, where a look may take its time; then on what is stored when it is written.
        await self._admitted(change(stored.live.object()), validate=validate, before=stored)

        def replaced(live: dict[str, Any]) -> dict[str, Any]:
            self._require(caller, "update", live)
            found = change(live)
            if _project(found) != _project(live):
                self._require(caller, "update", found)
                self._require(caller, "create", found)
            self._admitted_now(found)
            return found

        return body_of(await self._writes.edit(stored.key, replaced))

    def _written(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is stored of an Application that a client sends: neither its status, nor an operation."""
        metadata = given.get("metadata") or {}
        namespace = metadata.get("namespace") or self._reads.control_namespace
        if namespace != self._reads.control_namespace:
            raise Fault(Code.PERMISSION_DENIED, f"namespace '{namespace[:80]}' is not permitted")
        if not metadata.get("name"):
            raise Fault(Code.INVALID_ARGUMENT, "application.metadata.name has to be there")
        kept = {field: metadata[field] for field in _METADATA if metadata.get(field)}
        return {
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {"name": metadata["name"], "namespace": namespace, **kept},
            "spec": {"project": "default", **_given(given.get("spec") or {})},
        }

    def _require(self, caller: Caller, action: str, body: dict[str, Any]) -> None:
        live = LiveObject(
            key=_key(body), api_version=API_VERSION, uid="", resource_version="", body=msgspec.json.encode(body)
        )
        require(caller, RESOURCE, action, named(live, self._reads.control_namespace).of)

    async def _admitted(self, body: dict[str, Any], *, validate: bool, before: StoredApplication | None = None) -> None:
        app = self._admitted_now(body)
        # Who turns automation off while a repository does not answer is not held up by that.
        if validate and self._look is not None and (before is None or _renders_anew(before, app)):
            with _valid(app.metadata.name):
                await self._look(app)

    def _admitted_now(self, body: dict[str, Any]) -> Application:
        with _valid(body["metadata"].get("name", "")):
            # An operation that is there is no part of what is written.
            app = msgspec.convert({**body, "operation": None}, type=Application)
            self._admit(app)
        return app


@contextmanager
def _valid(name: str) -> Iterator[None]:
    """Say of whose specification something is wrong."""
    try:
        yield
    except (msgspec.ValidationError, InvalidSpec) as error:
        text = told(f"application spec for {name} is invalid: InvalidSpecError: {error}")
        raise Fault(Code.INVALID_ARGUMENT, text) from error


def _renders_anew(before: StoredApplication, app: Application) -> bool:
    """Whether other manifests may come of an Application than before."""
    then, now = before.app.spec, app.spec
    return before.fault is not None or (then.all_sources(), then.destination, then.project) != (
        now.all_sources(),
        now.destination,
        now.project,
    )


def _with(live: dict[str, Any], given: dict[str, Any], *, merge: bool = False) -> dict[str, Any]:
    """An Application with what another one says of it; its labels and annotations are replaced, or added to."""
    metadata = dict(live["metadata"])
    for field in _METADATA:
        said = (given.get("metadata") or {}).get(field)
        has = metadata.get(field)
        if merge and field != "finalizers":
            said = {**(has or {}), **(said or {})}
        if said:
            metadata[field] = said
        else:
            metadata.pop(field, None)
    return {**live, "metadata": metadata, "spec": given.get("spec") or {}}


def _same(live: dict[str, Any], given: dict[str, Any]) -> bool:
    return bool(_with(live, given, merge=True) == live)


def _project(body: dict[str, Any]) -> str:
    project = (body.get("spec") or {}).get("project")
    return project if isinstance(project, str) and project else "default"


def _key(body: dict[str, Any]) -> ResourceKey:
    metadata = body["metadata"]
    return ResourceKey(GROUP, "Application", metadata.get("namespace", ""), metadata.get("name", ""))


def _given(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: a message writes what Go's types have."""
    return {key: value for key, value in spec.items() if value not in ("", None)}
