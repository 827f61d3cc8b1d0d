"""A status that the API server refuses is told, and holds nothing up."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.conftest import EMBEDDED, on_kubernetes
from tests.e2e.conftest import Migrate
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.support.patience import stretched
from tests.support.tiers import rows

from trueup.kube.errors import Invalid
from trueup.store.crds import application_crd, project_crd

REFUSED = "the API server refused this application's status"


def refusing(path: str, rule: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Our definitions with one more rule on a field of the status."""
    definition = application_crd()
    del definition["metadata"]["annotations"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path.split("."):
        schema = schema["properties"][name]
    schema.update(rule)
    return definition, project_crd()


REFUSALS = {
    "the results of a sync": (
        "status.operationState.syncResult",
        {"properties": {"resources": {"type": "array", "maxItems": 0, "items": {"type": "object"}}}},
        "Succeeded",
    ),
    "the list of resources": ("status.resources", {"maxItems": 0}, "Error"),
    "the operation in the record": (
        "status.operationState.operation.initiatedBy",
        {"required": ["username"]},
        "Error",
    ),
}


@pytest.mark.parametrize(
    ("path", "rule", "phase"), rows(REFUSALS, "the results of a sync", "the operation in the record")
)
async def test_a_refused_status_is_a_condition_and_an_event_and_ends_the_operation(
    migrate: Migrate, path: str, rule: Mapping[str, Any], phase: str
) -> None:
    estate = await migrate(EMBEDDED, refusing(path, rule))
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app")
    await expect_told(estate, path, phase)


async def expect_told(estate: Estate, path: str, phase: str) -> None:
    """The refusal is in a condition, an Event and the log, and the operation has ended."""
    message = await estate.condition("StatusWriteError")
    assert message.startswith(REFUSED) and path in message
    view = await estate.until(
        lambda view: view.status.operation_state is not None and view.status.operation_state.phase.completed,
        what="ended",
    )
    state = view.status.operation_state
    assert view.app.operation is None and state is not None
    assert state.phase == phase and REFUSED in state.message
    await estate.event("StatusWriteError", path)
    assert "status refused" in estate.engine.tail(1000)


POLICY = "admissionregistration.k8s.io"


@on_kubernetes
async def test_a_policy_that_forbids_what_is_recorded_is_told_too(estate: Estate) -> None:
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app", automated=None)
    await forbid(estate, "!has(object.status) || !has(object.status.history)")
    await estate.patch({"status": {"history": None}, "operation": {"sync": {}}})
    await expect_told(estate, "no history", "Succeeded")


async def forbid(estate: Estate, expression: str) -> None:
    """An admission policy over the test's application alone, in force when this returns."""
    name = f"no-history-{estate.name}"
    rules = [
        {"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "resources": ["applications"], "operations": ["UPDATE"]}
    ]
    policy = {
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "one", "expression": f"object.metadata.name == '{estate.name}'"}],
        "validations": [{"expression": expression, "message": "no history"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    for kind, spec in (("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)):
        resource = estate.discovery.find(POLICY, kind)
        assert resource is not None
        body = {"apiVersion": f"{POLICY}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        await estate.client.create(resource, "", msgspec.json.encode(body))
    change = {"status": {"history": [{"id": 0, "deployedAt": "2026-01-02T03:04:05Z"}]}}
    async with asyncio.timeout(stretched(30)):
        while True:
            try:
                await estate.patch(change)
            except Invalid:
                return
            await asyncio.sleep(0.1)
