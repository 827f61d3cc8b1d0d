"""Whom an identity provider's word makes somebody."""

from typing import Any

import pytest

from trueup.policy.rbac.identity import MOST_GROUPS, foreign_principal

IDP = "https://idp.example"


def person(name: str = "alice", **claims: Any) -> tuple[Any, tuple[str, ...]]:
    scopes = claims.pop("scopes", ["groups"])
    return foreign_principal(name, IDP, claims, scopes, {"admin", "deployer"})


@pytest.mark.parametrize("name", ["admin", "role:admin", "proj:team:ci", "deployer"])
def test_c31_nobody_is_an_account_or_a_role_by_name(name: str) -> None:
    found, dropped = person(name, groups=[name, "team"])
    assert found.name == ""
    assert found.groups == ("team",)
    assert set(dropped) == {name}


def test_groups_come_from_the_claims_that_are_named() -> None:
    found, _ = person(groups=["a", "b", "a"], email="alice@example", cognito=["c"], scopes=["groups", "email"])
    assert (found.name, found.groups, found.issuer) == ("alice", ("a", "b", "alice@example"), IDP)


ODD = {
    "J35 a text is one group": ("a b", ("a b",)),
    "other values are none": (["a", 1, None, ["b"], {"c": 1}], ("a",)),
    "a number": (7, ()),
    "nothing": (None, ()),
    "empty": ([""], ()),
    "control characters": (["a\nb", "c"], ("c",)),
    "too long": (["a" * 2000], ()),
}


@pytest.mark.parametrize(("claim", "groups"), ODD.values(), ids=ODD.keys())
def test_groups_of_odd_forms(claim: Any, groups: tuple[str, ...]) -> None:
    assert person(groups=claim)[0].groups == groups


def test_j35_groups_beyond_the_cap_are_left_aside_and_it_is_said() -> None:
    found, dropped = person(groups=[f"g{i}" for i in range(MOST_GROUPS + 5000)])
    assert len(found.groups) == MOST_GROUPS
    assert "after the first" in dropped[0]
