"""Whose a piece of work is, and how soon it is wanted: what fair shares are made by."""

from enum import IntEnum

import msgspec


class Urgency(IntEnum):
    """How soon something is wanted. A higher one goes first within a project, never before all that others want."""

    PERSON = 0
    """Somebody waits for it: a refresh, a sync, an operation."""
    NEWS = 1
    """A commit that was seen, an object that changed."""
    ROUTINE = 2
    """A poll, a look after a while."""


class Share(msgspec.Struct, frozen=True):
    """Whose a piece of work is.

    Attributes:
        project: an AppProject's name; no project delays another.
        repository: its identity; no repository delays another of the project.
        about: which work of the repository, so that what was slow once is known again.
    """

    project: str = ""
    repository: str = ""
    urgency: Urgency = Urgency.ROUTINE
    about: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return self.project, self.repository


NOBODY = Share()
"""Work of nobody in particular, such as a command's."""
