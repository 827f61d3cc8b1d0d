"""Who asks something of the API server, as the rules of RBAC name it."""

import msgspec

LOCAL_ISSUER = "argocd"
"""Issuer of the tokens that are signed here: of local accounts and of roles of projects."""

_PROJECT_ROLE = "proj"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signed in, or nobody.

    Attributes:
        name: of the account, ``proj:PROJECT:ROLE`` for a role of a project, or the identity provider's name of a
            person; empty for nobody.
        groups: what the identity provider says that the person belongs to; those alone that may stand for rights.
        issuer: who says so.
    """

    name: str = ""
    groups: tuple[str, ...] = ()
    issuer: str = LOCAL_ISSUER

    @property
    def project_role(self) -> tuple[str, str] | None:
        """Project and role that a token of a project stands for."""
        return project_role(self.name) if self.issuer == LOCAL_ISSUER else None


ANONYMOUS = Principal()


def project_role(name: str) -> tuple[str, str] | None:
    """Project and role of a subject ``proj:PROJECT:ROLE``."""
    parts = name.split(":")
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == _PROJECT_ROLE else None


def role_subject(project: str, role: str) -> str:
    """The subject of a role of a project, as policies and tokens name it."""
    return f"{_PROJECT_ROLE}:{project}:{role}"
