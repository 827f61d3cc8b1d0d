"""What a cluster serves: groups, versions, kinds. Aggregated discovery where there is any, else the older calls."""

import asyncio
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from trueup.kube.errors import ApiError, Invalid, NotFound, ResponseTooLarge
from trueup.kube.transport import Transport, decoded
from trueup.model.resource import GroupKind, api_version_of, group_of, version_of

LIMIT = 8 * 1024 * 1024
"""Bytes in which a server says what it serves; thousands of definitions have one million."""
_VERSION_LIMIT = 64 * 1024
_MOST_VERSIONS = 2000
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class ResourceType(msgspec.Struct, frozen=True, gc=False):
    """One kind in one version, as the server serves it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        return api_version_of(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """URL path of the collection, or of one object.

        Args:
            namespace: empty means all of them (lists only); left out for cluster-scoped kinds.
            name: empty for the collection.

        Raises:
            Invalid: a name or namespace that cannot stand in a path.
        """
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{_segment(namespace, self.kind)}"
        parts = [
            root,
            self.plural,
            *([_segment(name, self.kind)] if name else []),
            *([subresource] if subresource else []),
        ]
        return "/".join(parts)


def _segment(text: str, kind: str) -> str:
    """Kubernetes' own rule for names in paths (``IsValidPathSegmentName``), so that none can point elsewhere."""
    if text in (".", "..") or "/" in text or "%" in text:
        raise Invalid(f"{kind} {text!r}: a name may not be '.' or '..' nor contain '/' or '%'", code=422)
    return quote(text, safe=":@")


class Discovery:
    """The served kinds of a cluster, refreshed on demand; an unchanged answer costs one small request.

    Attributes:
        server_version: ``gitVersion`` of the server: ``v1.37.2``.
        unavailable: group versions whose API service does not answer now; their kinds are kept as last seen.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._etags: dict[str, str] = {}
        self._parts: dict[str, list[_Group]] = {}
        self._versions: dict[GroupKind, list[ResourceType]] = {}
        self._names: tuple[str, ...] | None = None
        self._lock = asyncio.Lock()
        self._rounds = 0
        self.server_version = ""
        self.unavailable: frozenset[str] = frozenset()

    async def refresh(self) -> None:
        """Asks the server again: on return a round has run that began after the call. Callers at one time share it.

        Raises:
            ApiError: the server does not answer; what was known stays.
        """
        wanted = self._rounds + 1
        async with self._lock:
            if self._rounds >= wanted:
                return
            self._rounds += 1
            try:
                await self._refresh()
            except BaseException:
                self._rounds -= 1
                raise

    async def _refresh(self) -> None:
        answer = await self._transport.request("GET", "/version", limit=_VERSION_LIMIT)
        version = decoded(answer, _Version, "GET /version")
        for root in ("/api", "/apis"):
            await self._refresh_part(root)
        self.server_version = version.git_version
        self._index()

    async def _refresh_part(self, root: str) -> None:
        headers = {"Accept": f"{AGGREGATED},application/json"}
        if etag := self._etags.get(root):
            headers["If-None-Match"] = etag
        answer = await self._transport.send("GET", root, headers=headers, limit=LIMIT)
        if answer.status == 304:
            return
        head = decoded(answer.body, _Kinded, f"GET {root}")
        if head.kind == "APIGroupDiscoveryList":
            groups = decoded(answer.body, _Aggregated, f"GET {root}").groups()
            self._etags[root] = answer.headers.get("ETag", "")
        else:
            groups = await self._legacy_groups(answer.body, head.kind)
            self._etags.pop(root, None)
        self._parts[root] = self._with_known(root, groups)

    async def _legacy_groups(self, body: bytes, kind: str) -> list["_Group"]:
        """Servers before 1.27, and some aggregators: one request per group version."""
        if kind == "APIVersions":
            versions = decoded(body, _CoreVersions, "GET /api").versions
            listed = [("", version, f"/api/{version}") for version in versions]
        else:
            listed = decoded(body, _GroupList, "GET /apis").versions()
        if len(listed) > _MOST_VERSIONS:
            raise ResponseTooLarge(f"the server names more than {_MOST_VERSIONS} group versions")
        answers = await asyncio.gather(*(self._legacy_version(*entry) for entry in listed))
        groups: dict[str, _Group] = {}
        for (name, _, _), version in zip(listed, answers, strict=True):
            groups.setdefault(name, _Group(name, [])).versions.append(version)
        return list(groups.values())

    async def _legacy_version(self, group: str, version: str, path: str) -> "_GroupVersion":
        try:
            body = await self._transport.request("GET", path, attempts=2, limit=LIMIT)
            listed = decoded(body, _LegacyResources, f"GET {path}").resources
        except NotFound:
            return _GroupVersion(version, [], stale=False)
        except ApiError:
            # One API service that is down hides its own kinds only.
            return _GroupVersion(version, [], stale=True)
        return _GroupVersion(version, list(_legacy_types(group, version, listed)), stale=False)

    def _with_known(self, root: str, groups: list["_Group"]) -> list["_Group"]:
        """The new groups, with what was known of versions whose API service does not answer."""
        known = {
            api_version_of(group.name, version.version): version.types
            for group in self._parts.get(root, ())
            for version in group.versions
        }
        for group in groups:
            for version in group.versions:
                if version.stale and not version.types:
                    version.types = known.get(api_version_of(group.name, version.version), [])
        return groups

    def _index(self) -> None:
        versions: dict[GroupKind, list[ResourceType]] = {}
        stale: set[str] = set()
        for part in self._parts.values():
            for group in part:
                for version in group.versions:
                    if version.stale:
                        stale.add(api_version_of(group.name, version.version))
                    for type_ in version.types:
                        versions.setdefault(type_.group_kind, []).append(type_)
        self._versions, self.unavailable = versions, frozenset(stale)
        self._names = None

    def find(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """A served kind, in the version asked for or the one the server prefers; None when it serves none."""
        for type_ in self._versions.get(GroupKind(group, kind), ()):
            if not version or type_.version == version:
                return type_
        return None

    def served(self, kind: GroupKind) -> list[ResourceType]:
        """Every served version of a kind, the preferred first."""
        return list(self._versions.get(kind, ()))

    def types(self) -> list[ResourceType]:
        """Every served kind once, in its preferred version."""
        return [versions[0] for versions in self._versions.values()]

    def api_versions(self) -> tuple[str, ...]:
        """Helm's ``.Capabilities.APIVersions``: ``apps/v1`` and ``apps/v1/Deployment``, sorted. The same tuple until
        the cluster serves something else, since every reconcile asks.
        """
        if self._names is not None:
            return self._names
        names: set[str] = set()
        for versions in self._versions.values():
            for type_ in versions:
                names.update((type_.api_version, f"{type_.api_version}/{type_.kind}"))
        self._names = tuple(sorted(names))
        return self._names


class _Group:
    def __init__(self, name: str, versions: list["_GroupVersion"]) -> None:
        self.name, self.versions = name, versions


class _GroupVersion:
    def __init__(self, version: str, types: list[ResourceType], *, stale: bool) -> None:
        self.version, self.types, self.stale = version, types, stale


class _Version(msgspec.Struct, gc=False):
    git_version: str = msgspec.field(default="", name="gitVersion")


class _Kinded(msgspec.Struct, gc=False):
    kind: str = ""


class _Name(msgspec.Struct, gc=False):
    name: str = ""


class _ResponseKind(msgspec.Struct, gc=False):
    kind: str = ""


class _Sub(msgspec.Struct, gc=False):
    subresource: str = ""


class _Resource(msgspec.Struct, gc=False, rename="camel"):
    resource: str
    response_kind: _ResponseKind | None = None
    scope: str = ""
    verbs: list[str] = []
    subresources: list[_Sub] | None = None


class _AggregatedVersion(msgspec.Struct, gc=False):
    version: str
    resources: list[_Resource] | None = None
    freshness: str = ""


class _AggregatedGroup(msgspec.Struct, gc=False):
    metadata: _Name = msgspec.field(default_factory=_Name)
    versions: list[_AggregatedVersion] | None = None


class _Aggregated(msgspec.Struct, gc=False):
    items: list[_AggregatedGroup] = []

    def groups(self) -> list[_Group]:
        return [
            _Group(
                item.metadata.name,
                [
                    _GroupVersion(
                        version.version,
                        [
                            _type(item.metadata.name, version.version, found)
                            for found in version.resources or ()
                            if found.verbs
                        ],
                        stale=version.freshness == "Stale",
                    )
                    for version in item.versions or ()
                ],
            )
            for item in self.items
        ]


def _type(group: str, version: str, found: _Resource) -> ResourceType:
    return ResourceType(
        group,
        version,
        found.response_kind.kind if found.response_kind else "",
        found.resource,
        found.scope == "Namespaced",
        frozenset(found.verbs),
        frozenset(sub.subresource for sub in found.subresources or ()),
    )


class _CoreVersions(msgspec.Struct, gc=False):
    versions: list[str] = []


class _GroupVersionName(msgspec.Struct, gc=False):
    group_version: str = msgspec.field(default="", name="groupVersion")


class _LegacyGroup(msgspec.Struct, gc=False, rename="camel"):
    versions: list[_GroupVersionName] = []
    preferred_version: _GroupVersionName | None = None


class _GroupList(msgspec.Struct, gc=False):
    groups: list[_LegacyGroup] = []

    def versions(self) -> list[tuple[str, str, str]]:
        """Group, version and path of each, a group's preferred version first."""
        listed = []
        for group in self.groups:
            preferred = group.preferred_version.group_version if group.preferred_version else ""
            names = [version.group_version for version in group.versions]
            ordered = [name for name in names if name == preferred] + [name for name in names if name != preferred]
            listed += [(group_of(name), version_of(name), f"/apis/{name}") for name in ordered]
        return listed


class _LegacyResource(msgspec.Struct, gc=False):
    name: str
    kind: str = ""
    namespaced: bool = False
    verbs: list[str] = []


class _LegacyResources(msgspec.Struct, gc=False):
    resources: list[_LegacyResource] = []


def _legacy_types(group: str, version: str, listed: Iterable[_LegacyResource]) -> Iterable[ResourceType]:
    """Subresources are listed as ``deployments/scale`` there."""
    subresources: dict[str, set[str]] = {}
    for found in listed:
        plural, slash, subresource = found.name.partition("/")
        if slash:
            subresources.setdefault(plural, set()).add(subresource)
    for found in listed:
        if "/" not in found.name and found.verbs:
            subs = frozenset(subresources.get(found.name, ()))
            yield ResourceType(group, version, found.kind, found.name, found.namespaced, frozenset(found.verbs), subs)
