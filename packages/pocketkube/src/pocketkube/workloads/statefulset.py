"""Keeps numbered Pods with claims of their own (pkg/controller/statefulset/stateful_set_control.go)."""

import re
from collections.abc import Sequence
from datetime import datetime

from pocketkube.workloads.decision import (
    Create,
    DeleteObject,
    Object,
    WorkloadDecision,
    Write,
    decided,
    earliest,
    status_patch,
)
from pocketkube.workloads.facts import (
    available_in,
    claim,
    finished,
    labels_of,
    name_of,
    number,
    of_kind,
    owner_reference,
    phase_of,
    ready,
    scaled,
    some,
    terminating,
)
from pocketkube.workloads.revisions import present_revision, surplus_revisions, template_of
from pocketkube.workloads.template import new_pod

REVISION_LABEL = "controller-revision-hash"
NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def decide(owner: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Makes, deletes and replaces Pods in their order, then counts them."""
    pods, adoptions = claim(owner, of_kind(related, "Pod"))
    revisions, _ = claim(owner, of_kind(related, "ControllerRevision"))
    update, revising = present_revision(owner, revisions, "controller.kubernetes.io/hash")
    recorded = (owner.get("status") or {}).get("currentRevision")
    current = next((one for one in revisions if name_of(one) == recorded), update)
    stateful = _Set(owner, pods, current, update, now)
    steps = [] if terminating(owner) else stateful.steps()
    live = {name_of(current), name_of(update), *(labels_of(pod).get(REVISION_LABEL, "") for pod in pods)}
    limit = number(owner["spec"], "revisionHistoryLimit", 10)
    dropped = [DeleteObject(one) for one in surplus_revisions(revisions, live, limit)]
    status = status_patch(owner, stateful.status())
    return decided([*revising, *adoptions, *steps, *dropped, status], stateful.wait())


class _Set:
    def __init__(self, owner: Object, pods: Sequence[Object], current: Object, update: Object, now: datetime) -> None:
        self.owner, self.spec, self.now = owner, owner["spec"], now
        self.current, self.update = current, update
        self.ordered = self.spec.get("podManagementPolicy") != "Parallel"
        self.start = number(self.spec.get("ordinals"), "start")
        self.ordinals = range(self.start, self.start + number(self.spec, "replicas", 1))
        numbered = {ordinal: pod for pod in pods if (ordinal := self._ordinal(pod)) is not None}
        self.pods = numbered

    def steps(self) -> list[Write]:
        """What is due now. Sets that keep an order take one step at a time."""
        found: list[Write] = []
        for ordinal in self.ordinals:
            step, waits = self._keep(ordinal)
            found += step
            if waits and self.ordered:
                return found
        if found:
            return found
        found = self._condemn()
        return found or self._replace()

    def status(self) -> Object:
        """The counts, and the revision that a completed update ends with (``completeUpdate``)."""
        wanted = len(self.ordinals)
        pods = [pod for pod in self.pods.values() if phase_of(pod)]
        staying = [pod for pod in pods if not terminating(pod)]
        ready_count = sum(self._running(pod) for pod in pods)
        updated = sum(self._is_of(pod, self.update) for pod in staying)
        done = updated == ready_count == len(pods) == wanted
        current = self.update if done else self.current
        return {
            "replicas": len(pods),
            "readyReplicas": some(ready_count),
            "availableReplicas": sum(self._available(pod) for pod in pods),
            "currentReplicas": some(sum(self._is_of(pod, current) for pod in staying)),
            "updatedReplicas": some(updated),
            "currentRevision": name_of(current),
            "updateRevision": name_of(self.update),
            "collisionCount": number(self.owner.get("status"), "collisionCount"),
            "observedGeneration": self.owner["metadata"].get("generation"),
        }

    def wait(self) -> float | None:
        """Seconds until a Pod that is ready counts as available."""
        return earliest(*(wait for pod in self.pods.values() if (wait := self._available_in(pod))))

    def _keep(self, ordinal: int) -> tuple[list[Write], bool]:
        """A step towards a Pod that should be there, and whether those after it must wait (``processReplica``)."""
        pod = self.pods.get(ordinal)
        if pod is None:
            return [*self._claims(ordinal), Create(self._pod(ordinal))], True
        if finished(pod):
            return ([] if terminating(pod) else [DeleteObject(pod)]), True
        return [], terminating(pod) or not self._available(pod)

    def _condemn(self) -> list[Write]:
        """Pods beyond the size go, the highest first; in order, one after the other once all are well."""
        condemned = sorted((ordinal for ordinal in self.pods if ordinal not in self.ordinals), reverse=True)
        if not self.ordered:
            return [DeleteObject(self.pods[ordinal]) for ordinal in condemned if not terminating(self.pods[ordinal])]
        if not condemned:
            return []
        unwell = [ordinal for ordinal in sorted(condemned) if not self._available(self.pods[ordinal])]
        highest = self.pods[condemned[0]]
        if terminating(highest) or (unwell and unwell[0] != condemned[0] and not self._available(highest)):
            return []
        return [DeleteObject(highest)]

    def _replace(self) -> list[Write]:
        """Pods of an older template go, the highest first, as far as ``maxUnavailable`` and ``partition`` allow."""
        strategy = self.spec.get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return []
        rolling = strategy.get("rollingUpdate") or {}
        lowest = self.start + number(rolling, "partition")
        allowed = max(1, scaled(rolling.get("maxUnavailable", 1), len(self.ordinals), round_up=False))
        present = [self.pods[ordinal] for ordinal in reversed(self.ordinals)]
        missing = sum(not self._available(pod) or terminating(pod) for pod in present)
        old = [
            self.pods[ordinal]
            for ordinal in reversed(self.ordinals)
            if ordinal >= lowest and not self._is_of(self.pods[ordinal], self.update)
            if not terminating(self.pods[ordinal])
        ]
        unwell = [] if self.ordered else [pod for pod in old if not self._available(pod)]
        well = old if self.ordered else [pod for pod in old if self._available(pod)]
        return [DeleteObject(pod) for pod in [*unwell, *well[: max(0, allowed - missing)]]]

    def _pod(self, ordinal: int) -> Object:
        revision = self._revision_for(ordinal)
        name = f"{name_of(self.owner)}-{ordinal}"
        template = template_of(revision)
        labels = {NAME_LABEL: name, INDEX_LABEL: str(ordinal), REVISION_LABEL: name_of(revision)}
        pod = new_pod(self.owner, template, labels=labels, name=name)
        claimed = {claim["metadata"]["name"]: claim for claim in self.spec.get("volumeClaimTemplates") or ()}
        volumes = [
            {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}", "readOnly": False}}
            for claim in claimed
        ]
        others = [volume for volume in template["spec"].get("volumes") or () if volume["name"] not in claimed]
        spec = {**template["spec"], "hostname": name, "subdomain": self.spec.get("serviceName", "")}
        if volumes or others:
            spec["volumes"] = [*volumes, *others]
        return {**pod, "spec": spec}

    def _revision_for(self, ordinal: int) -> Object:
        """A Pod below the partition comes back as it was (``newVersionedStatefulSetPod``).

        Where there is no ``rollingUpdate`` at all, which is what ``type: RollingUpdate`` alone leaves, as many come
        back as still are of the old revision. They are counted, not read from the status: the controller takes a Pod
        off its count in the step that deletes it, and a status of before that step would bring it back for ever.
        """
        strategy = self.spec.get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate")
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return self.update
        kept = number(rolling, "partition") if rolling is not None else self._old_ones()
        return self.current if ordinal < self.start + kept else self.update

    def _old_ones(self) -> int:
        return sum(self._is_of(pod, self.current) for pod in self.pods.values() if not terminating(pod))

    def _claims(self, ordinal: int) -> list[Write]:
        """The claims of a Pod; those that an earlier Pod of the number left are there already."""
        return [Create(self._claim(template, ordinal)) for template in self.spec.get("volumeClaimTemplates") or ()]

    def _claim(self, template: Object, ordinal: int) -> Object:
        given = template.get("metadata") or {}
        selector = self.spec.get("selector") or {}
        metadata: Object = {
            "name": f"{given['name']}-{name_of(self.owner)}-{ordinal}",
            "namespace": self.owner["metadata"]["namespace"],
            "labels": {**(given.get("labels") or {}), **(selector.get("matchLabels") or {})},
        }
        if given.get("annotations"):
            metadata["annotations"] = given["annotations"]
        policy = self.spec.get("persistentVolumeClaimRetentionPolicy") or {}
        if policy.get("whenDeleted") == "Delete":
            metadata["ownerReferences"] = [owner_reference(self.owner)]
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": template["spec"],
        }

    def _ordinal(self, pod: Object) -> int | None:
        found = re.fullmatch(rf"{re.escape(name_of(self.owner))}-([0-9]{{1,9}})", name_of(pod))
        return int(found[1]) if found else None

    def _running(self, pod: Object) -> bool:
        return phase_of(pod) == "Running" and ready(pod)

    def _available(self, pod: Object) -> bool:
        return self._running(pod) and self._available_in(pod) == 0

    def _available_in(self, pod: Object) -> float | None:
        return available_in(pod, number(self.spec, "minReadySeconds"), self.now)

    def _is_of(self, pod: Object, revision: Object) -> bool:
        return labels_of(pod).get(REVISION_LABEL) == name_of(revision)
