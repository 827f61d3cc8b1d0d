"""Requests for an application from a command: whom they are of, and what a user types where one is refused."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from trueup.cli.app.access import Handle, served
from trueup.kube.errors import NotFound
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.errors import TrueupError
from trueup.policy.requests import Refusal, RequestRefused
from trueup.runtime.clock import SystemClock
from trueup.store.requests import Requests

HINTS = {
    Refusal.DELETING: "`trueup app get {name}` shows what holds it",
    Refusal.IN_PROGRESS: "`trueup app wait {name} --operation` waits for it, `trueup app terminate-op {name}` ends it",
    Refusal.IDLE: "`trueup app get {name} --show-operation` shows the last one",
    Refusal.AUTOMATED_REVISION: "`trueup app rollback --git` goes back in Git; or declare that revision, or take "
    "automated sync away",
    Refusal.AUTOMATED_ROLLBACK: "`trueup app rollback {name} --git` takes the change back in Git",
    Refusal.REVISIONS: "name the source: --revisions REVISION --source-positions 1",
    Refusal.NO_SOURCE: "`trueup app sync {name} --revision REVISION` goes to a commit",
    Refusal.WINDOW: "sync then, or let syncs by hand pass: `trueup proj windows enable-manual-sync {project} ID` "
    "(`trueup proj windows list {project}` shows the IDs)",
    Refusal.CHANGING: "run the command again",
}
"""Remedies by commands; where there is none, policy's own is told."""


@contextmanager
def asked(handle: Handle) -> Iterator[Requests]:
    """Requests of an application.

    Raises:
        TrueupError: one is refused.
    """
    try:
        with served():
            yield Requests(handle.client, handle.control_namespace, SystemClock().now)
    except NotFound as error:
        raise handle.absent() from error
    except RequestRefused as refused:
        raise TrueupError(refused.message, hint=remedy(refused)) from refused


def remedy(refused: RequestRefused) -> str:
    """What to do about a refusal, in commands."""
    hint = HINTS.get(refused.refusal, "")
    app = refused.app
    return hint.format(name=app.metadata.name, project=app.spec.project or DEFAULT_PROJECT) or refused.hint


def user() -> str:
    """Who asks, as this machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"
