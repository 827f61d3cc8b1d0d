"""What the trail knows of each version of an application: when it was deployed, and how it fared. Pure."""

from collections.abc import Iterable

import msgspec

from trueup.model.audit import Action, AuditRecord, Why

_VERDICTS = frozenset(("Healthy", "Degraded", "Suspended", "Progressing", "Missing", "Unknown"))
_WORKING = frozenset(("Healthy", "Suspended"))


class DeployedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """How a commit fared when it was deployed last.

    Attributes:
        at: when its sync ended, RFC 3339.
        result: of the sync: ``Succeeded``, ``Failed``, ``Error``.
        health: the last verdict while it was deployed; empty when there was none.
        message: why, where something was wrong.
        worked: it was Healthy, or Suspended, when it was last seen settled, in this deployment or an earlier one.
    """

    at: str
    result: str
    health: str = ""
    message: str = ""
    worked: bool = False

    @property
    def bad(self) -> bool:
        """Whether nobody would want it back: it could not be deployed, or was Degraded to its end."""
        return self.result != "Succeeded" or self.health == "Degraded"

    @property
    def proved(self) -> bool:
        """Whether it is on record that it worked. What was replaced while it still came up is neither this nor bad."""
        return self.worked and not self.bad


def versions(entries: Iterable[AuditRecord]) -> dict[str, DeployedVersion]:
    """Each commit of one application that was deployed or tried, by its SHA.

    What is seen while a sync to another commit is under way says nothing of either.

    Args:
        entries: of that application, oldest first.
    """
    found: dict[str, DeployedVersion] = {}
    deployed = ""
    for entry in entries:
        match entry.action:
            case Action.STARTED if entry.revision != deployed:
                deployed = ""
            case Action.FINISHED if entry.why is not Why.SELF_HEAL:
                verdict = entry.message if entry.result == "Succeeded" and entry.message in _VERDICTS else ""
                message = "" if entry.result == "Succeeded" else entry.message
                before = found.get(entry.revision)
                found[entry.revision] = DeployedVersion(
                    at=entry.at,
                    result=entry.result,
                    health=verdict,
                    message=message,
                    worked=_worked(verdict, before=before is not None and before.worked),
                )
                deployed = entry.revision if entry.result == "Succeeded" else ""
            case Action.HEALTH if deployed:
                found[deployed] = msgspec.structs.replace(
                    found[deployed],
                    health=entry.result,
                    message=entry.message if entry.result == "Degraded" else "",
                    worked=_worked(entry.result, before=found[deployed].worked),
                )
            case _:
                pass
    return found


def _worked(verdict: str, *, before: bool) -> bool:
    """Verdicts that something is on its way, missing or not known leave what was seen before: a Pod that crashes is
    Progressing again and again."""
    return verdict in _WORKING or (before and verdict != "Degraded")
