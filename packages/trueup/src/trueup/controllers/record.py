"""What a pass saw, or how it failed, as an Application's status."""

from trueup.model.annotations import CHANGED_BY
from trueup.model.application import Application
from trueup.model.health import HealthCode
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.store import status as build
from trueup.store.write import ApplicationWrite


def record(app: Application, write: ApplicationWrite, seen: Observation, control_namespace: str) -> None:
    """Set every status field that follows from an observation."""
    write.set("sync", build.sync_status(app, seen.comparison))
    write.set("resources", [*build.resources(seen.comparison, seen.health), *seen.unseen])
    write.health(str(seen.vitals.status), seen.vitals.message)
    for field, value in build.source_types(app, seen.comparison).items():
        write.set(field, value)
    write.set("summary", build.summary(seen.live))
    write.set("controllerNamespace", control_namespace)
    write.conditions(list(seen.warnings))
    write.annotation(CHANGED_BY, seen.changed.spelt() if seen.changed else "")


def aged(write: ApplicationWrite, kind: str, message: str) -> str:
    """What a condition says of a pass that saw nothing: the error, and how old the verdicts are that stand beside it.

    Args:
        write: with the verdicts as they will stand.
        kind: the condition's type.
    """
    since = write.since(kind)
    sync, health = write.status.get("sync") or {}, write.status.get("health") or {}
    sync_is_old = sync.get("status") not in (None, "", str(SyncCode.UNKNOWN))
    # What was put there because nothing has ever been seen is no verdict of old.
    health_is_old = (
        health.get("status") not in (None, "", str(HealthCode.UNKNOWN))
        and str(health.get("lastTransitionTime") or "") < since
    )
    match sync_is_old, health_is_old:
        case True, True:
            return f"{message}; sync and health are as seen before {since}"
        case True, False:
            return f"{message}; sync is as seen before {since}"
        case False, True:
            return f"{message}; health is as seen before {since}"
        case _:
            return message
