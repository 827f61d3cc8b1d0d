"""Our CustomResourceDefinitions: what they accept, what they require, and how they read."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from trueup.model.fields import Fields
from trueup.store.crds import OPAQUE, REQUIRED, application_crd, project_crd

GOLDEN = Path(__file__).parents[2] / "golden" / "crds"
DEFINITIONS: dict[str, Callable[[], dict[str, Any]]] = {"applications": application_crd, "appprojects": project_crd}
ROOTS = {"Application": application_crd, "AppProject": project_crd}


def schema_of(definition: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a field: ``spec.sources[].helm``."""
    for name in path.split("."):
        schema = schema["properties"][name.removesuffix("[]")]
        if name.endswith("[]"):
            schema = schema["items"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field with its path, depth first."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from nodes(field, f"{path}.{name}")
        for part in ("items", "additionalProperties"):
            yield from nodes(field.get(part, {}), f"{path}.{name}")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definition_is_the_reviewed_one(name: str) -> None:
    """Written anew by ``UPDATE_GOLDEN=1 pytest tests/unit/store``; then read the difference before you commit it."""
    file = GOLDEN / f"{name}.yaml"
    text = yaml.safe_dump(DEFINITIONS[name](), sort_keys=False, width=120, allow_unicode=True)
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def argo_types() -> dict[str, list[str]]:
    lines = (GOLDEN / "argo-fields.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def missing(schema: dict[str, Any], type_: str, types: dict[str, list[str]], path: str) -> Iterator[str]:
    """Fields of an Argo CD type that a schema would drop."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    for entry in types[type_]:
        field, _, inner = entry.partition(":")
        name = field.removesuffix("[]").removesuffix("{}")
        found = schema.get("properties", {}).get(name)
        if found is None:
            yield f"{path}.{field}"
            continue
        for mark, part in (("[]", "items"), ("{}", "additionalProperties")):
            if field.endswith(mark) and not found.get("x-kubernetes-preserve-unknown-fields"):
                if part not in found:
                    yield f"{path}.{field}"
                found = found.get(part, {"x-kubernetes-preserve-unknown-fields": True})
        if inner:
            yield from missing(found, inner, types, f"{path}.{field}")


@pytest.mark.parametrize("root", ROOTS)
def test_every_field_of_argo_cd_is_accepted(root: str) -> None:
    types = argo_types()
    assert list(missing(schema_of(ROOTS[root]()), root, types, root)) == []


def test_an_unknown_field_would_be_noticed() -> None:
    types = {"Application": ["spec:Spec"], "Spec": ["project", "sources[]:Source", "colour"], "Source": ["shape"]}
    found = list(missing(schema_of(application_crd()), "Application", types, "Application"))
    assert found == ["Application.spec.sources[].shape", "Application.spec.colour"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_field_is_described(name: str) -> None:
    bare = [path for path, field in nodes(schema_of(DEFINITIONS[name]())) if not field.get("description")]
    assert bare == [".metadata"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_descriptions_are_plain_text(name: str) -> None:
    marked = [path for path, field in nodes(schema_of(DEFINITIONS[name]())) if "`" in field.get("description", "")]
    assert marked == []


ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SHAPES = {
    "a text is a string": ("spec.project", {"type": "string"}),
    "a number is 64 bits wide": ("spec.revisionHistoryLimit", {"type": "integer", "format": "int64"}),
    "a time is checked by the server": ("status.reconciledAt", {"type": "string", "format": "date-time"}),
    "a duration stays text": ("spec.syncPolicy.retry.backoff.maxDuration", {"type": "string"}),
    "a replica count may be text": (
        "spec.source.kustomize.replicas[].count",
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
    ),
    "Helm values are kept whole": ("spec.source.helm.valuesObject", ANYTHING),
    "a phase we do not know is stored": ("status.operationState.phase", {"type": "string"}),
    "objects of the status are stored unchecked": ("status.resources", {"type": "array", "items": ANYTHING}),
    "sync results are stored unchecked": ("status.operationState.syncResult", ANYTHING),
    "a map of texts keeps its type": (
        "spec.source.kustomize.commonLabels",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
}


@pytest.mark.parametrize(("path", "expected"), SHAPES.values(), ids=SHAPES)
def test_shape_of_a_field(path: str, expected: dict[str, Any]) -> None:
    schema = dict(at(schema_of(application_crd()), path))
    del schema["description"]
    assert schema == expected


REQUIREMENTS = {
    "an application needs a spec": ("applications", "", ["metadata", "spec"]),
    "a spec needs a destination and a project, not a source": ("applications", "spec", ["destination", "project"]),
    "a source needs a repository": ("applications", "spec.source", ["repoURL"]),
    "a difference to ignore needs a kind": ("applications", "spec.ignoreDifferences[]", ["kind"]),
    "an empty status can be written": ("applications", "status", None),
    "a destination may name server or name": ("applications", "spec.destination", None),
    "a role needs a name": ("appprojects", "spec.roles[]", ["name"]),
    "a kind rule needs group and kind": ("appprojects", "spec.clusterResourceWhitelist[]", ["group", "kind"]),
    "a project's destination needs nothing": ("appprojects", "spec.destinations[]", None),
}


@pytest.mark.parametrize(("name", "path", "expected"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_required_fields_are_those_of_argo_cd(name: str, path: str, expected: list[str] | None) -> None:
    schema = schema_of(DEFINITIONS[name]())
    assert (at(schema, path) if path else schema).get("required") == expected


TABLED = [(type_, name) for type_, names in REQUIRED.items() for name in names] + sorted(OPAQUE, key=repr)


@pytest.mark.parametrize(("type_", "name"), TABLED, ids=[f"{type_.__name__}.{name}" for type_, name in TABLED])
def test_the_tables_name_fields_that_exist(type_: type[Fields], name: str) -> None:
    assert name in {field.name for field in msgspec.structs.fields(type_)}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definition_says_who_made_it_and_has_no_subresource(name: str) -> None:
    definition = DEFINITIONS[name]()
    assert definition["metadata"]["annotations"] == {"trueup.dev/made-by": "trueup"}
    assert definition["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd"
    assert definition["spec"]["versions"][0]["subresources"] == {}
