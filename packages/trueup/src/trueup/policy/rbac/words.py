"""What rights are about: the resources and actions of Argo CD's policies, and how objects are named in them."""

from collections.abc import Mapping

CRUD = ("get", "create", "update", "delete")

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "clusters": CRUD,
    "projects": CRUD,
    "applications": (*CRUD, "sync", "rollback", "override", "action"),
    "applicationsets": CRUD,
    "repositories": CRUD,
    "write-repositories": CRUD,
    "certificates": CRUD,
    "accounts": CRUD,
    "gpgkeys": CRUD,
    "logs": ("get",),
    "exec": ("create", "debug"),
    "extensions": ("invoke",),
}
"""Actions by resource."""

ACTIONS = ("get", "create", "update", "delete", "sync", "rollback", "override", "action", "invoke", "debug")

FINE = frozenset({"update", "delete", "action"})
"""Actions on applications that may name one of their objects: ``update/GROUP/KIND/NAMESPACE/NAME``."""

PROJECT_SCOPED = frozenset({"applications", "applicationsets", "logs", "exec", "clusters", "repositories"})
"""Resources whose objects are named ``PROJECT/NAME`` where they belong to a project."""

PROJECTS = "projects"

OF_ROLES = ("applications", "applicationsets", "repositories", "exec", "logs", "clusters")
"""Resources that a role of a project may be given."""


def object_name(project: str, namespace: str, name: str, *, control: str) -> str:
    """An application or application set as policies name it: ``project/app``, with its namespace between the two where
    that is not the control namespace."""
    return f"{project}/{name}" if namespace in ("", control) else f"{project}/{namespace}/{name}"


def project_of(resource: str, name: str) -> str:
    """The project whose roles have a say about an object; empty when none has."""
    if resource == PROJECTS:
        return name
    project, slash, _ = name.partition("/")
    return project if slash and resource in PROJECT_SCOPED else ""


def fine_action(action: str, *, group: str, kind: str, namespace: str, name: str) -> str:
    """An action on one object of an application, as policies name it."""
    return f"{action}/{group}/{kind}/{namespace}/{name}"


def run_action(group: str, kind: str, name: str) -> str:
    """The action of running an action of a kind."""
    return f"action/{group}/{kind}/{name}"
