"""What extends the API server: ``APIService`` and ``CustomResourceDefinition``."""

from typing import Any

from trueup.health.read import condition, section, text
from trueup.model.health import Health, HealthCode


def api_service(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``health_apiservice.go``."""
    available = condition(section(obj, "status"), "Available")
    if available is None:
        return Health(HealthCode.PROGRESSING, "Waiting to be processed")
    message = f"{text(available, 'reason')}: {text(available, 'message')}"
    return Health(HealthCode.HEALTHY if available.get("status") == "True" else HealthCode.PROGRESSING, message)


def custom_resource_definition(obj: dict[str, Any]) -> Health:
    """Rules of the check that Argo CD bundles for ``apiextensions.k8s.io``, but that one which is being installed, as
    each is for a moment, is on its way."""
    status = section(obj, "status")
    if not status.get("conditions"):
        return Health(HealthCode.PROGRESSING, "Status conditions not found")
    if going := _reached(status, "Terminating", "True"):
        return Health(HealthCode.PROGRESSING, f"CRD is terminating: {text(going, 'message')}")
    if refused := _reached(status, "NamesAccepted", "False"):
        message = f"CRD names have not been accepted: {text(refused, 'message')}"
        return Health(HealthCode.DEGRADED, message)
    established = condition(status, "Established") or {}
    if established.get("status") == "False" and established.get("reason") == "Installing":
        return Health(HealthCode.PROGRESSING, f"CRD is being installed: {text(established, 'message')}")
    if established.get("status") != "True":
        return Health(HealthCode.DEGRADED, "CRD is not established")
    if violated := _reached(status, "NonStructuralSchema", "True"):
        return Health(HealthCode.DEGRADED, f"Schema violations found: {text(violated, 'message')}")
    return Health(HealthCode.HEALTHY, "CRD is healthy")


def _reached(status: dict[str, Any], type_: str, value: str) -> dict[str, Any] | None:
    found = condition(status, type_)
    return found if found and found.get("status") == value else None
