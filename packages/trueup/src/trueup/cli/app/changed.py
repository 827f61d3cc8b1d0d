"""The commit that changed an application, as commands tell it."""

from trueup.cli.app.access import ApplicationView
from trueup.cli.duration import age
from trueup.model.annotations import CHANGED_BY
from trueup.model.changed import LastChange, read_change
from trueup.model.repository import short_revision
from trueup.runtime.clock import SystemClock


def change_of(view: ApplicationView) -> str:
    """That of an application; empty where none is on record."""
    change = read_change(view.app.metadata.annotations.get(CHANGED_BY, ""))
    return told(change) if change is not None else ""


def told(change: LastChange) -> str:
    """A commit: what it is, what it says, who wrote it and how long ago."""
    made = age(change.at, SystemClock().now())
    by = ", ".join(filter(None, (change.author.partition(" <")[0], f"{made} ago" if made else "")))
    return " ".join(filter(None, (short_revision(change.revision), change.subject, f"({by})" if by else "")))
