"""Tables are those that a real kube-apiserver made of the same objects."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from tests.golden.tables.cases import Json, expected_path, load_cases, plain
from tests.support import plainyaml
from tests.support.objects import Empty

from pocketkube.cluster.kinds import Kinds
from pocketkube.cluster.resource import Resource
from pocketkube.cluster.tables import table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = Kinds(Empty(), lambda: NOW, Random(1))


def recorded() -> Iterator[Any]:
    for case in load_cases():
        for found in plainyaml.read(expected_path(case["case"]).read_text()):
            facts = found["resource"]
            yield pytest.param(found, id=f"{case['case']} in {facts['group']}/{facts['version']}")


def resource_of(facts: Json) -> Resource:
    custom = facts["group"] == "table.example.com"
    version = f"{facts['group']}/{facts['version']}" if facts["group"] else facts["version"]
    return Resource(
        group=facts["group"],
        version=facts["version"],
        kind=facts["kind"],
        plural=facts["plural"],
        singular=facts["kind"].lower(),
        namespaced=facts["namespaced"],
        verbs=(),
        stored_as=facts["plural"],
        storage_version=version,
        behaviour=KINDS.behaviour_of(facts["group"], facts["kind"]),
        columns=tuple(facts.get("columns", ())) if custom else None,
    )


@pytest.mark.parametrize("found", list(recorded()))
def test_like_the_real_server(found: Json) -> None:
    expected = found["table"]
    made = table(
        resource_of(found["resource"]),
        [row["object"] for row in expected["rows"]],
        now=datetime.fromisoformat(found["now"]),
        include_object="Object",
        revision=expected["metadata"].get("resourceVersion", ""),
    )
    assert plain(msgspec.json.decode(msgspec.json.encode(made))) == expected
