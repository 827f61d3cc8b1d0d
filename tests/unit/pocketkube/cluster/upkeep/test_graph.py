"""What becomes of an object by its owners."""

import msgspec
import pytest

from pocketkube.cluster.upkeep.graph import (
    FOREGROUND,
    Graph,
    GraphNode,
    OwnerReference,
    State,
    Verdict,
    judge,
    read_node,
)


def node(uid: str, *owners: str, blocks: bool = False) -> GraphNode:
    return GraphNode(
        uid=uid, owner_references=tuple(OwnerReference(uid=one, block_owner_deletion=blocks) for one in owners)
    )


S, D, W, U = State.SOLID, State.DANGLING, State.WAITING, State.UNKNOWN
JUDGED: dict[str, tuple[list[State], bool, Verdict, set[str]]] = {
    "without owners it stays": ([], False, Verdict.KEEP, set()),
    "with its owner it stays": ([S], False, Verdict.KEEP, set()),
    "without its owner it goes": ([D], False, Verdict.DELETE, set()),
    "with one owner left it stays, without the other": ([S, D], False, Verdict.UNTIE, {"1"}),
    "an owner that waits does not keep it": ([S, W], False, Verdict.UNTIE, {"1"}),
    "where its owner waits it goes": ([W], False, Verdict.DELETE, set()),
    "where its owner waits it goes after its own": ([W], True, Verdict.DELETE_FOREGROUND, set()),
    "where its owner is gone it need not wait for its own": ([D], True, Verdict.DELETE, set()),
    "an owner nobody can tell keeps it": ([D, U], False, Verdict.KEEP, set()),
}


@pytest.mark.parametrize(("states", "has_dependents", "verdict", "gone"), JUDGED.values(), ids=JUDGED.keys())
def test_judge(states: list[State], has_dependents: bool, verdict: Verdict, gone: set[str]) -> None:
    item = node("x", *map(str, range(len(states))))
    found = judge(item, lambda owner: states[int(owner.uid)], has_dependents=has_dependents)
    assert found == (verdict, gone)


def test_the_graph_follows_changes_of_owners() -> None:
    graph = Graph()
    assert graph.put("pods", node("a", "one"))
    assert not graph.put("pods", node("a", "one")), "nothing changed"
    assert graph.put("pods", node("a", "two"))
    assert (graph.dependents("one"), graph.dependents("two")) == ([], ["a"])
    assert graph.put("pods", node("a"))
    assert graph.get("a") is None
    assert graph.dependents("two") == []


def test_what_is_gone_is_forgotten() -> None:
    graph = Graph()
    graph.put("pods", node("a", "one"))
    dropped = graph.drop("a")
    assert dropped is not None and dropped.uid == "a"
    assert graph.drop("a") is None
    assert graph.dependents("one") == []


def test_only_what_blocks_holds_an_owner() -> None:
    graph = Graph()
    graph.put("pods", node("a", "one", blocks=True))
    graph.put("pods", node("b", "one"))
    assert graph.blocking("one") == ["a"]
    assert sorted(graph.dependents("one")) == ["a", "b"]


def test_metadata_is_read_from_a_stored_object() -> None:
    metadata = {
        "uid": "x",
        "name": "n",
        "finalizers": [FOREGROUND],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "y", "controller": True}],
    }
    found = read_node(msgspec.json.encode({"kind": "Pod", "metadata": metadata, "spec": {}}))
    assert found.waits_for(FOREGROUND)
    assert found.owners == (OwnerReference("v1", "Pod", "p", "y"),)
