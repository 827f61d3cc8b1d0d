"""``RepositoryService`` where a repository is asked itself: may it be read, what is in it, what does a folder offer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from trueup.model.annotations import API_VERSION
from trueup.model.application import DEFAULT_PROJECT, Application, Source
from trueup.model.errors import InvalidSpec
from trueup.render.details import ChartOffer, SourceOffer
from trueup.runtime.secrecy import told
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import application_object, may, require
from trueup.server.request import Function, Functions, Json, Request
from trueup.server.resources.applications import RESOURCE as APPLICATIONS
from trueup.server.resources.applications import ApplicationReads, named
from trueup.server.resources.repositories import (
    KINDS,
    RESOURCE,
    RepositoryKind,
    RepositoryResources,
    object_of,
    written,
)
from trueup.store.applications import StoredApplication

_RENAMED: Final = {"enableOci": "enableOCI", "insecureOciForceHttp": "insecureOCIForceHttp"}
"""Fields of a trial by those of a repository."""


class RepositoryAsks(Protocol):
    """Asks repositories, each question within limits; a TrueupError says why there is no answer."""

    async def problem(self, data: Mapping[str, str]) -> str:
        """Why a repository cannot be read with these data of a Secret; empty when it can."""
        ...

    async def refs(self, url: str, project: str) -> tuple[Sequence[str], Sequence[str]]: ...

    async def tags(self, url: str, project: str) -> Sequence[str]: ...

    async def charts(self, url: str, project: str) -> Mapping[str, Sequence[str]]: ...

    async def applications(self, url: str, project: str, revision: str) -> Mapping[str, str]: ...

    async def offer(self, app: Application, source: Source) -> SourceOffer: ...

    async def images(self, app: Application) -> Sequence[str]: ...


class RepositoryVisits:
    """The functions, over their ports.

    Args:
        permits: whether a project takes sources from a repository; of what is no project, it does not.
        admit: raises InvalidSpec where its project does not permit an Application its sources.
    """

    def __init__(
        self,
        resources: RepositoryResources,
        asks: RepositoryAsks,
        reads: ApplicationReads,
        permits: Callable[[str, str], bool],
        admit: Callable[[Application], None],
    ) -> None:
        self._resources, self._asks, self._reads = resources, asks, reads
        self._permits, self._admit = permits, admit

    def functions(self) -> Functions:
        """By their methods."""
        found: dict[str, Function] = {
            "ValidateAccess": self._trial(KINDS[""]),
            "ValidateWriteAccess": self._trial(KINDS["Write"]),
            "ListRefs": self._refs,
            "ListOCITags": self._tags,
            "GetHelmCharts": self._charts,
            "ListApps": self._applications,
            "GetAppDetails": self._details,
        }
        return {f"RepositoryService.{name}": function for name, function in found.items()}

    def _trial(self, kind: RepositoryKind) -> Function:
        async def trial(request: Request) -> Json:
            given = {_RENAMED.get(name, name): value for name, value in request.message.items()}
            require(request.caller, kind.resource, "create", object_of(kind, given))
            problem = await self._asks.problem(written(kind, given))
            if problem:
                raise Fault(Code.INVALID_ARGUMENT, told(f"error testing repository connectivity: {problem}"))
            return {}

        return trial

    async def _refs(self, request: Request) -> Json:
        branches, tags = await self._asks.refs(*await self._place(request))
        return {"branches": list(branches), "tags": list(tags)}

    async def _tags(self, request: Request) -> Json:
        return {"tags": list(await self._asks.tags(*await self._place(request)))}

    async def _charts(self, request: Request) -> Json:
        charts = await self._asks.charts(*await self._place(request))
        return {"items": [{"name": name, "versions": list(versions)} for name, versions in charts.items()]}

    async def _applications(self, request: Request) -> Json:
        message, caller = request.message, request.caller
        url, project = await self._place(request)
        of = self._application(message)
        # To look into a repository costs a clone of it: it is for who may have an Application with it.
        if not may(caller, APPLICATIONS, "create", of) and not may(caller, APPLICATIONS, "update", of):
            raise denied()
        self._permitted(url, project)
        found = await self._asks.applications(url, project, message.get("revision", ""))
        return {"items": [{"type": tool, "path": path} for path, tool in sorted(found.items())]}

    async def _details(self, request: Request) -> Json:
        message, caller = request.message, request.caller
        given = message.get("source")
        if not given:
            raise Fault(Code.INVALID_ARGUMENT, "missing payload in request")
        try:
            source = msgspec.convert(given, type=Source)
        except msgspec.ValidationError as error:
            raise Fault(Code.INVALID_ARGUMENT, f"source is not valid: {error}") from error
        asked = {"repo": source.repo_url, "appProject": message.get("appProject", "")}
        url, project = await self._place(Request(caller, asked))
        self._may_show(caller, message, source)
        self._permitted(url, message.get("appProject") or project)
        app = self._trial_of(message, source)
        try:
            self._admit(app)
        except InvalidSpec as error:
            raise Fault(Code.PERMISSION_DENIED, told(str(error))) from error
        offer = await self._asks.offer(app, source)
        if offer.type == "Kustomize":
            return {"type": offer.type, "kustomize": {"images": list(await self._asks.images(app))}}
        if offer.type == "Helm":
            return {"type": offer.type, "helm": _helm(offer.chart, given)}
        if offer.type == "Plugin":
            return {"type": offer.type, "plugin": {"parametersAnnouncement": msgspec.to_builtins(offer.announced)}}
        return {"type": offer.type, "directory": {}}

    async def _place(self, request: Request) -> tuple[str, str]:
        """The repository that a request names, and on behalf of which project it is asked: with what is kept for it,
        where the caller may see that, or else as its project permits."""
        message, kind = request.message, KINDS[""]
        url, project = message.get("repo", ""), message.get("appProject", "")
        there = [each for each in await self._resources.known(kind, url) if not project or each[1] in ("", project)]
        for address, owner in there:
            if may(request.caller, RESOURCE, "get", object_of(kind, {"repo": url, "project": owner})):
                return address, owner or project or DEFAULT_PROJECT
        asked = {"repo": url, "project": there[0][1] if there else ""}
        require(request.caller, RESOURCE, "get", object_of(kind, asked))
        self._permitted(url, project or DEFAULT_PROJECT)
        return url, project or DEFAULT_PROJECT

    def _permitted(self, url: str, project: str) -> None:
        if not self._permits(url, project):
            text = f"repository '{told(url)[:300]}' not permitted in project '{project[:100]}'"
            raise Fault(Code.PERMISSION_DENIED, text)

    def _application(self, message: Json) -> str:
        """The object that policies know an Application by, whether or not it is there."""
        namespace, _, name = message.get("appName", "").rpartition("/")
        control = self._reads.control_namespace
        return application_object(namespace or control, name, message.get("appProject") or DEFAULT_PROJECT, control)

    def _stored(self, message: Json) -> StoredApplication | None:
        namespace, _, name = message.get("appName", "").rpartition("/")
        return self._reads.get(f"{namespace or self._reads.control_namespace}/{name}") if name else None

    def _may_show(self, caller: Caller, message: Json, source: Source) -> None:
        """Of an Application that is there, its own sources, to the last field, are shown to who may see it, and others
        to who may make or change it; of one that is not there, to who may make it."""
        of, stored = self._application(message), self._stored(message)
        require(caller, APPLICATIONS, "get", of)
        if stored is None:
            require(caller, APPLICATIONS, "create", of)
            return
        if named(stored.live, self._reads.control_namespace).of != of:
            raise denied()
        if _said(source) not in map(_said, _sources(stored)) and not may(caller, APPLICATIONS, "create", of):
            require(caller, APPLICATIONS, "update", of)

    def _trial_of(self, message: Json, source: Source) -> Application:
        """An Application with one source, for its render; one without a name gets one that nobody has."""
        stored = self._stored(message)
        destination: Any = {"server": "https://kubernetes.default.svc"}
        if stored is not None:
            destination = msgspec.to_builtins(stored.app.spec.destination)
        body = {
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {
                "name": message.get("appName", "").rpartition("/")[2] or "~details",
                "namespace": self._reads.control_namespace,
            },
            "spec": {
                "project": message.get("appProject") or DEFAULT_PROJECT,
                "source": msgspec.to_builtins(source),
                "destination": destination,
            },
        }
        return msgspec.convert(body, type=Application)


def _sources(stored: StoredApplication) -> list[Source]:
    found = list(stored.app.spec.all_sources())
    for entry in stored.status.history:
        found += [entry.source] if entry.source is not None else []
        found += entry.sources
    return found


def _said(source: Source) -> Any:
    """What a source says, without what is empty: a message writes what Go's types have."""
    return _filled(msgspec.to_builtins(source))


def _filled(value: Any) -> Any:
    match value:
        case dict():
            full = {name: _filled(each) for name, each in value.items()}
            return {name: each for name, each in full.items() if each not in (None, "", False, [], {})}
        case list():
            return [_filled(each) for each in value]
    return value


def _helm(offer: ChartOffer, given: Json) -> Json:
    files = (given.get("helm") or {}).get("fileParameters") or []
    return {
        "name": offer.name,
        "valueFiles": list(offer.value_files),
        "values": offer.values,
        "parameters": [{"name": name, "value": value} for name, value in offer.parameters],
        **({"fileParameters": files} if files else {}),
    }
