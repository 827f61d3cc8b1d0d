"""May it, must it? Limits of projects, validity of specifications, the choice to sync by itself."""

from trueup.policy.admit import admit, admit_repository, problems
from trueup.policy.automatic import Decision, HealSettings, attempted_revisions, automatic_sync, retry_for
from trueup.policy.engines import hands_off, last_write_by
from trueup.policy.project import permits

__all__ = [
    "Decision",
    "HealSettings",
    "admit",
    "admit_repository",
    "attempted_revisions",
    "automatic_sync",
    "hands_off",
    "last_write_by",
    "permits",
    "problems",
    "retry_for",
]
