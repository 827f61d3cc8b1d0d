"""``resource.customizations`` in both notations; what cannot be read is named with its kinds."""

import pytest

from trueup.model.application import IgnoreDifference
from trueup.store.overrides import OverrideProblem, ignore_rules, overrides
from trueup.store.settings import read_settings

POINTERS = "jsonPointers: [/spec/replicas]"
JQ = "jqPathExpressions:\n- .spec.x\nmanagedFieldsManagers: [m]\n"
WHOLE = """
apps/Deployment:
  ignoreDifferences: |
    jsonPointers: [/spec/replicas]
  health.lua: return {}
"*/*":
  ignoreDifferences: |
    managedFieldsManagers: [m]
"""
IGNORE = "resource.customizations.ignoreDifferences"

RULES = {
    "a kind of a group": ({f"{IGNORE}.apps_Deployment": POINTERS}, [("apps", "Deployment")]),
    "a kind of the core group": ({f"{IGNORE}.Service": POINTERS}, [("", "Service")]),
    "all kinds": ({f"{IGNORE}.all": POINTERS}, [("*", "*")]),
    "one map of all kinds, with globs": ({"resource.customizations": WHOLE}, [("apps", "Deployment"), ("*", "*")]),
    "another part is no rule": ({"resource.customizations.health.apps_Deployment": "return {}"}, []),
}


@pytest.mark.parametrize("rule", RULES)
def test_rules_for_everybody(rule: str) -> None:
    data, kinds = RULES[rule]
    parts, unread = overrides(data)
    rules, problems = ignore_rules(parts)
    assert [(rule.group, rule.kind) for _, rule in rules] == kinds
    assert (unread, problems) == ([], [])


def test_every_field_of_a_rule_is_read() -> None:
    settings = read_settings({f"{IGNORE}.apps_Deployment": JQ})
    assert settings.ignore_differences == (
        (
            f"argocd-cm: {IGNORE}.apps_Deployment",
            IgnoreDifference(
                group="apps", kind="Deployment", jq_path_expressions=[".spec.x"], managed_fields_managers=["m"]
            ),
        ),
    )


UNREAD = {
    "no YAML": ({f"{IGNORE}.apps_Deployment": "a: [b"}, "apps", "Deployment"),
    "no list": ({f"{IGNORE}.apps_Deployment": "jsonPointers: /spec"}, "apps", "Deployment"),
    "no kind": ({f"{IGNORE}.apps_v1_Deployment": POINTERS}, "*", "*"),
    "no map": ({"resource.customizations": "- a"}, "*", "*"),
    "no map of parts": ({"resource.customizations": "apps/Deployment: [a]"}, "*", "*"),
}


@pytest.mark.parametrize("what", UNREAD)
def test_what_cannot_be_read_is_named_with_its_kinds(what: str) -> None:
    data, group, kind = UNREAD[what]
    parts, unread = overrides(data)
    rules, problems = ignore_rules(parts)
    (problem,) = [*unread, *problems]
    assert isinstance(problem, OverrideProblem)
    assert (rules, problem.place, problem.group, problem.kind) == ([], next(iter(data)), group, kind)


@pytest.mark.parametrize(
    ("parameters", "seconds", "warned"),
    [
        pytest.param({}, 1.0, False, id="one second by default"),
        pytest.param({"ignore.normalizer.jq.timeout": "5s"}, 5.0, False, id="as documented"),
        pytest.param({"controller.ignore.normalizer.jq.timeout": "500ms"}, 0.5, False, id="as Argo CD reads it"),
        pytest.param({"ignore.normalizer.jq.timeout": "1h"}, 60.0, False, id="a minute at most"),
        pytest.param({"ignore.normalizer.jq.timeout": "0"}, 1.0, False, id="never without end"),
        pytest.param({"ignore.normalizer.jq.timeout": "soon"}, 1.0, True, id="no duration"),
    ],
)
def test_the_time_of_an_expression(parameters: dict[str, str], seconds: float, warned: bool) -> None:
    settings = read_settings({}, parameters)
    assert (settings.jq_seconds, bool(settings.warnings)) == (seconds, warned)
