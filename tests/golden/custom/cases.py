"""Definitions of custom kinds and requests for them, and what a Kubernetes API server makes of them.

``<topic>.input.yaml`` is a list of cases. Each defines a kind of its own group: ``schema`` is the ``openAPIV3Schema``
of its one version, ``version`` more fields of that, ``spec`` a merge patch over the definition's spec. ``requests``
follow: ``create`` (an object without its boilerplate), ``update`` and ``status`` (a merge patch over the last answer,
PUT), ``redefine`` (a merge patch over the definition's spec) and ``read`` (another version). ``<topic>.expected.yaml``
holds the answers of a real kube-apiserver, written by ``python -m tests.golden.custom.record``.
"""

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.support import plainyaml

from kubegrammar.patch import merge_patch
from pocketkube.cluster.custom import CustomResources, crd_behaviour, settle
from pocketkube.cluster.failure import Failure, FieldCause, invalid
from pocketkube.cluster.names import subdomain
from pocketkube.cluster.resource import Behaviour, Resource

Json = dict[str, Any]

FOLDER = Path(__file__).parent
NAMESPACE = "default"
NOW = "2026-01-01T00:00:00Z"
DEFINITION = "CustomResourceDefinition"
_OWN_TO_A_SERVER = ("uid", "creationTimestamp", "resourceVersion", "managedFields", "selfLink")
_SCHEMA = re.compile(r"Invalid value: \{.*\}: only")
_SECRET_TYPE = re.compile(r"(?:selfType|__type_|kubernetes_)[A-Za-z0-9_.]*|\bobject\b(?=[,)])")


def topics() -> list[str]:
    return sorted(path.name.removesuffix(".input.yaml") for path in FOLDER.glob("*.input.yaml"))


def load(topic: str, kind: str) -> list[Json]:
    cases: list[Json] = plainyaml.read((FOLDER / f"{topic}.{kind}.yaml").read_text())
    # By way of JSON, as anchors of the input would make two places one object.
    for index, case in enumerate(cases):
        cases[index] = json.loads(json.dumps(case)) | {"group": f"{topic}-{index}.example.com"}
    return cases


def all_cases() -> Iterable[tuple[str, Json, Json]]:
    """Names, inputs and expectations."""
    for topic in topics():
        expected = {case["case"]: case for case in load(topic, "expected")}
        for case in load(topic, "input"):
            yield f"{topic}: {case['case']}", case, expected[case["case"]]


def definition_of(case: Json) -> Json:
    spec: Json = {
        "group": case["group"],
        "names": {"plural": "widgets", "kind": "Widget"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True}],
    }
    if "schema" in case:
        spec["versions"][0]["schema"] = {"openAPIV3Schema": case["schema"]}
    if "version" in case:
        spec["versions"][0] |= case["version"]
    spec = merge_patch(spec, case.get("spec", {}))
    metadata: Json = {"name": case.get("name", f"{spec['names'].get('plural', '')}.{spec.get('group', '')}")}
    if "annotations" in case:
        metadata["annotations"] = case["annotations"]
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": DEFINITION, "metadata": metadata, "spec": spec}


def object_of(case: Json, given: Json) -> Json:
    boilerplate = {"apiVersion": f"{case['group']}/v1", "kind": "Widget", "metadata": {"name": "one"}}
    made: Json = merge_patch(boilerplate, given)
    # A merge patch drops nulls, which are what some cases are about.
    return made | {key: value for key, value in given.items() if key != "metadata"}


def plain(obj: Json) -> Json:
    """An answer without what depends on the server."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _OWN_TO_A_SERVER}
    metadata.pop("namespace", None)
    if not metadata.get("finalizers"):
        metadata.pop("finalizers", None)
    shown: Json = json.loads(json.dumps(obj | {"metadata": metadata}, sort_keys=True))
    if obj["kind"] == DEFINITION:
        return {"metadata": metadata, "spec": shown["spec"]}
    return shown


def refusal(status: Json) -> Json:
    """The part of a Status that says what is wrong. The order of causes depends on that of Go's maps."""
    details = status.get("details") or {}
    causes = sorted(
        f"{cause.get('field', '')}: {cause.get('reason', '')}: {cause.get('message', '')}"
        for cause in details.get("causes", ())
    )
    shown: Json = {"code": status.get("code"), "reason": status.get("reason", "")}
    if len(causes) > 1:
        return shown | {"causes": [_nameless(cause) for cause in causes]}
    return shown | {"message": _nameless(status.get("message", "")), "causes": [_nameless(cause) for cause in causes]}


def _nameless(text: str) -> str:
    """Types of objects have names made up by the server; it shows whole schemas as structs of its own."""
    return _SCHEMA.sub("Invalid value: {…}: only", _SECRET_TYPE.sub("object", text))


def answered(obj: Json, warnings: Iterable[str]) -> Json:
    # That a rule would refuse what did not change is no matter of the object sent.
    kept = sorted(text for text in warnings if "failed rule" not in text)
    return {"object": plain(obj)} | ({"warnings": kept} if kept else {})


class Local:
    """The write path in short, for kinds without a server."""

    def __init__(self, case: Json) -> None:
        self._case = case
        self._definitions = crd_behaviour()
        self._custom = CustomResources()
        self._definition: Json = {}
        self._object: Json = {}

    def run(self) -> Json:
        outcome: Json = {"case": self._case["case"], "defined": self._define()}
        requests = self._case.get("requests")
        if requests and "object" in outcome["defined"]:
            outcome["answers"] = [self._request(request) for request in requests]
        return outcome

    def _define(self) -> Json:
        obj = definition_of(self._case)
        answer = self._create(self._definitions, obj, DEFINITION, "apiextensions.k8s.io", unknown=False)
        if "object" in answer:
            self._learn(obj)
        return answer

    def _learn(self, obj: Json) -> None:
        self._definition = settle(obj, (), NOW) or obj
        self._custom.replace([self._definition])

    def _request(self, request: Json) -> Json:
        ((verb, given),) = request.items()
        if verb == "redefine":
            new = deepcopy(self._definition) | {"spec": merge_patch(deepcopy(self._definition["spec"]), given)}
            answer = self._update(self._definitions, self._definition, new, "", DEFINITION, "apiextensions.k8s.io")
            if "object" in answer:
                self._learn(new)
            return answer
        if verb == "read":
            resource = self._resource(given)
            return answered(resource.behaviour.convert(deepcopy(self._object), resource.api_version), ())
        resource = self._resource("v1")
        if verb == "create":
            obj = object_of(self._case, given)
            answer = self._create(resource.behaviour, obj, "Widget", self._case["group"], unknown=True)
            if "object" in answer:
                self._object = obj
            return answer
        new = _changed(self._object, given)
        subresource = "status" if verb == "status" else ""
        answer = self._update(resource.behaviour, self._object, new, subresource, "Widget", self._case["group"])
        if "object" in answer:
            self._object = new
        return answer

    def _resource(self, version: str) -> Resource:
        return next(found for found in self._custom.resources() if found.version == version)

    def _create(self, behaviour: Behaviour, obj: Json, kind: str, group: str, *, unknown: bool) -> Json:
        try:
            warnings = _read(behaviour, obj)
            behaviour.prepare_create(obj, "v1")
            name = obj["metadata"]["name"]
            causes = _names(name)
            causes += behaviour.validate(obj, "v1")
            if causes:
                raise invalid(kind, group, name, causes)
        except Failure as failure:
            return {"refused": refusal(failure.status())}
        return answered(obj, [*warnings, *behaviour.warnings(obj, "v1")])

    def _update(self, behaviour: Behaviour, old: Json, new: Json, subresource: str, kind: str, group: str) -> Json:
        try:
            warnings = _read(behaviour, new)
            behaviour.prepare_update(old, new, "v1", subresource)
            causes = behaviour.validate_update(old, new, "v1", subresource)
            if causes:
                raise invalid(kind, group, new["metadata"]["name"], causes)
        except Failure as failure:
            return {"refused": refusal(failure.status())}
        return answered(new, warnings)


def _names(name: str) -> list[FieldCause]:
    return [
        FieldCause("FieldValueInvalid", f'Invalid value: "{name}": {text}', "metadata.name") for text in subdomain(name)
    ]


def _changed(obj: Json, given: Json) -> Json:
    new: Json = merge_patch(deepcopy(obj), given)
    return new


def _read(behaviour: Behaviour, obj: Json) -> list[str]:
    behaviour.check(obj, "v1")
    prune = getattr(behaviour, "prune", None)
    unknown = prune(obj, "v1") if prune else []
    behaviour.default(obj, "v1")
    return [f'unknown field "{path}"' for path in unknown]


def run(case: Json) -> Json:
    """What the custom kinds make of a case, in the form of an expectation."""
    return Local(case).run()
