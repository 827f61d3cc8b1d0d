"""Two engines on one estate, and pauses: when an Application is left alone (cluster-truths 15)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from kubegrammar.time import parse_time
from trueup.model.annotations import CONTROLLER, SKIP_RECONCILE

OTHER_ENGINE = "argocd-application-controller"
"""The field manager of Argo CD's controller on the Applications it works on."""

QUIET = timedelta(minutes=10)
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


def hands_off(annotations: Mapping[str, str], other_wrote: datetime | None, now: datetime) -> str:
    """Why an Application is not to be touched; empty when it is ours.

    Args:
        annotations: of the Application.
        other_wrote: when the other engine last wrote its status (:func:`last_write_by`).
        now: the time.

    ``skip-reconcile`` stops every engine. ``trueup.dev/controller`` says whose it is; without it, an Application on
    which Argo CD was at work within ten minutes is Argo CD's.
    """
    if annotations.get(SKIP_RECONCILE, "") in _TRUE:
        return f"annotation {SKIP_RECONCILE}"
    owner = annotations.get(CONTROLLER, "")
    if owner == "trueup":
        return ""
    if owner:
        return f"annotation {CONTROLLER} names {owner}"
    # Ahead by more than that is no time at which it wrote.
    if other_wrote is not None and abs(now - other_wrote) < QUIET:
        return f"Argo CD wrote its status within ten minutes; annotate {CONTROLLER}: trueup to take it over"
    return ""


def last_write_by(managed_fields: Iterable[Mapping[str, Any]], manager: str = OTHER_ENGINE) -> datetime | None:
    """The latest time in ``metadata.managedFields`` at which a manager changed something; None when it never did."""
    times = []
    for entry in managed_fields:
        text = entry.get("time")
        if entry.get("manager") != manager or not isinstance(text, str):
            continue
        try:
            times.append(parse_time(text))
        except ValueError:
            continue
    return max(times, default=None)
