"""One admission for every effect of an application, failing closed.

Whatever reads a repository, writes or deletes an object, labels a namespace or pushes a commit on behalf of an
application asks :func:`refusal` at the moment it does so, never on the strength of an earlier answer: a status can be
written by whoever may write the Application, and a project may have changed since. A project that does not exist or
cannot be read permits nothing.

Taking our own finalizer off an object (:class:`trueup.plan.task.ReleaseHookTask`) is no effect: it undoes one.
"""

import msgspec

from kubegrammar.redact import redact_url
from trueup.model.application import Application, Destination
from trueup.model.project import Project
from trueup.model.resource import ResourceKey
from trueup.policy.project import (
    ANY,
    limitless,
    permits,
    permits_destination,
    permits_namespace_of_application,
    permits_source,
)


class Fetch(msgspec.Struct, frozen=True):
    """Reading a repository: of the specification, of an operation, of a deployment in the history."""

    url: str


class RepositoryPush(msgspec.Struct, frozen=True):
    """Writing to a repository: image automation, pull requests, a rollback in Git."""

    url: str


class Bring(msgspec.Struct, frozen=True):
    """Deploying manifests that come with an operation: from no repository at all."""


class Deploy(msgspec.Struct, frozen=True):
    """Using a cluster and a namespace."""

    destination: Destination


class ObjectChange(msgspec.Struct, frozen=True, kw_only=True):
    """Writing or deleting one object.

    Attributes:
        key: the object, named as it will be.
        namespaced: whether its kind is.
        server, cluster: of the cluster it is in, by URL and by name.
    """

    key: ResourceKey
    namespaced: bool
    server: str
    cluster: str


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """Setting labels and annotations of a namespace (``managedNamespaceMetadata``).

    Attributes:
        change: of the Namespace.
        own: it is not there yet, or the engine made it for an application of this project.
    """

    change: ObjectChange
    own: bool


Effect = Fetch | RepositoryPush | Bring | Deploy | ObjectChange | Label


def refusal(project: Project | None, app: Application, effect: Effect) -> str:
    """Why an application may not do something; empty when it may.

    Args:
        project: the one that the application names; None where there is none, or it cannot be read.
    """
    if project is None:
        name = app.spec.project or "default"
        return f'app is not allowed in project "{name}", or the project does not exist'
    if reason := membership(project, app):
        return reason
    match effect:
        case Fetch(url) | RepositoryPush(url):
            return _repository(project, url)
        case Bring():
            return _brought(project)
        case Deploy(destination):
            return _destination(project, destination)
        case ObjectChange():
            return _object(project, effect)
        case Label():
            return _object(project, effect.change) or _namespace(project, effect)


def membership(project: Project, app: Application) -> str:
    """Why a project permits an application nothing at all: those of other namespaces need ``sourceNamespaces``."""
    if permits_namespace_of_application(project, app.metadata.namespace):
        return ""
    who = f"application '{app.metadata.name}' in namespace '{app.metadata.namespace}'"
    return f"{who} is not permitted to use project '{project.metadata.name}'"


def _repository(project: Project, url: str) -> str:
    if permits_source(project, url):
        return ""
    return f"application repo {redact_url(url, user=False)} is not permitted in project '{project.metadata.name}'"


def _brought(project: Project) -> str:
    """What comes from anywhere is for projects that take it from anywhere."""
    if ANY in project.spec.source_repos:
        return ""
    return (
        f"manifests from a person's machine are not permitted in project '{project.metadata.name}', which takes them "
        "from its sourceRepos alone"
    )


def _destination(project: Project, destination: Destination) -> str:
    if permits_destination(project, destination):
        return ""
    server, name = destination.server, destination.name
    cluster = f"server '{server}'" if server else f"name '{name}'"
    return (
        f"application destination {cluster} and namespace '{destination.namespace}' do not match any of the allowed "
        f"destinations in project '{project.metadata.name}'"
    )


def _object(project: Project, change: ObjectChange) -> str:
    key = change.key
    if change.namespaced and not key.namespace:
        return f"Namespace for {key.kind} {key.name} is missing: write metadata.namespace or spec.destination.namespace"
    return permits(project, server=change.server, cluster_name=change.cluster, key=key, namespaced=change.namespaced)


def _namespace(project: Project, effect: Label) -> str:
    """Labels of a namespace decide who may do what in it (Pod security, network policies): they are not for a tenant to
    set on a namespace that was not made for it, though it may deploy there. Who may write any object may do so anyway.
    """
    if effect.own or limitless(project):
        return ""
    name, project_name = effect.change.key.name, project.metadata.name
    return (
        f"namespace {name} was not created for an application of project '{project_name}', which therefore does not "
        "permit managedNamespaceMetadata on it: declare the Namespace, or have it labelled by who created it"
    )
