"""May it, must it? Limits of projects, validity of specifications, the choice to sync by itself."""

from trueup.policy.admission import Change, Deploy, Effect, Fetch, Label, Push, refusal
from trueup.policy.admit import admit, admit_elsewhere, admit_repository, admit_sources, problems
from trueup.policy.automatic import Decision, attempted_revisions, automatic_sync, retry_for
from trueup.policy.claims import NOTE as CLAIM_NOTE
from trueup.policy.claims import foreign, initiator, writer_of
from trueup.policy.engines import hands_off, last_write_by
from trueup.policy.heal import LOOP, Drift, HealSettings
from trueup.policy.impersonation import Impersonation, acting_account
from trueup.policy.local import admit_local, is_local
from trueup.policy.local import ended as without_manifests
from trueup.policy.local import marked as marked_local
from trueup.policy.local import origin as local_origin
from trueup.policy.marks import recorded, unrecorded, unrecorded_message
from trueup.policy.oddities import odd_annotations, odd_options
from trueup.policy.project import permits, permits_namespace_of_application
from trueup.policy.pruning import noted, noting, withheld, withheld_message
from trueup.policy.settings import unbuilt_settings
from trueup.policy.sharing import applied_at
from trueup.policy.unbuilt import (
    Subject,
    Unbuilt,
    concerning,
    messages,
    unbuilt_fields,
    unbuilt_operation,
    unknown_fields,
)
from trueup.policy.windows import (
    BLOCKED,
    AssignedWindow,
    WindowVerdict,
    assigned,
    describe_windows,
    held,
    in_project,
    may_sync,
)

__all__ = [
    "BLOCKED",
    "CLAIM_NOTE",
    "LOOP",
    "AssignedWindow",
    "Change",
    "Decision",
    "Deploy",
    "Drift",
    "Effect",
    "Fetch",
    "HealSettings",
    "Impersonation",
    "Label",
    "Push",
    "Subject",
    "Unbuilt",
    "WindowVerdict",
    "acting_account",
    "admit",
    "admit_elsewhere",
    "admit_local",
    "admit_repository",
    "admit_sources",
    "applied_at",
    "assigned",
    "attempted_revisions",
    "automatic_sync",
    "concerning",
    "describe_windows",
    "foreign",
    "hands_off",
    "held",
    "in_project",
    "initiator",
    "is_local",
    "last_write_by",
    "local_origin",
    "marked_local",
    "may_sync",
    "messages",
    "noted",
    "noting",
    "odd_annotations",
    "odd_options",
    "permits",
    "permits_namespace_of_application",
    "problems",
    "recorded",
    "refusal",
    "retry_for",
    "unbuilt_fields",
    "unbuilt_operation",
    "unbuilt_settings",
    "unknown_fields",
    "unrecorded",
    "unrecorded_message",
    "withheld",
    "withheld_message",
    "without_manifests",
    "writer_of",
]
