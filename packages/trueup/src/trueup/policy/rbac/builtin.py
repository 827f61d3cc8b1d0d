"""The policy that is always there: the roles readonly and admin, and that the account ``admin`` has the latter."""

from typing import Final

from trueup.policy.rbac.row import Membership, PolicyRow, Right

READONLY: Final = "role:readonly"
ADMIN: Final = "role:admin"
ADMIN_ACCOUNT: Final = "admin"

_IN_PROJECTS: Final = "*/*"
_READ_IN_PROJECTS: Final = ("applications", "applicationsets", "logs")
_READ: Final = (
    "certificates",
    "clusters",
    "repositories",
    "write-repositories",
    "projects",
    "accounts",
    "gpgkeys",
)
_WRITTEN_IN_PROJECTS: Final = {
    "applications": (
        "create",
        "update",
        "update/*",
        "delete",
        "delete/*",
        "sync",
        "rollback",
        "override",
        "action/*",
    ),
    "applicationsets": ("get", "create", "update", "delete"),
    "exec": ("create", "debug"),
}
_WRITTEN: Final = {
    "certificates": ("create", "update", "delete"),
    "clusters": ("create", "update", "delete"),
    "repositories": ("create", "update", "delete"),
    "write-repositories": ("create", "update", "delete"),
    "projects": ("create", "update", "delete"),
    "accounts": ("update",),
    "gpgkeys": ("create", "delete"),
}

BUILT_IN: Final[tuple[PolicyRow, ...]] = (
    *(Right(READONLY, resource, "get", _IN_PROJECTS, True) for resource in _READ_IN_PROJECTS),
    *(Right(READONLY, resource, "get", "*", True) for resource in _READ),
    *(
        Right(ADMIN, resource, action, _IN_PROJECTS, True)
        for resource, actions in _WRITTEN_IN_PROJECTS.items()
        for action in actions
    ),
    *(Right(ADMIN, resource, action, "*", True) for resource, actions in _WRITTEN.items() for action in actions),
    Membership(ADMIN, READONLY),
    Membership(ADMIN_ACCOUNT, ADMIN),
)
"""Globs, whatever the mode of the policies beside them."""
