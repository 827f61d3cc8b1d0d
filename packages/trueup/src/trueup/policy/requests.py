"""What people may ask of an application, by what it is and does now (Argo CD ``server/application``, in its words).

Whoever asks is somebody who may write the Application: what is refused here would be undone, would wait unseen, or
would take the place of what somebody else has asked for.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from kubegrammar.time import format_time
from trueup.model.annotations import (
    RESOURCES_FINALIZER,
    RESOURCES_FINALIZER_BACKGROUND,
    RESOURCES_FINALIZER_FOREGROUND,
)
from trueup.model.application import (
    DEFAULT_PROJECT,
    Application,
    Operation,
    OperationInitiator,
    SyncOperation,
    SyncStrategy,
    SyncStrategyApply,
)
from trueup.model.errors import TrueupError
from trueup.model.project import Project
from trueup.model.status import RevisionHistory, Status
from trueup.policy.local import admit_local, automated
from trueup.policy.windows import assigned, in_project, may_sync

Cascade = Literal["none", "foreground", "background"]
"""What a deletion does with the objects: leaves them, or deletes them and waits for what they own or does not."""
_OURS = {RESOURCES_FINALIZER, RESOURCES_FINALIZER_FOREGROUND, RESOURCES_FINALIZER_BACKGROUND}


class Refusal(StrEnum):
    """Why a request is refused."""

    DELETING = "ApplicationDeleting"
    IN_PROGRESS = "OperationInProgress"
    IDLE = "NoOperationInProgress"
    AUTOMATED_REVISION = "AutomatedSyncDeclaresRevision"
    AUTOMATED_ROLLBACK = "AutomatedSyncUndoesRollback"
    REVISIONS = "RevisionsDoNotFitSources"
    NO_SOURCE = "DeploymentHasNoSource"
    WINDOW = "SyncWindowBlocks"
    WINDOW_FAULT = "SyncWindowUnreadable"
    CHANGING = "ApplicationChangesTooFast"


class RequestRefused(TrueupError):
    """A request is not carried out, as things stand.

    Attributes:
        refusal: why, for whoever has a remedy of their own to offer.
        app: the application that was asked about.
    """

    def __init__(self, refusal: Refusal, app: Application, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint, reason=str(refusal))
        self.refusal = refusal
        self.app = app


def operating(app: Application, status: Status) -> bool:
    """Whether an operation runs or is asked for."""
    state = status.operation_state
    return app.operation is not None or (state is not None and not state.phase.completed)


def admit_sync(app: Application, status: Status, project: Project | None, operation: Operation, now: datetime) -> None:
    """Checks a sync that somebody asks for.

    Args:
        project: the application's; None where it cannot be read: the engine has the last word in any case.

    Raises:
        Refused: it cannot begin now, or automation would undo it.
        InvalidSpec: what it brings along is not permitted.
    """
    _startable(app, status)
    sync = operation.sync or SyncOperation()
    if project is not None:
        admit_local(app, project, operation)
    sources = sync.sources or ([sync.source] if sync.source else []) or app.spec.all_sources()
    if sync.revision and len(sources) > 1:
        raise RequestRefused(
            Refusal.REVISIONS,
            app,
            f"application '{app.metadata.name}' has {len(sources)} sources, and one revision is of one",
            hint="give a revision for each source",
        )
    if len(sync.revisions) > len(sources):
        raise RequestRefused(
            Refusal.REVISIONS,
            app,
            f"{len(sync.revisions)} revisions for {len(sources)} source{'s' * (len(sources) > 1)} of application "
            f"'{app.metadata.name}'",
            hint="give a revision for each source",
        )
    if not sync.dry_run and not sync.source and not sync.sources:
        _admit_revisions(app, sync.revisions or [sync.revision])
    if project is not None:
        admit_window(app, project, now)


def admit_window(app: Application, project: Project, now: datetime) -> None:
    """Checks the time: the engine would let an operation wait for its window, and nobody would see why.

    Raises:
        Refused: a window of the project denies a sync by hand now.
    """
    verdict = may_sync(assigned(project, app), manual=True, now=now)
    if verdict.allowed:
        return
    if verdict.fault:
        raise RequestRefused(
            Refusal.WINDOW_FAULT,
            app,
            f"cannot sync: blocked by a sync window that cannot be read: {in_project(verdict, project)}",
            hint="correct that field of the project",
        )
    ends = ""
    if math.isfinite(verdict.again):
        ends = f"; the windows change next at {format_time(now + timedelta(seconds=verdict.again))}"
    name = project.metadata.name or app.spec.project or DEFAULT_PROJECT
    raise RequestRefused(
        Refusal.WINDOW,
        app,
        f"cannot sync: blocked by a sync window of project {name}{ends}",
        hint="sync then, or let syncs by hand pass the window",
    )


def admit_rollback(app: Application, status: Status, project: Project | None, now: datetime) -> None:
    """Checks a rollback that somebody asks for.

    Args:
        project: as for :func:`admit_sync`.

    Raises:
        Refused: it cannot begin now, or automation would undo it.
    """
    _startable(app, status)
    if automated(app):
        raise RequestRefused(
            Refusal.AUTOMATED_ROLLBACK,
            app,
            "rollback cannot be initiated when auto-sync is enabled",
            hint="take the change back in Git, or take automated sync away first",
        )
    if project is not None:
        admit_window(app, project, now)


def rollback_to(app: Application, deployment: RevisionHistory, *, prune: bool, username: str) -> Operation:
    """The operation that goes back to an earlier deployment: what it recorded, without hooks.

    Raises:
        Refused: it recorded no source.
    """
    if deployment.source is None and not deployment.sources:
        raise RequestRefused(
            Refusal.NO_SOURCE,
            app,
            f"deployment {deployment.id} of application '{app.metadata.name}' has no source on record",
            hint="sync to its revision instead",
        )
    several = bool(deployment.sources)
    sync = SyncOperation(
        sync_strategy=SyncStrategy(apply=SyncStrategyApply()),
        prune=prune,
        revision="" if several else deployment.revision,
        revisions=deployment.revisions if several else [],
        source=None if several else deployment.source,
        sources=deployment.sources,
    )
    return Operation(sync=sync, initiated_by=OperationInitiator(username=username))


class Ending(StrEnum):
    """How an operation ends that somebody wants to end."""

    TERMINATED = "terminated"
    """The engine ends it."""
    TAKEN_BACK = "taken back"
    """No engine has taken it up yet."""


def termination(app: Application, status: Status, *, asked: bool) -> Ending:
    """How the operation of an application is ended.

    Args:
        asked: one is asked for, whether or not it can be read.

    Raises:
        Refused: there is none.
    """
    state = status.operation_state
    if state is not None and not state.phase.completed:
        return Ending.TERMINATED
    if asked:
        return Ending.TAKEN_BACK
    raise RequestRefused(
        Refusal.IDLE,
        app,
        f"Unable to terminate operation of {app.metadata.name}. No operation is in progress",
        hint="its status shows the last one",
    )


def finalizers(app: Application, cascade: Cascade) -> list[str]:
    """The finalizers with which an application is deleted: those of others, and ours by what becomes of its objects.

    Raises:
        Refused: it is being deleted already, and its objects would be left: no API server adds a finalizer then.
    """
    has = app.metadata.finalizers
    wanted = {"none": "", "foreground": RESOURCES_FINALIZER, "background": RESOURCES_FINALIZER_BACKGROUND}[cascade]
    ours = [each for each in has if each in _OURS]
    if app.metadata.deletion_timestamp and wanted:
        if ours:
            return has
        raise RequestRefused(
            Refusal.DELETING,
            app,
            f"application '{app.metadata.name}' is being deleted without its objects",
            hint="delete by hand what it deployed",
        )
    return [each for each in has if each not in _OURS] + ([wanted] if wanted else [])


def _startable(app: Application, status: Status) -> None:
    if app.metadata.deletion_timestamp:
        raise RequestRefused(
            Refusal.DELETING, app, f"application '{app.metadata.name}' is deleting", hint="wait until it is gone"
        )
    if operating(app, status):
        raise RequestRefused(
            Refusal.IN_PROGRESS,
            app,
            "another operation is already in progress",
            hint="wait for it, or terminate it",
        )


def _admit_revisions(app: Application, revisions: Sequence[str]) -> None:
    """Automation would at once go back to what is declared, so Argo CD's server refuses too (``server.Sync``)."""
    declared = [source.target_revision or "HEAD" for source in app.spec.all_sources()]
    others = [asked for asked, own in zip(revisions, declared, strict=False) if asked and asked != own]
    if not others or not automated(app):
        return
    raise RequestRefused(
        Refusal.AUTOMATED_REVISION,
        app,
        f"cannot sync to {', '.join(others)}: auto-sync currently set to {', '.join(declared)}",
        hint="go back in Git; or declare that revision, or take automated sync away",
    )
