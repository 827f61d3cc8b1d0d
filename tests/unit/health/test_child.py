"""Child Applications are judged by what they say of themselves, where the settings ask for it."""

from typing import Any

import msgspec
import pytest

from trueup.health import assess
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey

SAID: dict[str, tuple[Any, HealthCode]] = {
    "nothing yet": ({}, HealthCode.PROGRESSING),
    "nothing of health": ({"status": {"sync": {}}}, HealthCode.PROGRESSING),
    "healthy": ({"status": {"health": {"status": "Healthy"}}}, HealthCode.HEALTHY),
    "degraded": ({"status": {"health": {"status": "Degraded", "message": "m"}}}, HealthCode.DEGRADED),
    "a word nobody knows": ({"status": {"health": {"status": "Fine"}}}, HealthCode.UNKNOWN),
}


@pytest.mark.parametrize("what", SAID)
def test_a_child_application(what: str) -> None:
    body, status = SAID[what]
    key = ResourceKey("argoproj.io", "Application", "argocd", "child")
    live = LiveObject(
        key=key, api_version="argoproj.io/v1alpha1", uid="u", resource_version="1", body=msgspec.json.encode(body)
    )
    found = assess(live, applications=True)
    assert found is not None and found.status is status
    assert assess(live) is None, "by itself Argo CD judges none"
