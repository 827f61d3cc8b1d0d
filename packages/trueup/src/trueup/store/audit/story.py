"""The trail as a story that people read. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from kubegrammar.time import parse_time
from trueup.model.audit import Action, AuditRecord, Why
from trueup.model.repository import short_revision

_SHOWN = 3


class StoryLine(msgspec.Struct, frozen=True):
    """One line. ``tone``: good, bad, changed or plain; ``inner``: it belongs to the line above."""

    at: str
    text: str
    tone: str = "plain"
    inner: bool = False


def story(entries: Iterable[AuditRecord]) -> list[StoryLine]:
    """Lines for entries, oldest first."""
    ordered = list(entries)
    known = {entry.id: entry for entry in ordered}
    return [_of_object(entry, known) if entry.object else _line(entry) for entry in ordered]


def _line(entry: AuditRecord) -> StoryLine:
    """About the application as a whole."""
    revision, who = short_revision(entry.revision), entry.by.name
    match entry.action:
        case Action.COMMIT:
            # Old entries do not tell a key that was verified from one that was not.
            old = f"signed by {entry.by.signer}" if entry.by.signer and not entry.by.kind else ""
            seen = f"(seen by {', '.join(filter(None, (entry.why, entry.by.standing or old)))})"
            told = f"{who} committed {revision} “{entry.message}” {seen}"
            if entry.changed is not None and entry.changed.revision != entry.revision:
                made = short_revision(entry.changed.revision)
                return StoryLine(entry.at, f"{told}, which leaves it as {made} made it")
            return StoryLine(entry.at, told, "changed")
        case Action.STARTED:
            asked = f"by {who}" if who else ""
            if entry.by.kind == "user":
                asked = f"by {who or 'somebody'} ({entry.by.standing})"
            about = f": {entry.message}" if entry.message else ""
            return StoryLine(entry.at, f"{_sync(entry)} started ({', '.join(filter(None, (entry.why, asked)))}){about}")
        case Action.FINISHED if entry.result == "Succeeded":
            return StoryLine(entry.at, f"synced to {revision}" if revision else f"{_sync(entry)} succeeded", "good")
        case Action.FINISHED:
            return StoryLine(entry.at, f"{_sync(entry)} {entry.result}: {entry.message}", "bad")
        case Action.HEALTH:
            tone = {"Healthy": "good", "Degraded": "bad"}.get(entry.result, "plain")
            return StoryLine(entry.at, f"{entry.result}{f': {entry.message}' if entry.message else ''}", tone)
        case Action.IMAGE:
            return StoryLine(entry.at, f"image update committed {revision}: {_changes(entry)}", "changed")
        case Action.ROLLBACK:
            claim = f" ({entry.by.standing})" if entry.by.standing else ""
            told = f"{who}{claim} rolled {entry.from_revision[:8]} back: commit {revision}, {entry.message}"
            return StoryLine(entry.at, told, "changed")
        case Action.DELETED:
            return StoryLine(entry.at, "the application was deleted")
        case Action.REQUEST:
            return StoryLine(
                entry.at, f"{who or 'somebody'} asked for {entry.message.partition(' ')[0]}: {entry.result}"
            )
        case _:
            return StoryLine(entry.at, entry.message, "bad")


def _sync(entry: AuditRecord) -> str:
    """Which sync: it has no revision where it could not start, or brought its own manifests."""
    if entry.why is Why.LOCAL:
        return "sync of local manifests"
    return f"sync to {short_revision(entry.revision)}" if entry.revision else "sync"


def _of_object(entry: AuditRecord, known: Mapping[int, AuditRecord]) -> StoryLine:
    """About one of its objects."""
    name = _object(entry)
    match entry.action:
        case Action.DRIFTED:
            claim = f" ({entry.by.standing})" if entry.by.standing else ""
            told = f"{name} was changed by {entry.by.name or 'somebody'}{claim}: {_changes(entry)}"
            return StoryLine(entry.at, told, "changed")
        case Action.HEALED:
            undone = [known[link].at for link in entry.links if link in known]
            of = f" (undoes the change of {', '.join(map(clock, undone))})" if undone else ""
            return StoryLine(entry.at, f"{name} put back: {_changes(entry)}{of}", "good")
        case Action.PRUNED if entry.result != "SyncFailed":
            why = "it left Git" if entry.operation else "with its application"
            return StoryLine(entry.at, f"{name} deleted: {why}", inner=True)
        case Action.HOOK:
            return StoryLine(entry.at, f"hook {name} {entry.result}: {entry.message}", inner=True)
        case _ if entry.result == "SyncFailed":
            return StoryLine(entry.at, f"{name} refused: {entry.message}", "bad", inner=True)
        case _:
            changed = f": {_changes(entry)}" if entry.changes else ""
            return StoryLine(entry.at, f"{name} {entry.message or 'applied'}{changed}", inner=True)


def clock(at: str) -> str:
    """The time of day, in UTC."""
    return parse_time(at).strftime("%H:%M:%S")


def _object(entry: AuditRecord) -> str:
    parts = entry.object.split("/", 3)
    return f"{parts[1]} {parts[3]}" if len(parts) == 4 else entry.object


def _changes(entry: AuditRecord) -> str:
    shown = [_change(path=each.path, before=each.before, after=each.after) for each in entry.changes[:_SHOWN]]
    more = len(entry.changes) - _SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") or "it differs from Git"


def _change(*, path: str, before: str, after: str) -> str:
    if before and after:
        return f"{path} {before} → {after}"
    return f"{path} = {after}" if after else f"{path} removed"
