"""Kinds that wait for a load balancer: ``Ingress`` of both groups, ``v1 Service`` of type LoadBalancer."""

from typing import Any

from trueup.health.read import section
from trueup.model.health import Health, HealthCode


def ingress(obj: dict[str, Any]) -> Health:
    """Argo CD ``health_ingress.go``: an address is assigned."""
    return Health(HealthCode.HEALTHY if _has_address(obj) else HealthCode.PROGRESSING)


def service(obj: dict[str, Any]) -> Health:
    """Argo CD ``health_service.go``: a load balancer has an address; every other type is healthy at once."""
    waits = section(obj, "spec").get("type") == "LoadBalancer" and not _has_address(obj)
    return Health(HealthCode.PROGRESSING if waits else HealthCode.HEALTHY)


def _has_address(obj: dict[str, Any]) -> bool:
    addresses = section(obj, "status", "loadBalancer").get("ingress")
    return isinstance(addresses, list) and bool(addresses)
