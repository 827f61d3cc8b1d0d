"""A fault is told at the line of its field, and a value of a wrong type with what to write instead."""

import pytest
from tests.support.memtree import MemTree

from trueup.offline.line import line_of_field
from trueup.offline.place import refined
from trueup.offline.trial import hint_of

FILE = """# first
kind: ConfigMap
---
kind: Service
metadata:
  annotations:
    example.com/a.b: x
    example.com: y
spec:
  ports:
  - name: web
    port: "80"
  - {name: other, port: 81, protokol: TCP}
  typ: x
"""
FIELDS = {
    "the object": ("", 4),
    "a field": ("spec.typ", 14),
    "of an item by its number": ("spec.ports[0].port", 12),
    "of an item by its key, with a default of the server's": ('spec.ports[port="80",protocol="TCP"].port', 12),
    "of another item": ("spec.ports[port=81,protocol=TCP].protokol", 13),
    "a key with dots": ("metadata.annotations.example.com/a.b", 7),
    "a key that begins another": ("metadata.annotations.example.com", 8),
    "one that is not there, in one that is": ("spec.selector.app", 9),
    "in an item that is not there": ("spec.ports[7].port", 10),
    "another object's": ("data.a", 4),
}


@pytest.mark.parametrize("case", FIELDS)
def test_the_line_of_a_field(case: str) -> None:
    field, line = FIELDS[case]
    assert line_of_field(FILE.encode(), 4, field) == line
    assert refined("a/b.yaml:4", MemTree({"a/b.yaml": FILE}), field) == f"a/b.yaml:{line}"


@pytest.mark.parametrize("place", ["a/b.yaml", "a/b.yaml:9:1", "none.yaml:3", "kustomize overlay", ""])
def test_what_is_no_line_of_a_file_stays(place: str) -> None:
    assert refined(place, MemTree({"a/b.yaml": FILE}), "spec.typ") == place


def test_a_text_that_cannot_be_read_keeps_its_line() -> None:
    assert line_of_field(b"a: [", 1, "a") == 1


HINTS = {
    "expected numeric (int or float), got string": "without quotes",
    "expected boolean, got string": "true or false without quotes",
    "expected string, got &value.valueUnstructured{Value:1}": "into quotes",
    "expected list, got map": "a list",
    "expected map, got string": "mapping",
    "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32": "without quotes",
    "json: cannot unmarshal number into Go struct field EnvVar.env.value of type string": "into quotes",
    "spec.replicas: must be at least 0": "",
}


@pytest.mark.parametrize("text", HINTS)
def test_a_value_of_a_wrong_type_has_a_hint(text: str) -> None:
    assert HINTS[text] in hint_of(text) and bool(hint_of(text)) is bool(HINTS[text])
