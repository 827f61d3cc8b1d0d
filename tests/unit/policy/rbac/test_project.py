"""Which roles a project may have."""

import msgspec
import pytest

from trueup.model.errors import InvalidSpec
from trueup.model.project import ProjectRole
from trueup.policy.rbac.project import check_role, group_name, group_problem

P = "p, proj:team:ci, "
BAD = {
    "C01 no row": ("p, a", "must be of the form: 'p, sub, res, act, obj, eft'"),
    "C13 another project": (
        "p, proj:other:ci, applications, get, team/*, allow",
        "policy subject must be: 'proj:team:ci'",
    ),
    "C13 another role": ("p, proj:team:cd, applications, get, team/*, allow", "policy subject must be: 'proj:team:ci'"),
    "C15 accounts": (f"{P}accounts, get, team/*, allow", "project resource must be: 'applications', "),
    "C15 any resource": (f"{P}*, get, team/*, allow", "project resource must be: "),
    "C11 an action that there is not": (f"{P}applications, delte, team/*, allow", "invalid action 'delte'"),
    "another project's object": (f"{P}applications, get, other/*, allow", "object must be of form 'team/*'"),
    "an object of a project that begins so": (f"{P}applications, get, teams/*, allow", "object must be of form"),
    "every object": (f"{P}applications, get, */*, allow", "object must be of form"),
    "four parts": (f"{P}applications, get, team/a/b/c, allow", "object must be of form"),
    "C03 an effect that is none": (f"{P}applications, get, team/*, alow", "effect must be: 'allow' or 'deny'"),
    "C29 a line break": (f"{P}applications, get, team/*, allow\ng, x, role:admin", "must be of the form"),
}


@pytest.mark.parametrize(("policy", "problem"), BAD.values(), ids=BAD.keys())
def test_a_policy_that_a_role_may_not_have(policy: str, problem: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        check_role("team", ProjectRole(name="ci", policies=[policy]))
    assert problem in caught.value.message
    assert "\n" not in caught.value.message


GOOD = [
    f"{P}applications, sync, team/*, allow",
    f"{P}applications, *, team/ns/web-*, deny",
    f"{P}applications, action/apps/Deployment/restart, team/web, allow",
    f"{P}applications, update/*, team/*, allow",
    f"{P}logs, get, team/*, allow",
    f"{P}exec, create, team/*, allow",
    f"{P}clusters, get, team/*, allow",
    f"{P}repositories, update, team/*, allow",
]


def test_policies_that_a_role_may_have() -> None:
    check_role("team", ProjectRole(name="ci", policies=GOOD, groups=["a", '"CN=a, O=b"', "x:y z"]))


@pytest.mark.parametrize("name", ["", "a b", "a:b", "-a", "a-", "ä", "a\n", "a/b"])
def test_a_name_that_a_role_may_not_have(name: str) -> None:
    with pytest.raises(InvalidSpec, match="invalid role name"):
        check_role("team", ProjectRole(name=name))


GROUPS = {
    "C17 empty": ("", "is empty"),
    "C17 white space": ("  ", "is empty"),
    "C17 quotes around nothing": ('""', "is empty"),
    "C17 a line break": ("a\ng, x, role:admin", "contains invalid characters"),
    "C17 a quote inside": ('a"b', "contains invalid characters"),
    "C17 a comma without quotes": ("a,b", "contains invalid characters"),
    "C27 NUL": ("a\0b", "contains invalid characters"),
}


@pytest.mark.parametrize(("group", "problem"), GROUPS.values(), ids=GROUPS.keys())
def test_a_group_that_a_role_may_not_have(group: str, problem: str) -> None:
    assert problem in group_problem(group)
    with pytest.raises(InvalidSpec, match=problem):
        check_role("team", ProjectRole(name="ci", groups=[group]))


def test_a_group_with_a_comma_stands_in_quotes() -> None:
    assert group_name(' "CN=a, O=b" ') == "CN=a, O=b"
    assert group_name("a b") == "a b"


@pytest.mark.parametrize("what", ["policies", "groups"])
def test_nothing_is_said_twice(what: str) -> None:
    role = ProjectRole(name="ci", policies=GOOD[:1], groups=["a"])
    with pytest.raises(InvalidSpec, match="already exists for role 'ci'"):
        check_role("team", msgspec.structs.replace(role, **{what: getattr(role, what) * 2}))
