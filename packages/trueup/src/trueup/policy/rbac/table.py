"""Rows of policies, kept by whom they are about."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from trueup.policy.rbac.objects import NamePatterns, test_of
from trueup.policy.rbac.row import MatchMode, Membership, PolicyRow, Right

_ANSWERS: Final = 20_000
_LONGEST: Final = 200
"""Answers kept to the question which rows of a role are about an action, and characters of one that is: actions are
named by who asks. An answer is a list of rows that the table has anyway, so their number bounds them, and all may go at
once: they are no :class:`trueup.memory.bounded.Memory`, which is a stranger on this level."""

_NOTHING: Final[tuple[NamePatterns, ...]] = ()


class _About(NamedTuple):
    """Rows of one subject that name resource and action alike."""

    resource: Callable[[str], bool]
    action: Callable[[str], bool]
    objects: NamePatterns


class PolicyTable:
    """Rows of one mode, ready to be asked."""

    def __init__(self, rows: Iterable[PolicyRow] = (), mode: MatchMode = "glob") -> None:
        self._rights: dict[str, dict[tuple[str, str], _About]] = {}
        self._roles: dict[str, dict[str, None]] = {}
        self._kept: dict[tuple[str, str, str], tuple[NamePatterns, ...]] = {}
        for row in rows:
            match row:
                case Right(subject, resource, action, name, allows):
                    rights = self._rights.setdefault(subject, {})
                    about = rights.get((resource, action))
                    if about is None:
                        about = _About(test_of(resource, mode), test_of(action, mode), NamePatterns())
                        rights[resource, action] = about
                    about.objects.add(name, mode, allows)
                case Membership(member, role):
                    self._roles.setdefault(member, {})[role] = None

    @property
    def roles(self) -> Mapping[str, Mapping[str, None]]:
        """Roles by who has them."""
        return self._roles

    def about(self, subject: str, resource: str, action: str) -> tuple[NamePatterns, ...]:
        """The objects that rows about a subject itself name for an action on a resource."""
        rights = self._rights.get(subject)
        if rights is None:
            return _NOTHING
        key = (subject, resource, action)
        found = self._kept.get(key)
        if found is None:
            found = tuple(
                about.objects for about in rights.values() if about.resource(resource) and about.action(action)
            )
            if len(resource) + len(action) <= _LONGEST:
                if len(self._kept) >= _ANSWERS:
                    self._kept.clear()
                self._kept[key] = found
        return found
