"""Who may do what."""

import time
import tracemalloc

import msgspec
import pytest

from trueup.model.project import Project
from trueup.model.subject import ANONYMOUS, Principal
from trueup.policy.rbac.config import read_config
from trueup.policy.rbac.enforcer import Enforcer
from trueup.policy.rbac.project import project_rights
from trueup.policy.rbac.words import fine_action, object_name, project_of, run_action


def who(name: str, *groups: str, issuer: str = "argocd") -> Principal:
    return Principal(name=name, groups=groups, issuer=issuer)


ADMIN, BOB = who("admin"), who("bob")
APP, FINE = "applications", "update/apps/Deployment/prod/web"

ALLOWED: dict[str, tuple[str, Principal, tuple[str, str, str], bool]] = {
    "admin may delete": ("", ADMIN, (APP, "delete", "p/a"), True),
    "admin reads, as readonly does": ("", ADMIN, ("clusters", "get", "https://x"), True),
    "admin may open a terminal": ("", ADMIN, ("exec", "create", "p/a"), True),
    "admin may change one object": ("", ADMIN, (APP, FINE, "p/a"), True),
    "admin may not invoke an extension": ("", ADMIN, ("extensions", "invoke", "x"), False),
    "a role by its name": ("", who("role:readonly"), (APP, "get", "p/a"), True),
    "readonly reads logs": ("g, bob, role:readonly", BOB, ("logs", "get", "p/a"), True),
    "readonly writes nothing": ("g, bob, role:readonly", BOB, (APP, "sync", "p/a"), False),
    "somebody may nothing": ("", BOB, (APP, "get", "p/a"), False),
    "C35 a denial wins": ("p, bob, *, *, *, allow\np, bob, *, *, p/a, deny", BOB, (APP, "get", "p/a"), False),
    "C35 elsewhere it does not count": (
        "p, bob, *, *, *, allow\np, bob, *, *, p/a, deny",
        BOB,
        (APP, "get", "p/b"),
        True,
    ),
    "a denial of a role wins": (
        "p, bob, *, *, *, allow\ng, bob, r\np, r, *, *, *, deny",
        BOB,
        (APP, "get", "p/a"),
        False,
    ),
    "a denial that admin has": ("p, role:admin, *, delete, */*, deny", ADMIN, (APP, "delete", "p/a"), False),
    "C37 an object is no pattern": ("p, bob, *, *, p/a, allow", BOB, (APP, "get", "*/*"), False),
    "C37 nor is an action": ("p, bob, applications, get, p/a, allow", BOB, (APP, "*", "p/a"), False),
    "C39 applications are no logs": ("p, bob, applications, *, */*, allow", BOB, ("logs", "get", "p/a"), False),
    "C39 applications are no exec": ("p, bob, applications, *, */*, allow", BOB, ("exec", "create", "p/a"), False),
    "a star crosses slashes": ("p, bob, applications, get, p/*, allow", BOB, (APP, "get", "p/ns/a"), True),
    "update is not update of one object": ("p, bob, applications, update, */*, allow", BOB, (APP, FINE, "p/a"), False),
    "update of one object is not update": (
        "p, bob, applications, update/*, */*, allow",
        BOB,
        (APP, "update", "p/a"),
        False,
    ),
    "an action of a kind": (
        "p, bob, applications, action/apps/Deployment/*, */*, allow",
        BOB,
        (APP, run_action("apps", "Deployment", "restart"), "p/a"),
        True,
    ),
    "an action of another kind": (
        "p, bob, applications, action/apps/Deployment/*, */*, allow",
        BOB,
        (APP, run_action("batch", "Job", "restart"), "p/a"),
        False,
    ),
    "a group": ("g, team, role:readonly", who("x", "team"), (APP, "get", "p/a"), True),
    "a group has rights by a role alone, as in Argo CD": (
        "p, team, *, *, *, allow",
        who("x", "team"),
        (APP, "get", "p/a"),
        False,
    ),
    "a group's denial is not another's": (
        "g, a, r\ng, b, s\np, r, *, *, *, allow\np, s, *, *, *, deny",
        who("x", "b", "a"),
        (APP, "get", "p/a"),
        True,
    ),
    "nobody": ("p, bob, *, *, *, allow", ANONYMOUS, (APP, "get", "p/a"), False),
}


@pytest.mark.parametrize(("policy", "principal", "asked", "may"), ALLOWED.values(), ids=ALLOWED.keys())
def test_who_may_do_what(policy: str, principal: Principal, asked: tuple[str, str, str], may: bool) -> None:
    assert Enforcer(read_config({"policy.csv": policy})).may(principal, *asked) is may


def test_everybody_has_the_default_role_and_no_denial_overrides_it() -> None:
    enforcer = Enforcer(read_config({"policy.default": "role:readonly", "policy.csv": "p, bob, *, *, *, deny"}))
    for principal in (BOB, ANONYMOUS, who("proj:p:ci")):
        assert enforcer.may(principal, APP, "get", "p/a")
        assert not enforcer.may(principal, APP, "sync", "p/a")


@pytest.mark.parametrize("default", ["role:none", "role:raedonly", "admin "])
def test_c23_a_default_role_that_there_is_not_grants_nothing(default: str) -> None:
    assert not Enforcer(read_config({"policy.default": default})).may(BOB, APP, "get", "p/a")


@pytest.mark.parametrize("length", [3, 200])
def test_c07_roles_that_have_each_other_end(length: int) -> None:
    rows = "\n".join(f"g, r{i}, r{(i + 1) % length}" for i in range(length))
    enforcer = Enforcer(read_config({"policy.csv": rows + "\np, r2, *, *, *, allow"}))
    assert enforcer.may(who("r0"), APP, "get", "p/a")
    assert not enforcer.may(BOB, APP, "get", "p/a")


def test_regular_expressions_are_found_anywhere_and_the_built_in_policy_stays_globs() -> None:
    data = {"policy.matchMode": "regex", "policy.csv": "p, bob, applications, ^(get|sync)$, ^p/.*-dev$, allow"}
    enforcer = Enforcer(read_config(data))
    assert enforcer.may(BOB, APP, "sync", "p/web-dev")
    assert not enforcer.may(BOB, APP, "sync", "p/web-prod")
    assert not enforcer.may(BOB, APP, "delete", "p/web-dev")
    assert enforcer.may(ADMIN, APP, "delete", "p/a")


def test_c21_a_costly_expression_costs_nothing() -> None:
    data = {"policy.matchMode": "regex", "policy.csv": "p, bob, applications, get, (a+)+$, allow"}
    enforcer = Enforcer(read_config(data))
    begin = time.process_time()
    assert not enforcer.may(BOB, APP, "get", "a" * 40_000 + "!")
    assert time.process_time() - begin < 1


TEAM = msgspec.convert(
    {
        "metadata": {"name": "team"},
        "spec": {
            "roles": [
                {
                    "name": "ci",
                    "policies": ["p, proj:team:ci, applications, sync, team/*, allow"],
                    "groups": ["builders"],
                },
                {"name": "off", "policies": ["p, proj:team:off, applications, *, team/web, deny"], "groups": ["no"]},
            ]
        },
    },
    Project,
)
CI = who("proj:team:ci")


def of_team(policy: str = "", project: Project = TEAM) -> Enforcer:
    config = read_config({"policy.csv": policy})
    other = msgspec.convert({"metadata": {"name": "other"}}, Project)
    rights = {each.metadata.name: project_rights(each, config.mode) for each in (project, other)}
    return Enforcer(config, rights.get)


def test_a_role_of_a_project_has_its_rights_on_objects_of_the_project_alone() -> None:
    enforcer = of_team("p, proj:team:ci, applications, get, other/*, allow\np, proj:team:ci, clusters, get, x, allow")
    assert enforcer.may(CI, APP, "sync", "team/web")
    assert enforcer.may(CI, "projects", "get", "team")
    assert not enforcer.may(CI, "projects", "update", "team")
    assert not enforcer.may(CI, APP, "get", "other/web")
    assert enforcer.may(CI, "clusters", "get", "x")
    assert not enforcer.may(who("proj:team:ghost"), APP, "sync", "team/web")


def test_groups_have_the_roles_of_a_project() -> None:
    enforcer = of_team()
    assert enforcer.may(who("x", "builders"), APP, "sync", "team/ns/web")
    assert enforcer.may(who("x", "builders"), "projects", "get", "team")
    assert not enforcer.may(who("x", "strangers"), APP, "sync", "team/web")


def test_a_denial_of_the_installation_overrides_a_right_of_the_project() -> None:
    assert not of_team("p, proj:team:ci, applications, sync, team/web, deny").may(CI, APP, "sync", "team/web")


def test_a_person_named_like_a_role_of_a_project_is_none() -> None:
    enforcer = of_team()
    assert who("proj:team:ci", issuer="https://idp").project_role is None
    assert enforcer.may(CI, APP, "sync", "team/web")


BROKEN = {
    "C01 a line that is no row": ["p, proj:team:ci"],
    "C13 another project's role": ["p, proj:other:ci, applications, *, team/*, allow"],
    "C13 a role of the installation": ["p, role:admin, applications, *, team/*, deny"],
    "C13 a membership": ["g, mallory, role:admin"],
    "C17 a line behind a line": ["p, proj:team:ci, applications, get, team/*, allow\ng, mallory, role:admin"],
    "C03 an effect that is none": ["p, proj:team:ci, applications, sync, team/*, alow"],
}


@pytest.mark.parametrize("policies", BROKEN.values(), ids=BROKEN.keys())
def test_a_project_whose_rows_cannot_be_read_has_no_rows(policies: list[str]) -> None:
    role = msgspec.structs.replace(TEAM.spec.roles[0], policies=[*TEAM.spec.roles[0].policies, *policies])
    spec = msgspec.structs.replace(TEAM.spec, roles=[role, *TEAM.spec.roles[1:]])
    project = msgspec.structs.replace(TEAM, spec=spec)
    rights = project_rights(project, "glob")
    assert rights.problems[0].startswith("AppProject team: spec.roles[0]: policies[1]: ")
    enforcer = of_team(project=project)
    assert not enforcer.may(CI, APP, "sync", "team/web")
    assert not enforcer.may(who("mallory"), APP, "get", "team/web")
    assert enforcer.may(ADMIN, APP, "sync", "team/web")


OBJECTS = {
    "of the control namespace": (("p", "argocd", "a"), "p/a"),
    "without a namespace": (("p", "", "a"), "p/a"),
    "elsewhere": (("p", "ns", "a"), "p/ns/a"),
}


@pytest.mark.parametrize(("parts", "name"), OBJECTS.values(), ids=OBJECTS.keys())
def test_an_application_by_its_name(parts: tuple[str, str, str], name: str) -> None:
    assert object_name(*parts, control="argocd") == name


def test_the_project_that_has_a_say() -> None:
    assert project_of(APP, "p/ns/a") == "p"
    assert project_of("clusters", "https://x") == "https:"
    assert project_of("projects", "p") == "p"
    assert project_of("accounts", "p/a") == "" == project_of(APP, "a")
    assert fine_action("delete", group="", kind="Pod", namespace="n", name="x") == "delete//Pod/n/x"


@pytest.mark.parametrize("shape", ["one role, names", "one role, folders", "a role each"])
def test_ten_thousand_rows_are_asked_as_fast_as_ten(shape: str) -> None:
    def cost(rows: int) -> float:
        line = {
            "one role, names": "p, r, applications, get, p{0}/a, allow",
            "one role, folders": "p, r, applications, get, p{0}/*, allow",
            "a role each": "p, r{0}, applications, get, p{0}/*, allow\ng, bob, r1",
        }[shape]
        text = "\n".join(line.format(i) for i in range(rows))
        enforcer = Enforcer(read_config({"policy.csv": f"{text}\ng, bob, r"}))
        assert enforcer.may(BOB, APP, "get", "p1/a")
        assert not enforcer.may(BOB, APP, "get", "q1/a")
        spent = []
        for _ in range(5):
            begin = time.process_time()
            for _ in range(50):
                enforcer.may(BOB, APP, "get", "p1/a")
            spent.append(time.process_time() - begin)
        return min(spent)

    assert cost(10_000) < 10 * cost(10) + 0.002


def test_a_long_name_of_an_action_is_answered_and_not_kept() -> None:
    enforcer = Enforcer(read_config({"policy.csv": "p, bob, applications, action/*, */*, allow"}))
    tracemalloc.start()
    try:
        for number in range(30):
            assert enforcer.may(BOB, APP, f"action/{number}{'x' * 10_000}", "p/a")
        assert tracemalloc.get_traced_memory()[0] < 150_000
    finally:
        tracemalloc.stop()
