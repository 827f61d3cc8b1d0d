"""Reading Applications: one, and many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgspec

from trueup.model.annotations import API_VERSION, REFRESH
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.live import LiveObject
from trueup.model.repository import same_repository
from trueup.server.caller import Caller
from trueup.server.changes.log import Changes
from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import application_object, may, require
from trueup.server.request import Functions, Json, Request, StoredBody
from trueup.server.resources.selector import selector
from trueup.store.applications import StoredApplication

RESOURCE = "applications"
REMEMBERED = 50_000
"""Applications whose names and projects are kept."""
REFRESH_SECONDS = 120.0
"""That a refresh is waited for."""


class ApplicationReads(Protocol):
    """Applications as they are stored."""

    @property
    def control_namespace(self) -> str: ...

    def get(self, key: str) -> StoredApplication | None: ...

    def live(self, key: str) -> LiveObject | None: ...

    def stored(self) -> list[LiveObject]: ...


class _Source(msgspec.Struct, rename="camel", gc=False):
    repo_url: str = msgspec.field(default="", name="repoURL")


class _Spec(msgspec.Struct, rename="camel", gc=False):
    project: str = ""
    source: _Source | None = None
    sources: list[_Source] | None = None


class _Named(msgspec.Struct, gc=False):
    spec: _Spec | None = None


class Named(msgspec.Struct, frozen=True, gc=False):
    """What an Application is known and chosen by.

    Attributes:
        of: the object that policies name.
        repositories: URLs of its sources.
    """

    name: str
    namespace: str
    project: str
    of: str
    repositories: tuple[str, ...]


def named(live: LiveObject, control_namespace: str) -> Named:
    """Read from an Application, however little of it can be read: it has a project, and somebody may see it."""
    try:
        spec = msgspec.json.decode(live.body, type=_Named).spec or _Spec()
    except msgspec.ValidationError:
        spec = _Spec()
    project = spec.project or DEFAULT_PROJECT
    sources = spec.sources or ([spec.source] if spec.source else [])
    of = application_object(live.key.namespace, live.key.name, project, control_namespace)
    return Named(live.key.name, live.key.namespace, project, of, tuple(each.repo_url for each in sources))


class Choice:
    """Which Applications a query is about.

    Raises:
        Fault: its selector is none.
    """

    def __init__(self, query: Json) -> None:
        self._name = query.get("name", "")
        self._namespace = query.get("appNamespace", "")
        self._projects = frozenset([*query.get("projects", ()), *query.get("project", ())])
        self._repository = query.get("repo", "")
        self._labels = selector(query["selector"]) if query.get("selector") else None

    def takes(self, live: LiveObject, known: Named) -> bool:
        """Whether an Application is meant."""
        return (
            self._name in ("", known.name)
            and self._namespace in ("", known.namespace)
            and (not self._projects or known.project in self._projects)
            and (not self._repository or any(same_repository(self._repository, each) for each in known.repositories))
            and (self._labels is None or self._labels(live.labels))
        )


def body_of(live: LiveObject) -> Json:
    """An Application as it is answered."""
    body = live.object()
    body.setdefault("apiVersion", API_VERSION)
    body.setdefault("kind", "Application")
    body["metadata"].pop("managedFields", None)
    return body


class ApplicationReading:
    """Finds the Application that a request is about, as the caller may."""

    def __init__(self, reads: ApplicationReads) -> None:
        self.reads = reads
        self._named: dict[str, tuple[str, Named]] = {}

    def find(self, request: Request, action: str, *, name: str = "name", resource: str = RESOURCE) -> StoredApplication:
        """The Application of a request.

        Args:
            action: which has to be allowed.
            name: the field that names it.

        Raises:
            Fault: it is not there, or the caller may not know. Where its project is given and permitted, that it is not
                there is no secret.
        """
        message, caller = request.message, request.caller
        wanted = message.get(name, "")
        namespace = message.get("appNamespace") or self.reads.control_namespace
        if namespace != self.reads.control_namespace:
            raise denied()
        given = message.get("project", "")
        project = (given[0] if given else "") if isinstance(given, list) else given
        if project:
            of = application_object(namespace, wanted, project, self.reads.control_namespace)
            require(caller, resource, action, of)
        stored = self.reads.get(f"{namespace}/{wanted}") if wanted else None
        known = named(stored.live, self.reads.control_namespace) if stored else None
        if stored is None or known is None or (project and known.project != project):
            if project:
                raise Fault(Code.NOT_FOUND, f'applications.argoproj.io "{wanted}" not found')
            raise denied()
        require(caller, resource, action, known.of)
        return stored

    def seen(self, caller: Caller, lives: Iterable[LiveObject], choice: Choice) -> Iterable[LiveObject]:
        """Of these, what a query is about and the caller may see."""
        for live in lives:
            known = self._known(live)
            if choice.takes(live, known) and may(caller, RESOURCE, "get", known.of):
                yield live

    def _known(self, live: LiveObject) -> Named:
        """Each version is read once; of one that is gone, nothing is kept for long."""
        key, version = f"{live.key.namespace}/{live.key.name}", live.resource_version
        found = self._named.get(key)
        if found is None or found[0] != version:
            if len(self._named) > REMEMBERED:
                self._named.clear()
            found = self._named[key] = (version, named(live, self.reads.control_namespace))
        return found[1]


def application_reads(
    reads: ApplicationReads, changes: Changes, refresh: Callable[[str, bool], Awaitable[object]]
) -> Functions:
    """List and Get.

    Args:
        refresh: asks for a look at an Application by its key, or for a hard one; awaited.
    """
    finding = ApplicationReading(reads)

    async def get_list(request: Request) -> Json:
        choice = Choice(request.message)
        found = sorted(finding.seen(request.caller, reads.stored(), choice), key=lambda live: live.key.name)
        newest = max((int(live.resource_version) for live in found if live.resource_version.isdecimal()), default=0)
        return {
            "metadata": {"resourceVersion": str(newest) if newest else ""},
            "items": [StoredBody(each.body) for each in found],
        }

    async def get(request: Request) -> Json:
        stored = finding.find(request, "get")
        kind = request.message.get("refresh", "")
        if kind:
            number = changes.number
            await refresh(stored.key, kind == "hard")
            await _refreshed(stored.key, number)
            stored = finding.find(request, "get")
        return body_of(stored.live)

    async def _refreshed(key: str, number: int) -> None:
        """Wait until an engine has looked."""
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                while True:
                    live = reads.live(key)
                    if live is None or (REFRESH not in live.annotations and changes.number > number):
                        return
                    await changes.after(changes.number)
        except TimeoutError:
            raise Fault(
                Code.DEADLINE_EXCEEDED, f"nobody has refreshed the application within {REFRESH_SECONDS:.0f} seconds"
            ) from None

    return {
        "ApplicationService.List": get_list,
        "ApplicationService.Get": get,
    }
