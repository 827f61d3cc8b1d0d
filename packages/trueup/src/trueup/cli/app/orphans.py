"""Objects in an application's namespace that no application declares: for projects that ask for it
(``orphanedResources``), as Argo CD tells them."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from kubegrammar.glob import glob_match
from trueup import policy
from trueup.cli.app.access import list_applications, readable
from trueup.cli.app.children import ResourceTree, grown, surroundings
from trueup.cli.connect import ClusterAccess, asking, connected
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import NotFound
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.project import OrphanIgnore, Project
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceStatus
from trueup.policy.project import permits_kind
from trueup.store.kinds import PROJECT

_OF_ACCOUNT = "kubernetes.io/service-account.name"
"""On the Secrets that hold what service accounts sign in with."""


async def orphans_of(access: ClusterAccess, config: ClusterConfig, app: Application) -> ResourceTree | None:
    """The objects that nobody declares, with what they have made; None where the project does not ask for them.

    Args:
        config: the way to the application's cluster.

    Raises:
        TrueupError: the project or the applications cannot be read.
    """
    name, namespace = app.spec.project or "default", app.spec.destination.namespace
    async with connected(access) as client:
        try:
            project = msgspec.json.decode((await client.get(PROJECT, access.namespace, name)).body, type=Project)
        except NotFound:
            return None
        except msgspec.ValidationError as error:
            raise TrueupError(f"project {name} cannot be read: {error}", hint="correct that field") from error
        if project.spec.orphaned_resources is None or not namespace:
            return None
        views = [readable(body) for body in await list_applications(client, access.namespace)]
        owned = {key for view in views for key in policy.recorded(view.status)}
    async with asking(config) as client:
        found = await surroundings(client, {namespace})
        kept = orphaned(found.heads, owned, project)
        lines = [ResourceStatus(group=k.group, kind=k.kind, namespace=k.namespace, name=k.name) for k in kept]
        whole = await found.whole(client, kept)
    return ResourceTree(grown(lines, found.heads, whole), found.unread, whole)


def orphaned(heads: Iterable[LiveObject], owned: Collection[ResourceKey], project: Project) -> list[ResourceKey]:
    """Of the objects of a namespace, those that nobody has declared or made, in order. Pure.

    Args:
        heads: their metadata.
        owned: what applications declare or have deployed, by their records: anybody may write a tracking mark.
        project: whose kinds count, without those that it ignores.
    """
    found = {live.key: live for live in heads}
    asked = project.spec.orphaned_resources
    ignored = asked.ignore if asked else []
    return sorted(
        key
        for key, live in found.items()
        if not live.owners
        and key not in owned
        and permits_kind(project, key, namespaced=True)
        and not _usual(key)
        and not _made(live, found)
        and not any(_ignores(rule, key) for rule in ignored)
    )


def _usual(key: ResourceKey) -> bool:
    """What every namespace has, or the first one."""
    known = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
    if (key.namespace, key.kind, key.name) == ("default", "Service", "kubernetes"):
        return key.group == ""
    return key.group == "" and (key.kind, key.name) in known


def _made(live: LiveObject, beside: Mapping[ResourceKey, LiveObject]) -> bool:
    """Whether something beside it has made an object without being on record as its owner, as Argo CD infers it."""
    key = live.key
    if key.group:
        return False
    if key.kind == "Endpoints":
        return ResourceKey("", "Service", key.namespace, key.name) in beside
    if key.kind == "Secret":
        return bool(live.annotations.get(_OF_ACCOUNT))
    if key.kind == "PersistentVolumeClaim":
        rest, _, number = key.name.rpartition("-")
        return number.isdecimal() and any(
            rest.endswith(f"-{other.name}") for other in beside if (other.group, other.kind) == ("apps", "StatefulSet")
        )
    return False


def _ignores(rule: OrphanIgnore, key: ResourceKey) -> bool:
    """As Argo CD reads a rule: an empty kind or name is any, an empty group is the core group."""
    return (
        (not rule.kind or glob_match(rule.kind, key.kind))
        and glob_match(rule.group, key.group)
        and (not rule.name or glob_match(rule.name, key.name))
    )
