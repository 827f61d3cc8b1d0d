"""What the trail knows of each version of an application: when it was deployed, and how it fared. Pure."""

from collections.abc import Iterable

import msgspec

from trueup.model.audit import Action, Entry, Why

_VERDICTS = frozenset(("Healthy", "Degraded", "Suspended", "Progressing", "Missing", "Unknown"))


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """How a commit fared when it was deployed last.

    Attributes:
        at: when its sync ended, RFC 3339.
        result: of the sync: ``Succeeded``, ``Failed``, ``Error``.
        health: the last verdict while it was deployed; empty when there was none.
        message: why, where something was wrong.
    """

    at: str
    result: str
    health: str = ""
    message: str = ""

    @property
    def bad(self) -> bool:
        """Whether nobody would want it back: it could not be deployed, or was Degraded to its end."""
        return self.result != "Succeeded" or self.health == "Degraded"


def versions(entries: Iterable[Entry]) -> dict[str, Version]:
    """Each commit of one application that was deployed or tried, by its SHA.

    What is seen while a sync to another commit is under way says nothing of either.

    Args:
        entries: of that application, oldest first.
    """
    found: dict[str, Version] = {}
    deployed = ""
    for entry in entries:
        match entry.action:
            case Action.STARTED if entry.revision != deployed:
                deployed = ""
            case Action.FINISHED if entry.why is not Why.SELF_HEAL:
                verdict = entry.message if entry.result == "Succeeded" and entry.message in _VERDICTS else ""
                message = "" if entry.result == "Succeeded" else entry.message
                found[entry.revision] = Version(at=entry.at, result=entry.result, health=verdict, message=message)
                deployed = entry.revision if entry.result == "Succeeded" else ""
            case Action.HEALTH if deployed:
                found[deployed] = msgspec.structs.replace(
                    found[deployed], health=entry.result, message=entry.message if entry.result == "Degraded" else ""
                )
            case _:
                pass
    return found
