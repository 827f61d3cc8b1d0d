"""Who somebody is that an identity provider vouches for.

The provider names its people as it likes. None of them is thereby an account of this installation, a role, or a role of
a project: such names stand for nobody.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from trueup.model.subject import Principal
from trueup.policy.rbac.builtin import ADMIN_ACCOUNT

MOST_GROUPS: Final = 5_000
LONGEST_GROUP: Final = 1_000

_OURS: Final = ("role:", "proj:")


def foreign_principal(
    name: str, issuer: str, claims: Mapping[str, Any], scopes: Iterable[str], accounts: Collection[str]
) -> tuple[Principal, tuple[str, ...]]:
    """A person of an identity provider, and which names were left aside.

    Args:
        name: the provider's identifier of the person.
        claims: of the identity token and of what the provider says beside it.
        scopes: the claims whose values are groups.
        accounts: names of the local accounts.
    """
    dropped: list[str] = []

    def own(text: str) -> bool:
        if text == ADMIN_ACCOUNT or text.startswith(_OURS) or text in accounts:
            dropped.append(text)
            return True
        return False

    groups: dict[str, None] = {}
    for scope in scopes:
        for value in _values(claims.get(scope)):
            if len(groups) >= MOST_GROUPS:
                dropped.append(f"all groups after the first {MOST_GROUPS}")
                return Principal(name="" if own(name) else name, groups=tuple(groups), issuer=issuer), tuple(dropped)
            if value and len(value) <= LONGEST_GROUP and value.isprintable() and not own(value):
                groups[value] = None
    return Principal(name="" if own(name) else name, groups=tuple(groups), issuer=issuer), tuple(dropped)


def _values(claim: Any) -> Iterator[str]:
    """The texts of a claim, which is a text or a list."""
    if isinstance(claim, str):
        yield claim
    elif isinstance(claim, list):
        yield from (value for value in claim if isinstance(value, str))
