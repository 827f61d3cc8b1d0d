"""What a pass saw, or how it failed, as an Application's status."""

from trueup.kube.errors import ApiError
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, TrueupError
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


def condition_of(error: Exception) -> tuple[str, str]:
    """The condition (type, message) that tells of a pass that failed: the one table from errors to conditions."""
    match error:
        case InvalidSpec():
            return "InvalidSpecError", str(error)
        case RenderFailed() | SourceUnavailable() | ApiError():
            return "ComparisonError", str(error)
        case TrueupError():
            return "UnknownError", str(error)
        case _:
            # What a fault of our own says may hold anything.
            return "UnknownError", f"internal error: {type(error).__name__} (the engine's log has more)"
