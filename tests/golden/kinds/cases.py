"""Objects that are created and changed, and what a Kubernetes API server makes of them.

``<topic>.input.yaml`` is a list of cases: ``create`` is POSTed, then ``change``, a merge patch over the answer, is PUT
(to ``subresource`` where the case names one). ``<topic>.expected.yaml`` holds the answers of a real kube-apiserver,
written by ``python -m tests.golden.kinds.record``.
"""

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from tests.support import plainyaml

from kubegrammar.patch import merge_patch
from pocketkube.cluster.failure import Failure, invalid
from pocketkube.cluster.kinds import Kinds

Json = dict[str, Any]

FOLDER = Path(__file__).parent
NAMESPACE = "kinds"
UID = "7b0f4c1e-3a52-4d8f-9f2e-0c6a3f1d2b4e"
CLUSTER_WIDE = {
    *("Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass", "ClusterRole"),
    *("ClusterRoleBinding", "CSIDriver", "RuntimeClass", "ValidatingWebhookConfiguration", "FlowSchema"),
    *("MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    *("PriorityLevelConfiguration", "CertificateSigningRequest", "APIService", "VolumeAttributesClass"),
}
_OWN_TO_A_SERVER = ("uid", "creationTimestamp", "resourceVersion", "managedFields", "selfLink")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIFFERENCE = re.compile(r"\n@@ .*", re.S)
_QUOTED = re.compile(r"value: (?=\{)")
_CHANCE = (
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-?"),
    (re.compile(r"\b10\.(9[6-9]|1[01][0-9])\.[0-9]+\.[0-9]+\b"), "ADDRESS"),
    (re.compile(r'"last(Phase)?TransitionTime": "[^"]*"'), '"last\\1TransitionTime": "NOW"'),
)


def topics() -> list[str]:
    return sorted(path.name.removesuffix(".input.yaml") for path in FOLDER.glob("*.input.yaml"))


def load(topic: str, kind: str) -> list[Json]:
    cases: list[Json] = plainyaml.read((FOLDER / f"{topic}.{kind}.yaml").read_text())
    return cases


def all_cases() -> Iterable[tuple[str, Json, Json]]:
    """Names, inputs and expectations."""
    for topic in topics():
        expected = {case["case"]: case for case in load(topic, "expected")}
        for case in load(topic, "input"):
            yield f"{topic}: {case['case']}", case, expected[case["case"]]


def prepared(case: Json) -> Json:
    # By way of JSON, as anchors of the input would make two places one object.
    obj: Json = json.loads(json.dumps(case["create"]))
    if obj["kind"] not in CLUSTER_WIDE:
        obj["metadata"].setdefault("namespace", NAMESPACE)
    return obj


def plain(answer: Json, *, given: Json, status: bool) -> Json:
    """An answer without what depends on the server, on chance or on controllers."""
    answer = deepcopy(answer)
    metadata = answer.get("metadata") or {}
    uid = metadata.get("uid") or UID
    for key in _OWN_TO_A_SERVER:
        metadata.pop(key, None)
    if not status:
        answer.pop("status", None)
    if answer.get("kind") == "Service":
        for port in answer["spec"].get("ports") or ():
            if "nodePort" in port and str(port["nodePort"]) not in json.dumps(given):
                port["nodePort"] = 1
    text = json.dumps(answer, sort_keys=True).replace(uid, "UID")
    for pattern, shown in _CHANCE:
        text = pattern.sub(shown, text)
    result: Json = json.loads(text)
    return result


def refusal(status: Json) -> Json:
    """The part of a Status that says what is wrong, the causes in order.

    Structs that a message quotes are left out: the real server shows them as its internal types, whose fields clients
    never see, and differences of whole specs.
    """
    details = status.get("details") or {}
    shown = {
        "code": status.get("code"),
        "reason": status.get("reason", ""),
        "message": status.get("message", ""),
        "causes": [
            f"{c.get('field', '')}: {c.get('reason', '')}: {c.get('message', '')}" for c in details.get("causes", ())
        ],
    }
    result: Json = json.loads(_UID.sub("UID", json.dumps(shown)))
    result["causes"] = [_brief(text) for text in result["causes"]]
    result["message"] = _brief(result["message"])
    return result


def _brief(text: str) -> str:
    """Without differences and structs; maps of texts stay."""
    text = _DIFFERENCE.sub("", text)
    parts, at = [], 0
    while match := _QUOTED.search(text, at):
        value, end = json.JSONDecoder().raw_decode(text, match.end())
        plain_map = all(isinstance(item, str) for item in value.values()) and not {"Kind", "kind", "type"} & {*value}
        shown = text[match.end() : end] if plain_map or "matchLabels" in value else "{…}"
        parts.append(text[at : match.end()] + shown)
        at = end
    return "".join(parts) + text[at:]


class Account:
    """A cluster that has the default ServiceAccount and the system's priority classes."""

    def find(self, stored_as: str, namespace: str, name: str) -> Json | None:
        if stored_as == "serviceaccounts" and name == "default":
            return {"metadata": {"name": name, "namespace": namespace}}
        return None

    def every(self, stored_as: str) -> list[Json]:
        return []


def run(case: Json) -> Json:
    """What the kinds make of a case, in the form of an expectation."""
    kinds = Kinds(Account(), lambda: datetime(2026, 1, 1, tzinfo=UTC), Random(1))
    obj = prepared(case)
    group, _, version = obj["apiVersion"].rpartition("/")
    behaviour = kinds.behaviour_of(group, obj["kind"])
    name = obj["metadata"].get("name", "")
    outcome: Json = {"case": case["case"]}
    try:
        behaviour.check(obj, version)
        behaviour.default(obj, version)
        obj["metadata"]["uid"] = UID
        behaviour.prepare_create(obj, version)
        if causes := behaviour.validate(obj, version):
            raise invalid(*behaviour.refused_as, name, causes)
    except Failure as failure:
        return outcome | {"refused": refusal(failure.status())}
    outcome["created"] = plain(obj, given=case["create"], status=True)
    if "change" not in case:
        return outcome
    subresource = case.get("subresource", "")
    obj["metadata"]["resourceVersion"] = "1"
    new = merge_patch(deepcopy(obj), case["change"])
    try:
        behaviour.check(new, version)
        behaviour.default(new, version)
        behaviour.prepare_update(obj, new, version, subresource)
        if causes := behaviour.validate_update(obj, new, version, subresource):
            raise invalid(*behaviour.refused_as, name, causes)
    except Failure as failure:
        return outcome | {"change_refused": refusal(failure.status())}
    return outcome | {"changed": plain(new, given=case["create"], status=bool(subresource))}
