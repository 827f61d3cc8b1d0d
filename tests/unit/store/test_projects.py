"""What is read of projects beside their specification."""

from typing import Any

import pytest
from tests.support.signing import stored

from trueup.store.projects import orphaned_tokens


@pytest.mark.parametrize(
    ("body", "roles"),
    [
        ({"spec": {"roles": [{"name": "ci"}]}, "status": {"jwtTokensByRole": {"ci": {}, "cd": {}}}}, ["cd"]),
        ({"spec": {}, "status": {"jwtTokensByRole": {"ci": {}}}}, ["ci"]),
        ({"spec": {"roles": None}, "status": {"jwtTokensByRole": {"ci": {}}}}, ["ci"]),
        ({"spec": {"roles": [{"name": "ci"}]}, "status": None}, []),
        ({"spec": {"roles": [{"name": "ci"}]}, "status": {"jwtTokensByRole": None}}, []),
        ({"spec": {"roles": "odd"}, "status": {"jwtTokensByRole": {"ci": {}}}}, []),
        ({}, []),
    ],
    ids=["one is gone", "all are gone", "null", "no status", "no tokens", "what cannot be read", "nothing"],
)
def test_tokens_of_roles_that_are_gone(body: dict[str, Any], roles: list[str]) -> None:
    assert orphaned_tokens(stored("AppProject", "shop", body)) == roles
