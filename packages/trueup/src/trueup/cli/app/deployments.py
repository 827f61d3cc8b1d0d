"""Which deployment of the history a rollback goes back to. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from kubegrammar.redact import redact_url
from trueup.cli.app.access import ApplicationView
from trueup.model.application import Source
from trueup.model.errors import TrueupError
from trueup.model.repository import same_repository
from trueup.model.status import OperationPhase, RevisionHistory
from trueup.store.audit.versions import DeployedVersion


class RollbackTarget(NamedTuple):
    """Where a rollback goes.

    Attributes:
        passed: commits of later deployments that were passed over, the latest first.
        doubtful: it was chosen though it is not on record as having worked: none is.
    """

    entry: RevisionHistory
    passed: tuple[str, ...] = ()
    doubtful: bool = False


def deployment_before(
    view: ApplicationView, deployment: int | None, known: Mapping[str, DeployedVersion]
) -> RollbackTarget:
    """The deployment to go back to, and the commits that were passed over.

    By its id, whatever is known of it; else the last one that deployed something else than now and is on record as
    having worked; where none is, the last that is not known to be bad. Where a sync did not succeed, its commits are
    those of now: the last deployment of the history is the one to go back to.

    Args:
        known: how commits fared; empty where nothing is on record, and the last deployment is as good as any.

    Raises:
        TrueupError: there is none.
    """
    history, name = view.status.history, view.app.metadata.name
    if deployment is not None:
        found = next((entry for entry in history if entry.id == deployment), None)
        if found is None:
            raise TrueupError(
                f"application '{name}' has no deployment {deployment}", hint=f"`trueup app history {name}` lists them"
            )
        return RollbackTarget(found)
    now = _revisions_now(view)
    earlier = [entry for entry in reversed(history) if revisions_of(entry) != now]
    if not earlier:
        raise TrueupError(
            f"application '{name}' has no earlier deployment", hint=f"`trueup app history {name}` lists those it has"
        )
    records = [[known[sha] for sha in revisions_of(entry) if sha not in now and sha in known] for entry in earlier]
    bad = [any(version.bad for version in found) for found in records]
    proved = [not worse and any(v.proved for v in found) for worse, found in zip(bad, records, strict=True)]
    chosen = proved.index(True) if any(proved) else next((at for at, worse in enumerate(bad) if not worse), None)
    if chosen is None:
        raise TrueupError(
            f"application '{name}' has no earlier deployment that is not on record as bad",
            hint=f"`trueup app history {name}` lists them; name an ID to go back to one all the same",
        )
    passed = dict.fromkeys(sha for entry in earlier[:chosen] for sha in revisions_of(entry) if sha not in now)
    return RollbackTarget(earlier[chosen], tuple(passed), doubtful=bool(known) and not proved[chosen])


def moved_source(view: ApplicationView, target: RevisionHistory) -> tuple[Source, str, str]:
    """The source whose commit differs from the deployment's, with both commits: that of then, and that of now.

    Raises:
        TrueupError: none does, or more than one.
    """
    now, then = _revisions_now(view), revisions_of(target)
    moved = [
        (source, good, bad)
        for source, good, bad in zip(view.app.spec.all_sources(), then, now, strict=False)
        if good != bad and not source.packed
    ]
    if not moved:
        raise TrueupError(
            f"deployment {target.id} is of the commit that is deployed", hint="choose another one of `app history`"
        )
    if not all(same_repository(source.repo_url, moved[0][0].repo_url) for source, _, _ in moved):
        names = ", ".join(sorted({redact_url(source.repo_url) for source, _, _ in moved}))
        raise TrueupError(f"several repositories have changed since: {names}", hint="revert them one by one")
    return moved[0]


def _revisions_now(view: ApplicationView) -> list[str]:
    """The commits that are deployed; those of a sync that failed, or does not end."""
    state, history = view.status.operation_state, view.status.history
    if state is not None and state.phase is not OperationPhase.SUCCEEDED and state.sync_result is not None:
        tried = state.sync_result.revisions or [state.sync_result.revision]
        if all(tried):
            return tried
    return revisions_of(history[-1]) if history else []


def revisions_of(entry: RevisionHistory) -> list[str]:
    """The commits of a deployment, one a source."""
    return entry.revisions or [entry.revision]
