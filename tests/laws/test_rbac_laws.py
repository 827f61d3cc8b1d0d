"""Rights are those that Casbin grants by Argo CD's model."""

from collections.abc import Sequence
from typing import Any

import casbin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.often import often

from kubegrammar import pattern
from kubegrammar.glob import glob_match
from trueup.model.subject import Principal
from trueup.policy.rbac.config import read_config
from trueup.policy.rbac.enforcer import Enforcer

MODEL = """
[request_definition]
r = sub, res, act, obj
[policy_definition]
p = sub, res, act, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && matches(r.res, p.res) && matches(r.act, p.act) && matches(r.obj, p.obj)
"""

SUBJECTS = st.sampled_from(["a", "b", "c", "d", "role:x", "role:y"])
RESOURCES = ["applications", "applicationsets", "clusters", "logs"]
ACTIONS = ["get", "sync", "update", "update/apps/Deployment/n/x", "delete", "action/apps/Deployment/restart"]
OBJECTS = st.builds("/".join, st.lists(st.sampled_from(["p", "q", "web", "we"]), min_size=1, max_size=3))
GLOBS = {
    "resource": st.sampled_from([*RESOURCES, "*", "app*", "{logs,clusters}", "?ogs", "*s"]),
    "action": st.sampled_from([*ACTIONS, "*", "update/*", "{get,sync}", "*e*", "action/*/Deployment/*"]),
    "object": often(OBJECTS, st.nothing()) | st.text("pqwe/*?", min_size=1, max_size=6) | st.sampled_from(["*", "*/*"]),
}
REGEXES = {
    "resource": st.sampled_from([*RESOURCES, ".*", "^app", "logs|clusters", "s$"]),
    "action": st.sampled_from([*ACTIONS, ".*", "^update/", "get|sync", "e"]),
    "object": OBJECTS | st.sampled_from([".*", "^p/", "web$", "[pq]/we", "^$"]),
}
EFFECTS = st.sampled_from(["allow", "allow", "deny"])
MEMBERSHIPS = st.lists(st.tuples(st.just("g"), SUBJECTS, SUBJECTS), max_size=8)


def rights(patterns: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[list[tuple[str, ...]]]:
    row = st.tuples(st.just("p"), SUBJECTS, patterns["resource"], patterns["action"], patterns["object"], EFFECTS)
    return st.lists(row, min_size=1, max_size=12)


QUESTIONS = st.lists(
    st.tuples(SUBJECTS, st.sampled_from(RESOURCES), st.sampled_from(ACTIONS), OBJECTS), min_size=5, max_size=10
)


def oracle(rows: Sequence[tuple[str, ...]], mode: str) -> Any:
    model = casbin.Enforcer.new_model(text=MODEL)
    for kind, *said in rows:
        model.add_policy(kind, kind, list(said))
    found = casbin.Enforcer(model)
    found.add_function("matches", (lambda text, glob: glob_match(glob, text)) if mode == "glob" else _search)
    found.build_role_links()
    return found


def _search(text: str, expression: str) -> bool:
    return pattern.compile(expression).search(text) is not None


CHAIN = [("g", f"r{i}", f"r{i + 1}") for i in range(12)]


@pytest.mark.parametrize("mode", ["glob", "regex"])
@given(data=st.data())
def test_rights_are_those_of_casbin(mode: str, data: st.DataObject) -> None:
    said = data.draw(rights(GLOBS if mode == "glob" else REGEXES))
    rows = [*said, *(row for row in data.draw(MEMBERSHIPS) if row[1] != row[2])]
    agree(rows, mode, data.draw(QUESTIONS))


@pytest.mark.parametrize("far", [1, 9, 11])
def test_roles_of_roles_end_where_casbin_ends(far: int) -> None:
    # Casbin for Python ends one role before the one for Go, which Argo CD has.
    rows = [*CHAIN, ("p", f"r{far}", "*", "*", "*", "allow")]
    agree(rows, "glob", [("r0", "logs", "get", "p/a")])


def agree(rows: Sequence[tuple[str, ...]], mode: str, questions: Sequence[tuple[str, str, str, str]]) -> None:
    text = "\n".join(", ".join(f'"{field}"' for field in row) for row in rows)
    config = read_config({"policy.csv": text, "policy.matchMode": mode})
    assert not config.refused
    ours, theirs = Enforcer(config, built_in=False), oracle(rows, mode)
    for subject, resource, action, name in questions:
        asked = (resource, action, name)
        assert ours.may(Principal(name=subject), *asked) is theirs.enforce(subject, *asked), (subject, *asked)
