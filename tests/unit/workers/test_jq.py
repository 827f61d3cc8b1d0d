"""jq in a child: which fields an expression names, and what a hostile one can do (nothing)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from trueup.workers.jq import LONGEST_EXPRESSION, Jq, JqFault, JqPaths

SECONDS = 5.0
"""Processor time that what ends has, on any machine."""
SOON = 0.3
"""For what never ends."""
DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"annotations": {"sidecar.istio.io/status": "x"}, "labels": {}},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:1", "env": [{"name": "A"}, {"name": "B"}]},
                    {"name": "istio-proxy", "image": "p:1"},
                ]
            }
        },
    },
    "webhooks": [{"clientConfig": {"caBundle": "z"}}, {"name": "n"}],
}
CONTAINERS = ["spec", "template", "spec", "containers"]

NAMED: dict[str, list[list[Any]]] = {
    ".spec.replicas": [["spec", "replicas"]],
    ".spec.replicas, .kind": [["spec", "replicas"], ["kind"]],
    ".spec.template.spec.containers[].image": [[*CONTAINERS, 0, "image"], [*CONTAINERS, 1, "image"]],
    '.spec.template.spec.containers[] | select(.name == "istio-proxy")': [[*CONTAINERS, 1]],
    '.spec.template.spec.containers[] | select(.name | test("^istio-"))': [[*CONTAINERS, 1]],
    '.spec.template.spec.containers[] | select(.name | IN("web", "x")) | .env[0]': [[*CONTAINERS, 0, "env", 0]],
    '.spec.template.spec.containers[] | select(any(.env[]?; .name == "A")) | .env': [[*CONTAINERS, 0, "env"]],
    ".webhooks[]?.clientConfig.caBundle": [
        ["webhooks", 0, "clientConfig", "caBundle"],
        ["webhooks", 1, "clientConfig", "caBundle"],
    ],
    ".webhooks[1:]": [["webhooks", {"start": 1}]],
    ".webhooks | last": [["webhooks", -1]],
    '.metadata.annotations."sidecar.istio.io/status"': [["metadata", "annotations", "sidecar.istio.io/status"]],
    '.metadata.annotations["sidecar.istio.io/status"]': [["metadata", "annotations", "sidecar.istio.io/status"]],
    'if .kind == "Deployment" then .spec.replicas else empty end': [["spec", "replicas"]],
    'select(.kind == "StatefulSet").spec.replicas': [],
    'getpath(["spec", "replicas"])': [["spec", "replicas"]],
    ".spec.replicas # a remark": [["spec", "replicas"]],
    ".. | objects | .caBundle // empty": [["webhooks", 0, "clientConfig", "caBundle"]],
    "def f: .spec; f.replicas": [["spec", "replicas"]],
}

NAMES_NOTHING_HERE = {
    "a list that is not there": ".spec.initContainers[].image",
    "a step into a number": ".spec.replicas.x",
    "an item of no number": ".spec.initContainers[nan]?",
    "an item beyond all numbers": ".webhooks[1e400]?",
    "a slice of no number": ".webhooks[nan:nan]?",
    "no path": "to_entries[] | .value",
    "what ends the process": "halt",
    "what ends the process with an error": "halt_error",
    "the environment": "env.PATH",
    "further input": "input",
}

FAULTS = {
    "no jq": (".[", "does not compile: expected closing bracket"),
    "nothing": ("", "does not compile: expected term"),
    "an unknown filter": ("frobnicate", "does not compile: undefined filter"),
    "brackets that close ours": (".a) | (.b", "does not compile"),
    "an import": ('import "a" as a; .', "does not compile"),
    "too many paths": ("range(20000) as $i | .a", "names more than 10,000 fields"),
    "too long a text": ("." + "a" * LONGEST_EXPRESSION, "longer than 10000 characters"),
    "too much memory": ('.a | select("x" * 2000000000 | length > 0)', "jq crashed or needed more than 512 MiB"),
}

ENDLESS = {"a recursion": "def f: f; f", "a loop": "reduce range(1e12) as $i (.; .)"}


@pytest_asyncio.fixture(scope="module")
async def jq() -> AsyncIterator[Jq]:
    made = Jq(lambda: SECONDS)
    yield made
    await made.close()


async def ask(jq: Jq, expression: str, document: Any = DEPLOYMENT) -> JqPaths | JqFault:
    return await jq.paths(expression, json.dumps(document).encode())


@pytest.mark.parametrize("expression", NAMED)
async def test_paths_of(jq: Jq, expression: str) -> None:
    assert await ask(jq, expression) == JqPaths(tuple(tuple(path) for path in NAMED[expression]))


@pytest.mark.parametrize("what", NAMES_NOTHING_HERE)
async def test_an_expression_that_does_not_fit_names_nothing(jq: Jq, what: str) -> None:
    assert await ask(jq, NAMES_NOTHING_HERE[what]) == JqPaths()


@pytest.mark.parametrize("what", FAULTS)
async def test_nothing_is_known_of(jq: Jq, what: str) -> None:
    expression, reason = FAULTS[what]
    found = await ask(jq, expression)
    assert isinstance(found, JqFault)
    assert found.reason.startswith(reason)
    assert await ask(jq, ".kind") == JqPaths((("kind",),)), "the next expression is answered"


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_ended(what: str) -> None:
    jq = Jq(lambda: SOON)
    assert await ask(jq, ENDLESS[what]) == JqFault("jq did not end within 0.3 s")
    assert await ask(jq, ".kind") == JqPaths((("kind",),)), "the next expression is answered"
    await jq.close()


async def test_what_a_document_holds_is_in_no_reason(jq: Jq) -> None:
    for expression in ("error", "debug | error", ".data | tojson", ".data | halt_error"):
        assert "canary" not in str(await ask(jq, expression, {"data": "canary"})), expression
