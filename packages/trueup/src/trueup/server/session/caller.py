"""Who has signed in, as the rest of the server sees it."""

import msgspec

from trueup.model.subject import LOCAL_ISSUER, Principal
from trueup.server.session.rights import Rights


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with the rights that they have now, whenever they are asked for.

    Attributes:
        shown: how people call them: the address of a person of an identity provider.
        issued_at: when the token was made, in seconds since 1970.
        token_id: of the token; empty for none.
        expires: when the token ends; 0 for never.
        session: whether it is a session, begun with a password or by an identity provider; else a token of a program.
        renewed: a token that takes the place of this one, which is about to end.
    """

    principal: Principal
    rights: Rights
    shown: str = ""
    issued_at: int = 0
    token_id: str = ""
    expires: int = 0
    session: bool = False
    renewed: str = ""

    @property
    def name(self) -> str:
        """For the audit trail and ``initiatedBy``."""
        return self.shown or self.principal.name or "anonymous"

    @property
    def local(self) -> bool:
        """Whether it is an account of this installation, or a role of a project."""
        return self.principal.issuer == LOCAL_ISSUER and bool(self.principal.name)

    @property
    def account(self) -> str:
        """The local account; empty for anybody else."""
        return self.principal.name if self.local and self.principal.project_role is None else ""

    def may(self, resource: str, action: str, of: str) -> bool:
        """Whether they may do something to an object."""
        return self.rights.may(self.principal, resource, action, of)
