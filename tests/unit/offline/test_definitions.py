"""Definitions that no application brings."""

from tests.support.lookalikes import DEFINITION
from tests.support.memtree import MemTree

from trueup.model.resource import GroupKind
from trueup.offline.definitions import definitions, is_namespaced

BOAT = DEFINITION % {"group": "harbour.example", "kind": "Boat", "plural": "boats"}
KIND = GroupKind("harbour.example", "Boat")


def test_a_definition_is_found_wherever_it_is() -> None:
    tree = MemTree({"chart/crds/all.yaml": f"kind: x\n---\n{BOAT}", "tests/boat.yaml": BOAT, "other.txt": BOAT})
    (found,) = definitions(tree, {KIND, GroupKind("harbour.example", "Ship")})
    assert (found.key.name, found.origin, is_namespaced(found)) == ("boats.harbour.example", "tests/boat.yaml:1", True)


def test_what_cannot_be_read_defines_nothing() -> None:
    assert definitions(MemTree({"a.yaml": "{{ if x }}\n" + BOAT, "b.yaml": BOAT + "status: ["}), {KIND}) == []


def test_nothing_is_read_where_no_kind_is_unknown() -> None:
    tree = MemTree({"boat.yaml": BOAT})
    assert definitions(tree, set()) == []
    assert tree.reads == []
