"""As whom an application's objects are written: ``spec.destinationServiceAccounts`` of its project.

Rules as in Argo CD (``util/settings/impersonation.go``): the first entry whose globs match the destination counts; a
service account without a namespace is of the destination's, or of the Application's where the destination names none.
Stricter than there: what is no name of a service account is refused, for the rest of the text would name another user.
"""

import string
from typing import Final

import msgspec

from kubegrammar.glob import glob_match, glob_problem
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.policy.servers import matches_server

ENABLED = "application.sync.impersonation.enabled"
ENFORCED = "application.sync.impersonation.enforced"

_USER = "system:serviceaccount"
_ENDS: Final = frozenset(string.ascii_lowercase + string.digits)
_LETTERS: Final = _ENDS | {"-"}
_LONGEST_LABEL, _LONGEST_NAME = 63, 253


class Impersonation(msgspec.Struct, frozen=True):
    """Settings of the whole installation.

    Attributes:
        enabled: effects are made as the service account that the project names.
        enforced: a destination for which it names none gets no effect; without, the engine itself acts there.
    """

    enabled: bool = False
    enforced: bool = True


def acting_account(app: Application, project: Project, server: str, setting: Impersonation) -> str:
    """The user as whom to make effects; empty for the engine's own rights.

    Args:
        server: URL of the destination cluster, also where the destination gives its name.

    Raises:
        InvalidSpec: the project names no account for the destination, or one that cannot be.
    """
    if not setting.enabled:
        return ""
    target = app.spec.destination.namespace
    for index, entry in enumerate(project.spec.destination_service_accounts):
        place = f"project {project.metadata.name}: spec.destinationServiceAccounts[{index}]"
        _check(entry.server, "server", place)
        if not matches_server(entry.server, server):
            continue
        _check(entry.namespace, "namespace", place)
        if glob_match(entry.namespace, target):
            return _user(entry.default_service_account, target or app.metadata.namespace, place)
    if not setting.enforced:
        return ""
    raise InvalidSpec(
        f"no matching service account found for destination server {server} and namespace {target}",
        hint=f"add one to spec.destinationServiceAccounts of project {project.metadata.name}",
    )


def _check(pattern: str, field: str, place: str) -> None:
    if problem := glob_problem(pattern):
        raise InvalidSpec(
            f"invalid glob pattern for destination {field}: {problem}", hint=f"correct {place}.{field} {pattern!r}"
        )


def _user(account: str, namespace: str, place: str) -> str:
    owner, colon, name = account.rpartition(":")
    owner = owner if colon else namespace
    if not _is_label(owner) or not _is_name(name):
        raise InvalidSpec(
            f"default service account contains invalid chars {account!r}",
            hint=f"write name or namespace:name in {place}.defaultServiceAccount",
        )
    return f"{_USER}:{owner}:{name}"


def _is_label(text: str) -> bool:
    """An RFC 1123 label, as names of namespaces are."""
    return 0 < len(text) <= _LONGEST_LABEL and {text[0], text[-1]} <= _ENDS and set(text) <= _LETTERS


def _is_name(text: str) -> bool:
    """An RFC 1123 subdomain, as names of service accounts are."""
    parts = text.split(".")
    return len(text) <= _LONGEST_NAME and all(
        part and {part[0], part[-1]} <= _ENDS and set(part) <= _LETTERS for part in parts
    )
