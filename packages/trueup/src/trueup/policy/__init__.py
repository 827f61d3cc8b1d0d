"""May it, must it? Limits of projects, validity of specifications, the choice to sync by itself.

A name is loaded when it is first asked for: a command that shows who may sync needs no reader of cron and of globs.
"""

from typing import TYPE_CHECKING

from kubegrammar.facade import facade

if TYPE_CHECKING:
    from trueup.policy.admission import Deploy as Deploy
    from trueup.policy.admission import Effect as Effect
    from trueup.policy.admission import Fetch as Fetch
    from trueup.policy.admission import Label as Label
    from trueup.policy.admission import ObjectChange as ObjectChange
    from trueup.policy.admission import RepositoryPush as RepositoryPush
    from trueup.policy.admission import refusal as refusal
    from trueup.policy.automatic import Decision as Decision
    from trueup.policy.automatic import attempted_revisions as attempted_revisions
    from trueup.policy.automatic import automatic_sync as automatic_sync
    from trueup.policy.automatic import retry_for as retry_for
    from trueup.policy.claims import CLAIM_NOTE as CLAIM_NOTE
    from trueup.policy.claims import foreign as foreign
    from trueup.policy.claims import initiator as initiator
    from trueup.policy.claims import writer_of as writer_of
    from trueup.policy.engines import hands_off as hands_off
    from trueup.policy.engines import last_write_by as last_write_by
    from trueup.policy.heal import LOOP as LOOP
    from trueup.policy.heal import Drift as Drift
    from trueup.policy.heal import HealSettings as HealSettings
    from trueup.policy.impersonation import Impersonation as Impersonation
    from trueup.policy.impersonation import acting_account as acting_account
    from trueup.policy.lending import asked_of as asked_of
    from trueup.policy.local import admit_local as admit_local
    from trueup.policy.local import marked_local as marked_local
    from trueup.policy.local import without_manifests as without_manifests
    from trueup.policy.marks import recorded as recorded
    from trueup.policy.marks import unrecorded as unrecorded
    from trueup.policy.marks import unrecorded_message as unrecorded_message
    from trueup.policy.oddities import odd_annotations as odd_annotations
    from trueup.policy.oddities import odd_options as odd_options
    from trueup.policy.origin import is_local as is_local
    from trueup.policy.origin import local_origin as local_origin
    from trueup.policy.project import permits as permits
    from trueup.policy.project import permits_namespace_of_application as permits_namespace_of_application
    from trueup.policy.pruning import noted as noted
    from trueup.policy.pruning import noting as noting
    from trueup.policy.pruning import withheld as withheld
    from trueup.policy.pruning import withheld_message as withheld_message
    from trueup.policy.settings import unbuilt_settings as unbuilt_settings
    from trueup.policy.sharing import applied_at as applied_at
    from trueup.policy.specification import admit as admit
    from trueup.policy.specification import admit_elsewhere as admit_elsewhere
    from trueup.policy.specification import admit_placed as admit_placed
    from trueup.policy.specification import admit_repository as admit_repository
    from trueup.policy.specification import admit_sources as admit_sources
    from trueup.policy.specification import problems as problems
    from trueup.policy.unbuilt import Subject as Subject
    from trueup.policy.unbuilt import Unbuilt as Unbuilt
    from trueup.policy.unbuilt import concerning as concerning
    from trueup.policy.unbuilt import messages as messages
    from trueup.policy.unbuilt import unbuilt_fields as unbuilt_fields
    from trueup.policy.unbuilt import unbuilt_operation as unbuilt_operation
    from trueup.policy.unbuilt import unknown_fields as unknown_fields
    from trueup.policy.windows import BLOCKED as BLOCKED
    from trueup.policy.windows import AssignedWindow as AssignedWindow
    from trueup.policy.windows import WindowVerdict as WindowVerdict
    from trueup.policy.windows import assigned as assigned
    from trueup.policy.windows import describe_windows as describe_windows
    from trueup.policy.windows import held as held
    from trueup.policy.windows import in_project as in_project
    from trueup.policy.windows import may_sync as may_sync

_NAMES = {
    "admission": ("ObjectChange", "Deploy", "Effect", "Fetch", "Label", "RepositoryPush", "refusal"),
    "automatic": ("Decision", "attempted_revisions", "automatic_sync", "retry_for"),
    "claims": ("CLAIM_NOTE", "foreign", "initiator", "writer_of"),
    "engines": ("hands_off", "last_write_by"),
    "heal": ("LOOP", "Drift", "HealSettings"),
    "impersonation": ("Impersonation", "acting_account"),
    "lending": ("asked_of",),
    "local": ("admit_local", "without_manifests", "marked_local"),
    "marks": ("recorded", "unrecorded", "unrecorded_message"),
    "oddities": ("odd_annotations", "odd_options"),
    "origin": ("is_local", "local_origin"),
    "project": ("permits", "permits_namespace_of_application"),
    "pruning": ("noted", "noting", "withheld", "withheld_message"),
    "settings": ("unbuilt_settings",),
    "sharing": ("applied_at",),
    "specification": ("admit", "admit_elsewhere", "admit_placed", "admit_repository", "admit_sources", "problems"),
    "unbuilt": (
        "Subject",
        "Unbuilt",
        "concerning",
        "messages",
        "unbuilt_fields",
        "unbuilt_operation",
        "unknown_fields",
    ),
    "windows": (
        "BLOCKED",
        "AssignedWindow",
        "WindowVerdict",
        "assigned",
        "describe_windows",
        "held",
        "in_project",
        "may_sync",
    ),
}
"""What each module gives to the rest."""

if not TYPE_CHECKING:
    __getattr__ = facade(__name__, _NAMES)
