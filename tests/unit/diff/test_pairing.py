"""Which objects are compared, which may be pruned (feature inventory, rules 5, 6 and 17 of section 3)."""

from typing import Any

import pytest
from tests.unit.diff.objects import INSTANCE, config_map, live, manifest, tracked

from trueup.diff import DryRunAnswer, Pair, Pairs, compare, pair, shared, suspects
from trueup.model.live import LiveObject
from trueup.model.status import SyncCode

HOOK = "argocd.argoproj.io/hook"


def paired(*wanted: dict[str, Any], managed: list[dict[str, Any]] | None = None, others: Any = ()) -> Pairs:
    mine = {item.key: item for item in map(live, managed or [])}
    every: dict[Any, LiveObject] = mine | {item.key: item for item in map(live, others)}
    return pair([manifest(obj) for obj in wanted], mine, every.get)


def names(pairs: Pairs) -> list[tuple[str, bool, bool]]:
    return [(item.key.name, item.target is not None, item.live is not None) for item in pairs.pairs]


def test_a_manifest_meets_its_live_object_whoever_owns_it() -> None:
    pairs = paired(config_map("web"), managed=[], others=[config_map("web"), config_map("other")])
    assert names(pairs) == [("web", True, True)]


def test_pairs_are_sorted_by_key() -> None:
    pairs = paired(config_map("b"), config_map("a"), managed=[config_map("c", annotations=tracked("c"))])
    assert names(pairs) == [("a", True, False), ("b", True, False), ("c", False, True)]


CANDIDATES: dict[str, tuple[dict[str, Any], bool]] = {
    "an object that left Git": (config_map("old", annotations=tracked("old")), True),
    "not one whose tracking id was copied from another": (
        config_map("old", annotations=tracked("old", "source")),
        False,
    ),
    "not one without a tracking id": (config_map("old"), False),
    "not one with an owner": (
        config_map("old", annotations=tracked("old"), ownerReferences=[{"kind": "Deployment", "name": "web"}]),
        False,
    ),
    "not a hook": (config_map("old", annotations=tracked("old") | {HOOK: "Sync"}), False),
    "not a hook of a type nobody knows": (config_map("old", annotations=tracked("old") | {HOOK: "Dance"}), False),
    "not a Helm hook": (config_map("old", annotations=tracked("old") | {"helm.sh/hook": "pre-install"}), False),
    "a crd-install object is no hook": (
        config_map("old", annotations=tracked("old") | {"helm.sh/hook": "crd-install"}),
        True,
    ),
}


@pytest.mark.parametrize("rule", CANDIDATES)
def test_prune_candidates(rule: str) -> None:
    obj, expected = CANDIDATES[rule]
    assert any(item.requires_pruning for item in paired(managed=[obj]).pairs) is expected


def test_a_live_hook_is_shown_as_one() -> None:
    (item,) = paired(managed=[config_map("job", annotations=tracked("job") | {HOOK: "PreSync"})]).pairs
    assert item.hook


HOOKS = {
    "any value of the annotation": ({HOOK: "PostSync"}, True),
    "Skip": ({HOOK: "Skip"}, True),
    "a value nobody knows": ({HOOK: "Dance"}, True),
    "a Helm hook": ({"helm.sh/hook": "post-upgrade"}, True),
    "crd-install is a plain object": ({"helm.sh/hook": "crd-install"}, False),
    "no annotation": ({}, False),
}


@pytest.mark.parametrize("rule", HOOKS)
def test_hook_manifests_are_split_off(rule: str) -> None:
    annotations, expected = HOOKS[rule]
    pairs = paired(config_map("x", annotations=annotations))
    assert (len(pairs.hooks), len(pairs.pairs)) == ((1, 0) if expected else (0, 1))


def test_objects_that_await_a_name_stay_several_and_are_not_live() -> None:
    first, second = ({**config_map(""), "data": {"n": n}} for n in ("1", "2"))
    assert names(paired(first, second, others=[config_map("")])) == [("", True, False), ("", True, False)]


def test_an_object_of_another_application_is_shared() -> None:
    wanted = [config_map("web"), config_map("db"), config_map("own")]
    others = [
        config_map("web", annotations=tracked("web", instance="bank")),
        config_map("db"),
        config_map("own", annotations=tracked("own")),
    ]
    found = shared(paired(*wanted, others=others), INSTANCE)
    assert {key.name: owner for key, owner in found.items()} == {"web": "bank"}


def test_the_kept_namespace_is_compared_and_no_prune_candidate_though_it_was_once_declared() -> None:
    mark = {"argocd.argoproj.io/tracking-id": f"{INSTANCE}:/Namespace:shop/shop"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "annotations": mark}}
    found = live(space)
    kept = Pair(key=found.key, target=manifest({**space, "metadata": {"name": "shop"}}), live=found)
    pairs = pair([], {found.key: found}, {found.key: found}.get, kept)
    assert (pairs.pairs, pairs.compared) == ((), (kept,))
    assert suspects(pairs) == [kept]
    answered = compare(
        pairs, {found.key: DryRunAnswer(body=kept.target.body if kept.target else b"")}, asked=[found.key]
    )
    assert (answered.status, answered.resources) == (SyncCode.OUT_OF_SYNC, ())
    assert answered.namespace is not None
    assert not answered.namespace.requires_pruning
    assert compare(pairs, {}, asked=[]).status is SyncCode.SYNCED
