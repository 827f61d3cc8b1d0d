"""What a refusal says."""

import pytest
from tests.support.apiserver import ByHand

from trueup.server.errors import Fault
from trueup.server.gate import LONGEST, require


def seeing(*resources: str) -> ByHand:
    """A caller who may get what is of some resources, and do nothing to it."""
    return ByHand("ada@example.com", lambda resource, action, of: action == "get" and resource in resources)


@pytest.mark.parametrize(
    ("caller", "resource", "action", "text"),
    [
        (seeing("applications"), "applications", "delete", ": applications, delete, shop/web, sub: ada@example.com"),
        (seeing("applications"), "logs", "get", ": logs, get, shop/web, sub: ada@example.com"),
        (seeing("projects"), "applications", "delete", ""),
        (seeing(), "logs", "get", ""),
        (ByHand("", seeing("projects").allowed), "projects", "update", ": projects, update, shop/web"),
    ],
    ids=["it is seen", "logs are an application's", "it is not seen", "logs of what is not seen", "without a name"],
)
def test_a_refusal_says_what_was_asked_to_who_may_see_it(caller: ByHand, resource: str, action: str, text: str) -> None:
    with pytest.raises(Fault) as caught:
        require(caller, resource, action, "shop/web")
    assert caught.value.message == f"permission denied{text}"


@pytest.mark.parametrize("issued_at", [-1, 0, 1_767_225_600_000])
def test_a_time_that_is_none_is_left_out(issued_at: int) -> None:
    with pytest.raises(Fault, match=r"^permission denied: applications, sync, shop/web, sub: ada$"):
        require(ByHand("ada", seeing("applications").allowed, issued_at), "applications", "sync", "shop/web")


def test_a_refusal_repeats_no_password_and_no_endless_name() -> None:
    for of in ("shop/https://git:hunter2@git.example.com/a.git", f"https://git:{'hunter2' * 200}@git.example.com"):
        with pytest.raises(Fault) as caught:
            require(seeing("repositories"), "repositories", "update", of)
        assert "hunter2" not in caught.value.message
    with pytest.raises(Fault) as caught:
        require(seeing("applications"), "applications", "sync", "shop/" + "a" * 5000)
    assert len(caught.value.message) < LONGEST + 100
