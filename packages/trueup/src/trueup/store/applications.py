"""Typed reads of Applications and AppProjects from the control cluster's watch cache."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Protocol

import msgspec

from trueup import policy
from trueup.model.annotations import GROUP
from trueup.model.application import DEFAULT_PROJECT, Application, ApplicationSpec, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.fields import Metadata
from trueup.model.live import LiveObject
from trueup.model.project import Project, ProjectSpec
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import Status
from trueup.model.tracking import instance_name, owner_instance
from trueup.plan.options import CREATE_NAMESPACE
from trueup.store.linked import Linked
from trueup.store.projects import SHALLOWER, read_project, too_deep

APPLICATION = GroupKind(GROUP, "Application")
PROJECT = GroupKind(GROUP, "AppProject")
KINDS = (APPLICATION, PROJECT)


class StoredApplication(msgspec.Struct, frozen=True, kw_only=True):
    """An Application as the API server has it.

    Attributes:
        key: ``namespace/name``.
        live: the object itself, for its resourceVersion.
        status: typed status; empty where what is stored cannot be read.
        raw_status: the status as stored, which a write is computed against.
        fault: why the specification cannot be read; ``app`` is its metadata alone then, enough to let it go.
        operation_fault: why ``.operation`` cannot be read; ``app`` has none then.
        unknown: places of fields in its specification and its operation that we do not know.
    """

    key: str
    live: LiveObject
    app: Application
    status: Status
    raw_status: dict[str, Any]
    fault: InvalidSpec | None = None
    operation_fault: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """The project that it names; empty where that cannot be read."""
        if self.fault is None:
            return self.app.spec.project or DEFAULT_PROJECT
        return _project_named(self.live) or ""


class ControlObjects(Protocol):
    """The objects of the control cluster: :class:`trueup.kube.cache.WatchCache`."""

    def get(self, key: ResourceKey) -> LiveObject | None: ...

    def of_kind(self, kind: GroupKind) -> Iterable[LiveObject]: ...


class Applications:
    """Reads Applications and projects; decodes each version of an object once."""

    def __init__(self, cache: ControlObjects, control_namespace: str) -> None:
        self._cache = cache
        self.control_namespace = control_namespace
        self._decoded: dict[str, StoredApplication] = {}
        self._unknown: dict[str, tuple[str, list[str]]] = {}
        self._projects: dict[str, tuple[str, Project]] = {}
        self._readers: Linked[StoredApplication, RepositoryOf] = Linked(_read_by, self.readable)
        self._keepers: Linked[StoredApplication, str] = Linked(_kept_by, self.readable)
        self._makers: Linked[StoredApplication, str] = Linked(_made_by, self.readable)
        self._borrowers: Linked[StoredApplication, ResourceKey] = Linked(_lent_to, self.readable)

    def get(self, key: str) -> StoredApplication | None:
        """The Application, or None when it is gone. One that cannot be read has its fault."""
        live = self.live(key)
        if live is None:
            self._decoded.pop(key, None)
            return None
        known = self._decoded.get(key)
        if known is None or known.live.resource_version != live.resource_version:
            known = self._decoded[key] = decode(key, live, known)
        return known

    @property
    def decoded(self) -> int:
        """How many Applications have been asked for: all, once each has been looked at."""
        return len(self._decoded)

    def live(self, key: str) -> LiveObject | None:
        """The stored object, undecoded."""
        namespace, _, name = key.partition("/")
        return self._cache.get(ResourceKey(GROUP, "Application", namespace, name))

    def stored(self) -> list[LiveObject]:
        """All Applications of the control namespace, undecoded."""
        return [live for live in self._cache.of_kind(APPLICATION) if live.key.namespace == self.control_namespace]

    def names(self) -> list[str]:
        """All Applications of the control namespace, sorted."""
        return sorted(map(key_of, self.stored()))

    def readable(self) -> list[StoredApplication]:
        """All Applications that can be decoded; the others are reported by their own reconcile."""
        found = [self.get(key) for key in self.names()]
        return [stored for stored in found if stored is not None and stored.fault is None]

    def readers(self) -> Mapping[RepositoryOf, Set[str]]:
        """The repositories of all applications, each with the applications that read it."""
        return self._readers.all()

    def reading(self, is_it: Callable[[RepositoryOf], bool]) -> list[str]:
        """Applications with a source whose repository is the one asked for, sorted."""
        return sorted({key for repository, keys in self.readers().items() if is_it(repository) for key in keys})

    def keeping(self, namespace: str) -> list[str]:
        """Applications that declare metadata for this destination namespace."""
        return self._keepers.with_(namespace)

    def borrowing(self, key: ResourceKey) -> list[str]:
        """Applications that a ConfigMap or Secret lends values or variables to, whatever cluster it is on."""
        return self._borrowers.with_(key)

    def making(self, namespace: str) -> list[str]:
        """Applications that create this destination namespace where it is missing."""
        return self._makers.with_(namespace)

    def changed(self, key: str) -> None:
        """Told when somebody changed, created or deleted an Application.

        Every poll of every repository asks who reads it, and a status of ours changes nothing about that.
        """
        stored = self.get(key) if self.ours(key) else None
        if stored is not None and stored.fault is not None:
            stored = None
        for each in (self._readers, self._keepers, self._makers, self._borrowers):
            each.changed(key, stored)

    def instance(self, key: str) -> str:
        """The application's name in tracking ids."""
        namespace, _, name = key.partition("/")
        return instance_name(namespace, name, self.control_namespace)

    def key_of_instance(self, instance: str) -> str:
        """The inverse of :meth:`instance`."""
        namespace, underscore, name = instance.partition("_")
        return f"{namespace}/{name}" if underscore else f"{self.control_namespace}/{instance}"

    def project_of(self, app: Application) -> Project:
        """The project an application names, ``default`` where it names none.

        Raises:
            InvalidSpec: there is no such project, or it cannot be read: nothing is permitted.
        """
        name = app.spec.project or DEFAULT_PROJECT
        project = self.project(name)
        if project is not None:
            return project
        raise InvalidSpec(
            f"Application referencing project {name} which does not exist",
            hint="create the AppProject, or name another in spec.project",
        )

    def project_of_stored(self, stored: StoredApplication) -> Project:
        """The project of an application whose specification may be unreadable beside the project's name.

        Raises:
            InvalidSpec: as :meth:`project_of`, and where that name cannot be read either.
        """
        if stored.fault is None:
            return self.project_of(stored.app)
        name = _project_named(stored.live)
        if name is None:
            raise stored.fault
        spec = msgspec.structs.replace(stored.app.spec, project=name)
        return self.project_of(msgspec.structs.replace(stored.app, spec=spec))

    def ours(self, key: str) -> bool:
        """Whether an application is reconciled at all: those of the control namespace are."""
        return key.partition("/")[0] == self.control_namespace

    def may_fetch(self, key: str, repository: str | RepositoryOf) -> bool:
        """Whether an application's project permits a repository to it; on behalf of no other project."""
        url = repository if isinstance(repository, str) else repository.url
        stored = self.get(key) if self.ours(key) else None
        if stored is None:
            return False
        try:
            project = self.project_of_stored(stored)
        except InvalidSpec:
            return False
        if isinstance(repository, RepositoryOf) and repository.project != project.metadata.name:
            return False
        return not policy.refusal(project, stored.app, policy.Fetch(url))

    def unknown_in_project(self, name: str) -> list[str]:
        """Places of fields in a project's specification that we do not know."""
        live = self._cache.get(ResourceKey(GROUP, "AppProject", self.control_namespace, name))
        if live is None:
            return []
        known = self._unknown.get(name)
        if known is None or known[0] != live.resource_version:
            places = policy.unknown_fields(live.object().get("spec"), ProjectSpec, f"project {name}: spec")
            known = self._unknown[name] = (live.resource_version, places)
        return known[1]

    def project(self, name: str) -> Project | None:
        """A project of the control namespace.

        Raises:
            InvalidSpec: it cannot be read.
        """
        live = self.live_project(name)
        if live is None:
            self._projects.pop(name, None)
            return None
        known = self._projects.get(name)
        if known is None or known[0] != live.resource_version:
            known = self._projects[name] = (live.resource_version, read_project(live))
        return known[1]

    def live_project(self, name: str) -> LiveObject | None:
        """A project of the control namespace as it is stored, undecoded."""
        return self._cache.get(ResourceKey(GROUP, "AppProject", self.control_namespace, name))

    def live_projects(self) -> list[LiveObject]:
        """The projects of the control namespace as they are stored, undecoded."""
        return [live for live in self._cache.of_kind(PROJECT) if live.key.namespace == self.control_namespace]

    def leaving_projects(self) -> list[str]:
        """Projects of the control namespace that are being deleted."""
        return [
            live.key.name
            for live in self._cache.of_kind(PROJECT)
            if live.key.namespace == self.control_namespace and live.deletion_timestamp
        ]

    def needing(self, project: LiveObject) -> list[str]:
        """Applications that name a project, sorted; one that cannot be read may name it.

        Those of a namespace that the project does not take applications from do not count: they may use nothing of it,
        and whoever writes there must not keep it. A project that cannot be read may take them from anywhere.
        One that is being deleted and deploys the project itself does not count: each would wait for the other.
        """
        owner = owner_instance(project.annotations, project.key)
        try:
            limits = read_project(project)
        except InvalidSpec:
            limits = None
        return sorted(
            key_of(live)
            for live in self._cache.of_kind(APPLICATION)
            if _project_named(live) in (project.key.name, None)
            and (limits is None or policy.permits_namespace_of_application(limits, live.key.namespace))
            and not (live.deletion_timestamp and owner and self.instance(key_of(live)) == owner)
        )


def _read_by(stored: StoredApplication) -> list[RepositoryOf]:
    return stored.app.spec.repositories()


def _lent_to(stored: StoredApplication) -> Iterator[ResourceKey]:
    try:
        objects = policy.asked_of(stored.app).objects
    except InvalidSpec:
        return
    for each in objects:
        yield ResourceKey("", each.kind, stored.app.spec.destination.namespace, each.name)


def _kept_by(stored: StoredApplication) -> Iterator[str]:
    spec = stored.app.spec
    if spec.sync_policy and spec.sync_policy.managed_namespace_metadata is not None:
        yield spec.destination.namespace


def _made_by(stored: StoredApplication) -> Iterator[str]:
    spec = stored.app.spec
    if spec.sync_policy and CREATE_NAMESPACE in spec.sync_policy.sync_options:
        yield spec.destination.namespace


def key_of(live: LiveObject) -> str:
    """``namespace/name``."""
    return f"{live.key.namespace}/{live.key.name}"


def _project_named(live: LiveObject) -> str | None:
    """The project that an application names; None where that cannot be read."""
    try:
        return msgspec.json.decode(live.body, type=_Named).spec.project or DEFAULT_PROJECT
    except msgspec.ValidationError:
        return None


def decode(key: str, live: LiveObject, before: StoredApplication | None = None) -> StoredApplication:
    """An Application from the object that is stored, whatever is in it.

    Args:
        before: as it was stored once: of what is the same today, no more is read.
    """
    raw, parts = msgspec.json.decode(live.body, type=_StatusOnly).status, msgspec.json.decode(live.body, type=_Parts)
    if before is not None and _same_parts(before, live, parts):
        app = msgspec.structs.replace(before.app, metadata=msgspec.json.decode(parts.metadata, type=Metadata))
        return msgspec.structs.replace(before, live=live, app=app, status=_status(raw), raw_status=raw)
    app, fault, operation_fault = _read(key, live)
    declared = msgspec.json.decode(live.body, type=_Declared)
    unknown = policy.unknown_fields(declared.spec, ApplicationSpec, "spec")
    unknown += policy.unknown_fields(declared.operation, Operation, "operation")
    return StoredApplication(
        key=key,
        live=live,
        app=app,
        status=_status(raw),
        raw_status=raw,
        fault=fault,
        operation_fault=operation_fault,
        unknown=tuple(unknown),
    )


def _status(raw: dict[str, Any]) -> Status:
    try:
        return msgspec.convert(raw, type=Status)
    except msgspec.ValidationError:
        # A status another engine or version wrote is no reason to refuse the application: it is written anew.
        return Status()


def _same_parts(before: StoredApplication, live: LiveObject, now: "_Parts") -> bool:
    """Whether an Application that could be read has the same specification and operation still."""
    if before.fault is not None or before.operation_fault or live.deep:
        return False
    then = msgspec.json.decode(before.live.body, type=_Parts)
    return bytes(then.spec) == bytes(now.spec) and bytes(then.operation) == bytes(now.operation)


def _read(key: str, live: LiveObject) -> tuple[Application, InvalidSpec | None, str]:
    """As much of an Application as can be read, and what is wrong with its specification and with its operation."""
    if place := too_deep(live, "spec"):
        fault = InvalidSpec(f"application {key} cannot be read: {place}", hint=SHALLOWER)
        return Application(metadata=msgspec.json.decode(live.body, type=_MetadataOnly).metadata), fault, ""
    if place := too_deep(live, "operation"):
        body = live.object()
        del body["operation"]
        app, unread, _ = _read(key, msgspec.structs.replace(live, body=msgspec.json.encode(body), deep=()))
        return app, unread, f"operation cannot be read: {place}"
    try:
        return msgspec.json.decode(live.body, type=Application), None, ""
    except msgspec.ValidationError as error:
        problem = str(error)
    body = live.object()
    operation = body.pop("operation", None)
    try:
        app = msgspec.convert(body, type=Application)
    except msgspec.ValidationError as error:
        metadata = msgspec.json.decode(live.body, type=_MetadataOnly).metadata
        fault = InvalidSpec(f"application {key} cannot be read: {error}", hint="correct the field of that path")
        return Application(metadata=metadata), fault, ""
    return app, None, f"operation cannot be read: {problem}" if operation is not None else ""


class _Declared(msgspec.Struct):
    spec: Any = None
    operation: Any = None


class _Parts(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    spec: msgspec.Raw = msgspec.Raw(b"null")
    operation: msgspec.Raw = msgspec.Raw(b"null")


class _MetadataOnly(msgspec.Struct):
    metadata: Metadata = Metadata()


class _Spec(msgspec.Struct, frozen=True):
    project: str = ""


class _Named(msgspec.Struct):
    spec: _Spec = _Spec()


class _StatusOnly(msgspec.Struct):
    status: dict[str, Any] = {}
