"""What argocd-rbac-cm says."""

import pytest

from trueup.policy.rbac.config import GROUPS, RbacConfig, read_config
from trueup.policy.rbac.row import Membership, Right

GOOD = "p, role:dev, applications, get, dev/*, allow\ng, team, role:dev"


def said(config: RbacConfig) -> list[str]:
    return [str(problem) for problem in config.refused]


def test_overlays_count_after_the_policy_by_their_names() -> None:
    data = {"policy.z.csv": "g, z, role:dev", "policy.a.csv": "g, a, role:dev", "policy.csv": GOOD, "policy.md": "no"}
    config = read_config(data)
    assert list(config.files) == ["policy.csv", "policy.a.csv", "policy.z.csv"]
    assert not config.refused and not config.warnings


@pytest.mark.parametrize("bad", ["p, a", "g, x, y, z", "q, 1", 'g, "x, role:y'])
def test_c33_a_bad_overlay_is_named_and_the_others_and_the_last_good_stay_active(bad: str) -> None:
    last = read_config({"policy.csv": GOOD, "policy.x.csv": "g, x, role:dev"})
    config = read_config({"policy.csv": GOOD + "\ng, new, role:dev", "policy.x.csv": f"\n# x\n{bad}"}, last)
    assert config.files["policy.x.csv"] == (Membership("x", "role:dev"),)
    assert Membership("new", "role:dev") in config.files["policy.csv"]
    assert said(config)[0].startswith("policy.x.csv row 3: ")


def test_a_policy_that_never_could_be_read_permits_nothing() -> None:
    config = read_config({"policy.csv": GOOD + "\np, a"})
    assert list(config.rows) == []
    assert said(config) == ["policy.csv row 3: expected 6 fields, not 2: p, subject, resource, action, object, effect"]


def test_the_last_good_of_another_mode_means_something_else() -> None:
    last = read_config({"policy.csv": GOOD})
    assert list(read_config({"policy.csv": "p, a", "policy.matchMode": "regex"}, last).rows) == []


def test_what_is_gone_does_not_stay() -> None:
    assert list(read_config({}, read_config({"policy.csv": GOOD})).rows) == []


def test_c11_a_row_that_allows_what_there_is_not_is_left_aside_with_a_warning() -> None:
    config = read_config({"policy.csv": "p, role:dev, applications, delte, */*, allow\n" + GOOD})
    assert Right("role:dev", "applications", "get", "dev/*", True) in config.rows
    assert next(str(each) for each in config.warnings).startswith("policy.csv row 1: unknown action 'delte'")


def test_c23_a_default_role_that_grants_nothing_is_a_warning() -> None:
    assert ["role:raedonly" in str(each) for each in read_config({"policy.default": "role:raedonly"}).warnings] == [
        True
    ]
    assert not read_config({"policy.default": "role:readonly"}).warnings


@pytest.mark.parametrize("text", ["[groups", "groups", "[1]", "{}", "[[a]]"])
def test_c25_scopes_that_are_no_list_leave_the_last_good(text: str) -> None:
    last = read_config({"scopes": "[groups, email]"})
    assert last.scopes == ("groups", "email")
    config = read_config({"scopes": text}, last)
    assert config.scopes == ("groups", "email")
    assert said(config)[0].startswith("scopes: not a YAML list")
    assert read_config({"scopes": text}).scopes == GROUPS


def test_c07_a_role_that_has_itself_is_a_warning() -> None:
    config = read_config({"policy.csv": "g, a, b\ng, b, a\np, a, logs, get, *, allow"})
    assert any("has itself as a role" in str(each) for each in config.warnings)


def test_a_role_that_nothing_grants_is_a_warning() -> None:
    config = read_config({"policy.csv": "g, a, role:x"})
    assert [str(each) for each in config.warnings] == ["policy.csv: no row grants anything to 'role:x', which 'a' has"]


def test_a_mode_that_is_none_is_glob_with_a_warning() -> None:
    config = read_config({"policy.matchMode": "Regex"})
    assert config.mode == "glob" and config.warnings
