"""The verdict over a pair and over an application (Argo CD ``controller/state.go``; rule 20 of section 3)."""

import base64
from typing import Any

import msgspec
import pytest
from tests.unit.diff.objects import answer, both, config_map, judged, key_of, live, manifest, only, tracked

from trueup.diff import DryRunAnswer, Pair, Pairs, compare, rule_warnings, suspects
from trueup.model.application import IgnoreDifference
from trueup.model.status import SyncCode

SYNCED, OUT, UNKNOWN = SyncCode.SYNCED, SyncCode.OUT_OF_SYNC, SyncCode.UNKNOWN
EXTRANEOUS = {"argocd.argoproj.io/compare-options": "IgnoreExtraneous"}


def test_equal_to_the_answer_is_synced_whatever_the_bookkeeping() -> None:
    found = config_map(resourceVersion="7", managedFields=[{"manager": "x"}], uid="u", generation=3)
    stored = config_map(resourceVersion="8", managedFields=[], uid="u", generation=4)
    assert judged(both(config_map(), found), answer(stored)).status is SYNCED


def test_different_from_the_answer_names_the_fields() -> None:
    found, stored = config_map(data={"a": "1", "b": "1"}), config_map(data={"a": "2", "c": "1"})
    resource = only(judged(both(config_map(), found), answer(stored)))
    assert (resource.status, resource.message) == (OUT, "differs from Git: data.a, data.b, data.c")


def test_many_fields_are_counted() -> None:
    found, stored = config_map(data={}), config_map(data={f"k{n}": "x" for n in range(9)})
    message = only(judged(both(config_map(), found), answer(stored))).message
    assert message == "differs from Git: data.k0, data.k1, data.k2, data.k3, data.k4 and 4 more"


def test_a_pair_nobody_asked_about_is_synced() -> None:
    pair = both(config_map(), config_map())
    assert compare(Pairs((pair,)), {}, asked=[]).status is SYNCED


def test_a_pair_without_an_answer_is_unknown() -> None:
    assert judged(both(config_map(), config_map())).status is UNKNOWN


def test_a_wanted_object_that_is_not_live_is_out_of_sync() -> None:
    wanted = config_map()
    assert judged(Pair(key=key_of(wanted), target=manifest(wanted))).status is OUT


def test_an_extra_object_is_out_of_sync_and_requires_pruning() -> None:
    comparison = judged(Pair(key=key_of(config_map()), live=live(config_map())))
    assert (comparison.status, only(comparison).requires_pruning) == (OUT, True)


def test_an_extra_object_may_be_ignored_for_the_application_alone() -> None:
    comparison = judged(Pair(key=key_of(config_map()), live=live(config_map(annotations=EXTRANEOUS))))
    assert (comparison.status, only(comparison).status) == (SYNCED, OUT)


def test_ignore_extraneous_says_nothing_of_objects_in_git() -> None:
    found = config_map(annotations=EXTRANEOUS, data={"a": "2"})
    assert judged(both(config_map(), found), answer(config_map(annotations=EXTRANEOUS))).status is OUT


def test_hooks_do_not_count() -> None:
    hook = config_map(annotations=tracked("web") | {"argocd.argoproj.io/hook": "Sync"})
    comparison = judged(Pair(key=key_of(hook), live=live(hook)))
    resource = only(comparison)
    assert (comparison.status, resource.hook, resource.requires_pruning) == (SYNCED, True, False)


def test_a_forbidden_object_is_unknown_and_its_application_out_of_sync() -> None:
    pair = both(config_map(), config_map())
    comparison = judged(pair, forbidden={pair.key: "resource :ConfigMap is not permitted in project team"})
    assert (comparison.status, only(comparison).status) == (OUT, UNKNOWN)
    assert only(comparison).message == "resource :ConfigMap is not permitted in project team"
    # Nor whether it is there, and how it is: it may be another's.
    assert only(comparison).live is None


def test_a_forbidden_extra_object_is_left_out() -> None:
    pair = Pair(key=key_of(config_map()), live=live(config_map()))
    comparison = judged(pair, forbidden={pair.key: "no"})
    assert (comparison.status, comparison.resources) == (SYNCED, ())


def test_out_of_sync_outweighs_unknown() -> None:
    first, second = both(config_map("a"), config_map("a")), both(config_map("b"), config_map("b"))
    answers = {second.key: answer(config_map("b", data={}))}
    pairs = Pairs((first, second))
    assert compare(pairs, answers, asked=[first.key, second.key]).status is OUT
    assert compare(pairs, {}, asked=[first.key]).status is UNKNOWN


REFUSALS: dict[str, tuple[dict[str, Any], DryRunAnswer, SyncCode, str]] = {
    "a refusal of the manifest where a declared field differs is drift": (
        config_map(data={"a": "2"}),
        DryRunAnswer(refused="field is immutable", certain=True),
        OUT,
        "differs from Git: data.a; the cluster refuses it: field is immutable",
    ),
    "a refusal of the manifest where nothing declared differs": (
        config_map(data={"a": "1", "more": "x"}),
        DryRunAnswer(refused="field is immutable", certain=True),
        UNKNOWN,
        "unconfirmed: field is immutable",
    ),
    "a webhook that refuses dry runs": (
        config_map(data={"a": "2"}),
        DryRunAnswer(refused="admission webhook does not support dry run"),
        UNKNOWN,
        "unconfirmed: admission webhook does not support dry run",
    ),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_refusals(rule: str) -> None:
    found, said, status, message = REFUSALS[rule]
    resource = only(judged(both(config_map(), found), said))
    assert (resource.status, resource.message) == (status, message)


def test_spellings_that_are_equal_in_fact_are_no_declared_difference() -> None:
    wanted = config_map(
        data={"cpu": "1000m", "none": None, "empty": [], "map": {}, "n": {"x": None, "memory": "1024Mi"}}
    )
    found = config_map(data={"cpu": "1", "n": {"memory": "1Gi"}})
    assert only(judged(both(wanted, found), DryRunAnswer(refused="no", certain=True))).status is UNKNOWN


def ignore(kind: str = "ConfigMap", **fields: Any) -> list[IgnoreDifference]:
    return [msgspec.convert({"kind": kind} | fields, IgnoreDifference)]


OWNED = [{"manager": "scaler", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}}]
POINTER: dict[str, Any] = {"jsonPointers": ["/data/a"]}
IGNORED: dict[str, tuple[list[IgnoreDifference], bool]] = {
    "a pointer": (ignore(**POINTER), True),
    "a kind glob": (ignore("Config*", **POINTER), True),
    "by name": (ignore(name="web", namespace="shop", **POINTER), True),
    "the whole object": (ignore(jsonPointers=[""]), True),
    "a field manager": (ignore(managedFieldsManagers=["scaler"]), True),
    "another kind": (ignore("Secret", **POINTER), False),
    "another group": (ignore(group="apps", **POINTER), False),
    "another name": (ignore(name="db", **POINTER), False),
    "another namespace": (ignore(namespace="bank", **POINTER), False),
    "another field": (ignore(jsonPointers=["/data/b"]), False),
    "a pointer that is none": (ignore(jsonPointers=["data/a"]), False),
    "another field manager": (ignore(managedFieldsManagers=["kubectl"]), False),
    "an expression is not evaluated": (ignore(jqPathExpressions=[".data.a"]), False),
}


@pytest.mark.parametrize("rule", IGNORED)
def test_ignored_differences(rule: str) -> None:
    rules, expected = IGNORED[rule]
    pair = both(config_map(), config_map(data={"a": "2"}, managedFields=OWNED))
    assert (judged(pair, answer(config_map()), ignored=rules).status is SYNCED) is expected


def test_an_ignored_field_that_one_side_has_alone_leaves_no_empty_parent() -> None:
    pair = both(config_map(), config_map(annotations={"restarted": "now"}))
    rules = ignore(jsonPointers=["/metadata/annotations/restarted"])
    assert judged(pair, answer(config_map()), ignored=rules).status is SYNCED


def test_rules_without_effect_are_named() -> None:
    rules = ignore(jqPathExpressions=[".a"], jsonPointers=["/a", "a~"])
    assert rule_warnings([("spec.ignoreDifferences[0]", rule) for rule in rules]) == [
        'spec.ignoreDifferences[0].jsonPointers[1] has no effect: JSON pointer "a~" does not begin with "/"',
    ]


def test_the_rules_of_an_aggregated_cluster_role_are_its_controllers() -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "view"},
        "aggregationRule": {"clusterRoleSelectors": []},
        "rules": [],
    }
    filled = {**role, "rules": [{"verbs": ["get"]}]}
    assert judged(both(role, filled), answer(role)).status is SYNCED
    plain = {name: value for name, value in filled.items() if name != "aggregationRule"}
    emptied = {name: value for name, value in role.items() if name != "aggregationRule"}
    assert judged(both(emptied, plain), answer(emptied)).status is OUT


def test_a_secrets_values_are_in_no_message() -> None:
    def secret(value: str) -> dict[str, Any]:
        data = {"password": base64.b64encode(value.encode()).decode()}
        return config_map() | {"kind": "Secret", "data": data}

    resource = only(judged(both(secret("new-canary"), secret("old-canary")), answer(secret("new-canary"))))
    assert resource.message == "differs from Git: data.password"


def test_only_pairs_with_two_permitted_sides_are_suspects() -> None:
    wanted, extra = config_map("a"), config_map("b")
    missing = Pair(key=key_of(wanted), target=manifest(wanted))
    surplus = Pair(key=key_of(extra), live=live(extra))
    pair, barred = both(config_map("c"), config_map("c")), both(config_map("d"), config_map("d"))
    assert suspects(Pairs((missing, surplus, pair, barred)), {barred.key: "no"}) == [pair]
