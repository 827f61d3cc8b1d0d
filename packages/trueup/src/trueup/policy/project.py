"""What a project permits: repositories, destinations, kinds (Argo CD ``app_project_types.go``).

An entry ``!x`` rejects x whatever else allows it, and permits everything but x by itself.
"""

from collections.abc import Iterable

from kubegrammar.glob import glob_match, glob_problem
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Destination, ResourceRule
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import comparable_pattern, names_a_user
from trueup.model.repository_url import OCI, RepositoryUrl, parse_repository_url
from trueup.model.resource import ResourceKey
from trueup.model.server import canonical_server
from trueup.policy.servers import matches_server

ANY = "*"
"""Of ``sourceRepos``: every repository."""
_EVERYTHING = (("*", "*", ""), ("*", "*", "*"))


def permits(project: Project, *, server: str, cluster_name: str, key: ResourceKey, namespaced: bool) -> str:
    """Why a project forbids an object; empty when it permits it.

    Args:
        server, cluster_name: of the cluster the object is in; either may be empty.
        key: the object; a namespaced one names its namespace.
        namespaced: whether its kind is.

    Namespaced kinds are permitted unless listed otherwise, cluster-scoped ones only when listed; the object's own
    namespace must be a permitted destination, not just the application's. A cluster-scoped object needs a cluster on
    which some namespace is permitted.
    """
    if not permits_kind(project, key, namespaced=namespaced):
        kind = f"{key.group}:{key.kind}"
        return f"resource {kind} is not permitted in project {project.metadata.name}"
    if namespaced and not permits_destination(
        project, Destination(server=server, name=cluster_name, namespace=key.namespace)
    ):
        return f"namespace {key.namespace} is not permitted in project '{project.metadata.name}'"
    if not namespaced and not permits_cluster(project, Destination(server=server, name=cluster_name)):
        return f"cluster {server or cluster_name} is not permitted in project '{project.metadata.name}'"
    return ""


def permits_kind(project: Project, key: ResourceKey, *, namespaced: bool) -> bool:
    """Whether the kind lists let an object in. For cluster-scoped kinds an entry may name the object."""
    spec = project.spec
    if namespaced:
        allowed = spec.namespace_resource_whitelist
        return (allowed is None or _listed(key, allowed)) and not _excluded(key, spec.namespace_resource_blacklist)
    named = key.name
    return _listed(key, spec.cluster_resource_whitelist, named) and not _excluded(
        key, spec.cluster_resource_blacklist, named
    )


def permits_source(project: Project, url: str) -> bool:
    """Whether a repository may be used. ``*`` stops at ``/``, ``**`` does not, a bare ``*`` is everything.

    A URL that can be read in more than one way may not, nor may a relative folder: nobody can say what it is.
    """
    try:
        asked = parse_repository_url(url)
    except InvalidSpec:
        return False
    if asked.scheme == "file" and not asked.rooted:
        return False
    allowed = False
    for entry in project.spec.source_repos:
        denies = entry.startswith("!")
        pattern = _pattern(entry.removeprefix("!"), asked)
        if denies and _excludes(pattern.lower(), _spelt(asked, pattern).lower(), "/"):
            return False
        allowed = allowed or denies or _matches_source(pattern, asked)
    return allowed


def _pattern(text: str, asked: RepositoryUrl) -> str:
    """An entry as it is compared with a URL. Of a registry, Argo CD's go without a scheme."""
    if asked.scheme == OCI and "://" not in text and text.strip() != ANY:
        text = f"{OCI}://{text.strip()}"
    return comparable_pattern(text)


def _matches_source(pattern: str, asked: RepositoryUrl) -> bool:
    """In any case, as Argo CD compares; but two folders of this machine differ by the case of a letter."""
    text = _spelt(asked, pattern)
    if asked.scheme == "file":
        return _matches(pattern, text, "/")
    return _matches(pattern.lower(), text.lower(), "/")


def _spelt(asked: RepositoryUrl, pattern: str) -> str:
    """A URL as a pattern is compared with it: who asks counts only where the pattern says so. Elsewhere it could pose
    as a host."""
    if asked.userinfo and names_a_user(pattern):
        return asked.spelling.replace("://", f"://{asked.userinfo}@", 1)
    return asked.spelling


def permits_destination(project: Project, destination: Destination) -> bool:
    """Whether a cluster, by server or by name, and a namespace on it may be used.

    A denied cluster is denied for the namespaces of its entry, a denied namespace on the clusters of its entry.
    """
    target, allowed = resolved(destination), False
    for entry in project.spec.destinations:
        cluster, denied = _clusters(entry, target)
        namespace = _accepts(entry.namespace, target.namespace)
        if (denied and namespace) or (cluster and _denies(entry.namespace, target.namespace)):
            return False
        allowed = allowed or (cluster and namespace and not denied)
    return allowed


def permits_cluster(project: Project, cluster: Destination) -> bool:
    """Whether some namespace of a cluster, by server or by name, may be used, and the whole of it is not denied."""
    target, allowed = resolved(cluster), False
    for entry in project.spec.destinations:
        named, denied = _clusters(entry, target)
        if (denied and not entry.namespace.strip("*")) or (named and _denies(entry.namespace, "")):
            return False
        allowed = allowed or (named and not denied)
    return allowed


def limitless(project: Project) -> bool:
    """Whether a project permits every object on every cluster, as ``default`` does when it is made."""
    spec = project.spec
    objects = any((rule.group, rule.kind, rule.name) in _EVERYTHING for rule in spec.cluster_resource_whitelist)
    listed = spec.cluster_resource_blacklist or spec.namespace_resource_blacklist
    places = any(entry.server == entry.namespace == "*" for entry in spec.destinations)
    denied = any("!" in (entry.server + entry.name + entry.namespace) for entry in spec.destinations)
    return objects and not listed and spec.namespace_resource_whitelist is None and places and not denied


def permits_namespace_of_application(project: Project, namespace: str) -> bool:
    """Whether Applications of a namespace may use the project; those of the project's own namespace always may."""
    if namespace == project.metadata.namespace:
        return True
    return any(_matches(pattern, namespace) for pattern in project.spec.source_namespaces)


def resolved(destination: Destination) -> Destination:
    """A destination with server and name both, for the cluster Trueup runs on, which has two well-known ones.

    A server is one cluster with and without a slash at its end, and in any case of its host.
    """
    server = canonical_server(destination.server)
    if (destination.name == IN_CLUSTER_NAME and not server) or (server == IN_CLUSTER_SERVER and not destination.name):
        return Destination(server=IN_CLUSTER_SERVER, name=IN_CLUSTER_NAME, namespace=destination.namespace)
    return Destination(server=server, name=destination.name, namespace=destination.namespace)


def _clusters(entry: Destination, target: Destination) -> tuple[bool, bool]:
    """Whether an entry of a project names a cluster, and whether it denies it."""
    pattern = entry.server.removeprefix("!")
    same = bool(target.server) and matches_server(pattern, target.server)
    denied = entry.server.startswith("!") and (same or bool(glob_problem(pattern)))
    accepted = not denied if entry.server.startswith("!") else same
    named = (target.server and accepted) or (target.name and _accepts(entry.name, target.name))
    return bool(named), denied or _denies(entry.name, target.name)


def _listed(key: ResourceKey, rules: Iterable[ResourceRule], name: str | None = None) -> bool:
    """``name``: of the object, where an entry may name one."""
    return any(
        _matches(rule.kind, key.kind, "/")
        and _matches(rule.group, key.group, "/")
        and (name is None or not rule.name or _matches(rule.name, name, "/"))
        for rule in rules
    )


def _excluded(key: ResourceKey, rules: Iterable[ResourceRule], name: str | None = None) -> bool:
    return any(
        _excludes(rule.kind, key.kind, "/")
        and _excludes(rule.group, key.group, "/")
        and (name is None or not rule.name or _excludes(rule.name, name, "/"))
        for rule in rules
    )


def _accepts(pattern: str, text: str) -> bool:
    return not _denies(pattern, text) if pattern.startswith("!") else _matches(pattern, text)


def _denies(pattern: str, text: str) -> bool:
    return pattern.startswith("!") and _excludes(pattern[1:], text)


def _matches(pattern: str, text: str, separators: str = "") -> bool:
    return pattern == "*" or glob_match(pattern, text, separators)


def _excludes(pattern: str, text: str, separators: str = "") -> bool:
    """A pattern that cannot be read excludes everything: a slip in a denial must not permit."""
    return _matches(pattern, text, separators) or bool(glob_problem(pattern))
