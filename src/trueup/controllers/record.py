"""What a pass saw, as an Application's status."""

from trueup.controllers.observe import Observation
from trueup.model.application import Application
from trueup.store import status as build
from trueup.store.write import ApplicationWrite


def record(app: Application, write: ApplicationWrite, seen: Observation, control_namespace: str) -> None:
    """Set every status field that follows from an observation."""
    write.set("sync", build.sync_status(app, seen.comparison))
    write.set("resources", build.resources(seen.comparison, seen.health))
    write.health(str(seen.vitals.status), seen.vitals.message)
    for field, value in build.source_types(app, seen.comparison).items():
        write.set(field, value)
    write.set("summary", build.summary(seen.live))
    write.set("controllerNamespace", control_namespace)
    write.conditions(list(seen.warnings))
