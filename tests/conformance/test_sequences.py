"""Random sequences of writes by several managers end alike on both servers, and the engine's prediction of an apply is
what a dry run answers."""

import itertools
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conformance.exchange import APPLY, MERGE, Both, Json, Server, plain
from tests.support.tiers import everywhere

from kubegrammar.merge import Type, TypedError, predict
from pocketkube.cluster import catalog

NAMES = itertools.count(1)
EMPTY: tuple[Any, ...] = (None, [], {})
EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
MANAGERS = st.sampled_from(["one", "two", "three"])

texts = st.sampled_from(["x", "y"])
labels = st.dictionaries(st.sampled_from(["a", "b", "c"]), texts, max_size=3)
ports = st.lists(
    st.fixed_dictionaries(
        {"containerPort": st.sampled_from([80, 81])},
        optional={"name": st.sampled_from(["p", "q"]), "protocol": st.sampled_from(["TCP", "UDP"])},
    ),
    max_size=2,
    unique_by=lambda port: (port["containerPort"], port.get("protocol", "TCP")),
)
containers = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["main", "side"]), "image": st.sampled_from(["i:1", "i:2"])},
        optional={
            "ports": ports,
            "args": st.lists(texts, max_size=2),
            "env": st.lists(
                st.fixed_dictionaries({"name": st.sampled_from(["A", "B"]), "value": texts}),
                max_size=2,
                unique_by=lambda one: one["name"],
            ),
            "resources": st.fixed_dictionaries(
                {}, optional={"limits": st.sampled_from([{"cpu": "1"}, {"cpu": "500m"}])}
            ),
        },
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda container: container["name"],
)
specs = st.fixed_dictionaries(
    {"containers": containers},
    optional={"grace": st.sampled_from([1, 30]), "labels": labels, "finalizers": st.just(["example.com/x"])},
)
operations = st.lists(
    st.tuples(st.sampled_from(["apply", "apply", "force", "update", "patch", "delete"]), MANAGERS, specs),
    min_size=2,
    max_size=6,
)


def manifest(name: str, spec: Json) -> Json:
    """A PodTemplate: all that Pods have, and no controller that touches it."""
    metadata: Json = {"name": name, "labels": {"case": "sequence"}}
    if "labels" in spec:
        metadata["annotations"] = spec["labels"]
    if "finalizers" in spec:
        metadata["finalizers"] = spec["finalizers"]
    pod: Json = {"containers": spec["containers"]}
    if "grace" in spec:
        pod["terminationGracePeriodSeconds"] = spec["grace"]
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
    return {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": template}


class Life:
    """One object on one server, step by step."""

    def __init__(self, server: Server, namespace: str, name: str) -> None:
        self.server, self.name = server, name
        self.path = f"/api/v1/namespaces/{namespace}/podtemplates"
        self.told: list[Any] = []

    async def step(self, operation: str, manager: str, spec: Json) -> None:
        own, obj = f"{self.path}/{self.name}", manifest(self.name, spec)
        match operation:
            case "apply" | "force":
                force = "&force=true" if operation == "force" else ""
                path = f"{own}?fieldManager={manager}{force}"
                answer = await self.server.ask("PATCH", path, obj, {"Content-Type": APPLY})
            case "update":
                answer = await self.server.ask("PUT", f"{own}?fieldManager={manager}", obj)
                if answer.code == 404:
                    answer = await self.server.ask("POST", f"{self.path}?fieldManager={manager}", obj)
            case "patch":
                body = {"metadata": {"annotations": spec.get("labels") or {"p": "q"}}}
                answer = await self.server.ask("PATCH", f"{own}?fieldManager={manager}", body, {"Content-Type": MERGE})
            case _:
                answer = await self.server.ask("DELETE", own)
        self.told.append(reduced(answer.plain()))

    async def end(self) -> None:
        own = f"{self.path}/{self.name}"
        await self.server.ask("PATCH", own, {"metadata": {"finalizers": None}}, {"Content-Type": MERGE})
        await self.server.ask("DELETE", own)


def reduced(answer: Json) -> Json:
    """Without generations, and advice on Pods, which the embedded server does not give."""
    answer.pop("warnings", None)
    body = answer["body"]
    if isinstance(body, dict) and isinstance(body.get("metadata"), dict):
        body["metadata"].pop("generation", None)
    return answer


@everywhere
@EXAMPLES
@given(steps=operations)
async def test_random_writes_end_alike(both: Both, namespace: str, steps: list[tuple[str, str, Json]]) -> None:
    name = f"s{next(NAMES)}"
    real, embedded = Life(both.real, namespace, name), Life(both.embedded, namespace, name)
    for step in steps:
        await real.step(*step)
        await embedded.step(*step)
        assert embedded.told[-1] == real.told[-1], step
    await real.end()
    await embedded.end()


class OneVersion:
    """PodTemplates in v1 alone."""

    def type_of(self, api_version: str) -> Type:
        return catalog.type_of(api_version, "PodTemplate")

    def serves(self, api_version: str) -> bool:
        return api_version == "v1"

    def convert(self, obj: Json, api_version: str) -> Json:
        return obj


def compared(obj: Json) -> Json:
    """Without times and what only a server says."""
    found: Json = plain(msgspec.json.decode(msgspec.json.encode(obj)))
    for entry in found["metadata"].get("managedFields") or ():
        entry.pop("time", None)
    for field in ("generation", "resourceVersion", "uid", "creationTimestamp"):
        found["metadata"].pop(field, None)
    found.pop("status", None)
    # What is emptied is null until the server has read it.
    found["metadata"] = {name: value for name, value in found["metadata"].items() if value not in EMPTY}
    return found


@EXAMPLES
@given(first=specs, second=specs, third=specs, other=MANAGERS)
async def test_what_is_predicted_is_what_a_dry_run_answers(
    both: Both, namespace: str, first: Json, second: Json, third: Json, other: str
) -> None:
    name = f"p{next(NAMES)}"
    path = f"/api/v1/namespaces/{namespace}/podtemplates/{name}"
    apply = {"Content-Type": APPLY}
    await both.real.ask("PATCH", f"{path}?fieldManager=one", manifest(name, first), apply)
    await both.real.ask("PATCH", f"{path}?fieldManager={other}&force=true", manifest(name, second), apply)
    found_live = await both.real.ask("GET", path)
    if found_live.code != 200:
        # Both applies were refused, for two ports of one name for example.
        return
    live = found_live.body
    config = manifest(name, third)
    dry = await both.real.ask("PATCH", f"{path}?fieldManager=one&force=true&dryRun=All", config, apply)
    try:
        predicted = predict(live, config, OneVersion(), manager="one")
    except TypedError:
        assert dry.code >= 400
    else:
        if dry.code == 200:
            want, found = compared(dry.body), compared(predicted)
            # The server fills in what is new; what was there, and who owns what, is known without it.
            assert found["metadata"] == want["metadata"]
            assert subset(found["template"], want["template"])
            if predicted is live:
                assert compared(live) == want
    await both.real.ask("DELETE", path)


def subset(found: Any, want: Any) -> bool:
    """Whether all that was predicted is there, with its value and in its place."""
    if isinstance(found, dict) and isinstance(want, dict):
        return all(name in want and subset(value, want[name]) for name, value in found.items() if value not in EMPTY)
    if isinstance(found, list) and isinstance(want, list):
        return len(found) == len(want) and all(map(subset, found, want))
    return bool(found == want)
