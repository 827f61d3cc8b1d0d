"""The health of an application from the health of its objects."""

from collections.abc import Mapping

from trueup.model.annotations import GROUP, IGNORE_HEALTHCHECK
from trueup.model.comparison import Comparison
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey

_APPLICATION_SAYS_NOTHING = (HealthCode.MISSING, HealthCode.UNKNOWN)


def roll_up(
    comparison: Comparison, verdicts: Mapping[ResourceKey, Health | None], *, own: ResourceKey | None = None
) -> Health:
    """The worst health of an application's own objects, with the object that decided named in the message.

    Args:
        verdicts: over the live objects; None or absent where a kind has no check.
        own: the application itself, for one that manages its own Application object.

    Hooks do not count, nor objects annotated ``ignore-healthcheck: "true"``, nor a child Application that is missing
    or unknown. A missing object counts only if all are missing. Without objects an application is Healthy
    (Argo CD ``controller/health.go``).
    """
    worst, missing, any_live = Health(HealthCode.HEALTHY), "", False
    for resource in comparison.resources:
        if resource.hook:
            continue
        if resource.live is None:
            missing = missing or str(resource.key)
            continue
        any_live = True
        health = verdicts.get(resource.key)
        if health is None or not _counts(resource.key, resource.live, health, own):
            continue
        if health.status.rank > worst.status.rank:
            message = f"{resource.key}: {health.message}" if health.message else str(resource.key)
            worst = Health(health.status, message)
    if missing and not any_live:
        return Health(HealthCode.MISSING, f"{missing} is not in the cluster, nor is any other object")
    return worst


def _counts(key: ResourceKey, live: LiveObject, health: Health, own: ResourceKey | None) -> bool:
    if live.annotations.get(IGNORE_HEALTHCHECK) == "true" or key == own:
        return False
    is_application = (key.group, key.kind) == (GROUP, "Application")
    return not (is_application and health.status in _APPLICATION_SAYS_NOTHING)
