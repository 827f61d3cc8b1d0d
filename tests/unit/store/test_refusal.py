"""What helps where the API server refuses a status: a smaller one, or one that its schema takes."""

import pytest

from trueup.kube.errors import api_error
from trueup.policy.origin import NOTE
from trueup.store.refusal import ETCD_LIMIT, essential, is_refusal, remedy

ANSWERS = {
    "the API server takes no more than 3 MiB": (413, 4_000_000, "split the application"),
    "etcd takes no more than 1.5 MiB": (500, ETCD_LIMIT + 1, "split the application"),
    "a field is not in the schema": (422, 1_000, "install definitions"),
    "a policy forbids it": (403, 4_000_000, "correct the policy"),
}


@pytest.mark.parametrize("rule", ANSWERS)
def test_a_refusal_has_its_own_remedy(rule: str) -> None:
    code, size, says = ANSWERS[rule]
    error = api_error(code, b"", subject="patch Application argocd/web")
    assert is_refusal(error, size) and says in remedy(error, size)


def test_a_server_that_fails_refuses_nothing() -> None:
    assert not is_refusal(api_error(500, b"", subject="patch Application argocd/web"), 1_000)


def test_an_operation_that_a_refusal_ends_keeps_none_of_the_manifests_that_it_brought() -> None:
    operation = {"sync": {"manifests": ["kind: Secret"]}, "info": [{"name": NOTE, "value": "1 manifest"}]}
    state = {"operation": operation, "phase": "Running", "startedAt": "2026-01-02T03:04:05Z"}
    status = essential({}, {"operationState": state}, "too large", "2026-01-02T03:04:06Z")
    kept = status["operationState"]
    assert kept["phase"] == "Error" and "manifests" not in kept["operation"].get("sync", {})
    assert kept["operation"]["info"] == operation["info"]
