"""A Deployment's ReplicaSets in the course of a rollout (pkg/controller/deployment: sync.go, rolling.go)."""

from collections.abc import Sequence

from pocketkube.workloads.decision import Create, Object, PatchObject, Write
from pocketkube.workloads.facts import (
    NEVER,
    annotations_of,
    created_at,
    number,
    owner_reference,
    terminating,
    uid_of,
)
from pocketkube.workloads.strategy import (
    DESIRED,
    MAXIMUM,
    REVISION,
    REVISION_HISTORY,
    max_surge,
    max_unavailable,
    recreates,
)
from pocketkube.workloads.template import bare, hash_of

TEMPLATE_HASH = "pod-template-hash"
NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAXIMUM,
}
HISTORY_CHARACTERS = 2000


class Rollout:
    """A Deployment and its ReplicaSets, with the changes decided so far.

    Attributes:
        new: the ReplicaSet of the present template, None while there is none.
        old: the others, the oldest first.
        created: whether ``new`` is yet to be created.
        revision: of ``new``; empty while there is none.
    """

    def __init__(self, deployment: Object, sets: Sequence[Object]) -> None:
        self.deployment, self.spec = deployment, deployment["spec"]
        self.wanted = number(self.spec, "replicas", 1)
        template = bare(self.spec["template"], TEMPLATE_HASH)
        matching = [one for one in sets if bare(one["spec"]["template"], TEMPLATE_HASH) == template]
        self.new: Object | None = matching[0] if matching else None
        self.old = [one for one in sets if one is not self.new]
        self.created = False
        self.revision = annotations_of(self.new).get(REVISION, "") if self.new else ""
        self._sizes: dict[str, int] = {}
        self._annotations: dict[str, dict[str, str]] = {}
        self._min_ready: dict[str, int] = {}

    @property
    def all(self) -> list[Object]:
        """Every ReplicaSet, with the sizes decided."""
        return [self._resized(one) for one in ([*self.old, self.new] if self.new else self.old)]

    def size(self, replica_set: Object) -> int:
        """The number of Pods a ReplicaSet is told to have."""
        return self._sizes.get(uid_of(replica_set), number(replica_set["spec"], "replicas", 1))

    def sync_revision(self) -> None:
        """Gives the new ReplicaSet, if there is one, the highest revision and the Deployment's annotations."""
        if self.new is None:
            return
        current = annotations_of(self.new)
        wanted = {key: value for key, value in annotations_of(self.deployment).items() if key not in NOT_COPIED}
        revision = _revision(self.new)
        if revision < (highest := self._next_revision()):
            wanted[REVISION] = self.revision = str(highest)
            if REVISION in current:
                wanted[REVISION_HISTORY] = _history(current.get(REVISION_HISTORY, ""), str(revision))
        changed = {key: value for key, value in wanted.items() if current.get(key) != value}
        if changed:
            self._annotations.setdefault(uid_of(self.new), {}).update(changed)
        if number(self.new["spec"], "minReadySeconds") != (seconds := number(self.spec, "minReadySeconds")):
            self._min_ready[uid_of(self.new)] = seconds

    def make_new(self) -> None:
        """Makes the ReplicaSet of the present template, if there is none."""
        if self.new is not None:
            return
        metadata = self.deployment["metadata"]
        digest = hash_of(
            bare(self.spec["template"], TEMPLATE_HASH), number(self.deployment.get("status"), "collisionCount")
        )
        given = self.spec["template"].get("metadata") or {}
        labels = {**(given.get("labels") or {}), TEMPLATE_HASH: digest}
        selector = self.spec["selector"]
        self.revision = str(self._next_revision())
        copied = {key: value for key, value in annotations_of(self.deployment).items() if key not in NOT_COPIED}
        others = sum(self.size(one) for one in self.old)
        replicas = (
            self.wanted
            if recreates(self.deployment)
            else max(0, min(self.wanted, self.wanted + max_surge(self.deployment) - others))
        )
        self.new = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{metadata['name'][: 252 - len(digest)]}-{digest}",
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": {**copied, REVISION: self.revision, **self._size_annotations()},
                "ownerReferences": [owner_reference(self.deployment)],
            },
            "spec": {
                "replicas": replicas,
                "minReadySeconds": number(self.spec, "minReadySeconds"),
                "selector": {
                    **selector,
                    "matchLabels": {**(selector.get("matchLabels") or {}), TEMPLATE_HASH: digest},
                },
                "template": {**self.spec["template"], "metadata": {**given, "labels": labels}},
            },
        }
        self.created = True

    def was_scaled(self) -> bool:
        """Whether the Deployment's size changed since its ReplicaSets were sized."""
        for one in self._running():
            known = annotations_of(one).get(DESIRED, "")
            if known.isdecimal() and int(known) != self.wanted:
                return True
        return False

    def resize(self, replica_set: Object, size: int, *, note: bool = False) -> bool:
        """Sets a ReplicaSet's size; whether it changes. ``note``: its annotations are corrected in any case."""
        changes = self.size(replica_set) != size
        if changes or note:
            current = annotations_of(replica_set)
            wanted = {key: value for key, value in self._size_annotations().items() if current.get(key) != value}
            if wanted and not (self.created and replica_set is self.new):
                self._annotations.setdefault(uid_of(replica_set), {}).update(wanted)
        if changes:
            self._sizes[uid_of(replica_set)] = size
        return changes

    def scale_proportionally(self) -> None:
        """Spreads a changed size over the ReplicaSets that run (``scale`` in sync.go)."""
        running = self._running()
        if len(running) <= 1:
            latest = running[0] if running else self.new or (self.old[-1] if self.old else None)
            if latest is not None:
                self.resize(latest, self.wanted)
            return
        if self.new is not None and self._saturated(self.new):
            for one in self.old:
                self.resize(one, 0)
            return
        if recreates(self.deployment):
            return
        allowed = self.wanted + max_surge(self.deployment) if self.wanted else 0
        missing = allowed - sum(map(self.size, running))
        ordered = sorted(running, key=created_at, reverse=missing > 0)
        ordered.sort(key=self.size, reverse=True)
        added = 0
        sizes: list[int] = []
        for one in ordered:
            share = self._share(one, missing, added)
            sizes.append(self.size(one) + share)
            added += share
        sizes[0] = max(0, sizes[0] + missing - added)
        for one, size in zip(ordered, sizes, strict=True):
            self.resize(one, size, note=True)

    def grow(self) -> bool:
        """Moves the new ReplicaSet towards its size as far as the surge allows; whether it changed."""
        assert self.new
        if self.created:
            return False
        size = self.size(self.new)
        if size >= self.wanted:
            return self.resize(self.new, self.wanted)
        room = self.wanted + max_surge(self.deployment) - sum(map(self.size, self.all))
        return self.resize(self.new, size + max(0, min(room, self.wanted - size)))

    def shrink(self) -> bool:
        """Takes Pods from old ReplicaSets as far as availability allows, first those that do not run well."""
        assert self.new
        running = [one for one in self.old if self.size(one)]
        if not running:
            return False
        least = self.wanted - max_unavailable(self.deployment)
        not_yet = self.size(self.new) - _available(self.new)
        budget = sum(map(self.size, self.all)) - least - not_yet
        if budget <= 0:
            return False
        changed = False
        for one in running:
            taken = min(budget, self.size(one) - _available(one))
            if taken > 0:
                changed |= self.resize(one, self.size(one) - taken)
                budget -= taken
        surplus = sum(map(_available, self.all)) - least
        for one in running:
            taken = min(surplus, self.size(one))
            if taken > 0:
                changed |= self.resize(one, self.size(one) - taken)
                surplus -= taken
        return changed

    def retire_old(self) -> bool:
        """Empties the old ReplicaSets; whether any of their Pods is still there."""
        busy = False
        for one in self.old:
            resized = self.resize(one, 0)
            status = one.get("status")
            busy |= resized or bool(number(status, "replicas") or number(status, "terminatingReplicas"))
        return busy

    def complete(self) -> bool:
        """Whether the status on record says that the rollout is done (``DeploymentComplete``)."""
        status = self.deployment.get("status") or {}
        counts = {number(status, key) for key in ("updatedReplicas", "replicas", "availableReplicas")}
        generation = number(self.deployment["metadata"], "generation")
        return counts == {self.wanted} and number(status, "observedGeneration") >= generation

    def surplus_history(self) -> list[Object]:
        """Old, empty ReplicaSets beyond ``revisionHistoryLimit``, the lowest revisions first."""
        limit = number(self.spec, "revisionHistoryLimit", NEVER)
        kept = sorted((one for one in self.old if not terminating(one)), key=_revision)
        return [
            one
            for one in kept[: max(0, len(kept) - limit)]
            if not self.size(one)
            and not number(one.get("status"), "replicas")
            and number(one["metadata"], "generation") <= number(one.get("status"), "observedGeneration")
        ]

    def writes(self) -> list[Write]:
        """What was decided about ReplicaSets."""
        found: list[Write] = []
        for one in [*self.old, *([self.new] if self.new and not self.created else [])]:
            uid = uid_of(one)
            spec: Object = {}
            if uid in self._sizes:
                spec["replicas"] = self._sizes[uid]
            if uid in self._min_ready:
                spec["minReadySeconds"] = self._min_ready[uid]
            body: Object = {"spec": spec} if spec else {}
            if uid in self._annotations:
                body["metadata"] = {"annotations": self._annotations[uid]}
            if body:
                found.append(PatchObject(one, body))
        if self.created and self.new:
            found.append(Create(self.new))
        return found

    def _running(self) -> list[Object]:
        return [one for one in ([*self.old, self.new] if self.new else self.old) if self.size(one)]

    def _resized(self, one: Object) -> Object:
        return {**one, "spec": {**one["spec"], "replicas": self.size(one)}}

    def _next_revision(self) -> int:
        return max(map(_revision, self.old), default=0) + 1

    def _size_annotations(self) -> dict[str, str]:
        return {DESIRED: str(self.wanted), MAXIMUM: str(self.wanted + max_surge(self.deployment))}

    def _saturated(self, one: Object) -> bool:
        noted = annotations_of(one).get(DESIRED) == str(self.wanted)
        return noted and self.size(one) == self.wanted == _available(one)

    def _share(self, one: Object, missing: int, added: int) -> int:
        if not missing or missing == added:
            return 0
        if not self.wanted:
            fraction = -self.size(one)
        else:
            noted = annotations_of(one).get(MAXIMUM, "")
            before = int(noted) if noted.isdecimal() else 0
            before = before or number(self.deployment.get("status"), "replicas")
            if not before:
                return 0
            # Rounded half up, as Go does; Python rounds half to even.
            fraction = int(self.size(one) * (self.wanted + max_surge(self.deployment)) / before + 0.5) - self.size(one)
        rest = missing - added
        return min(fraction, rest) if missing > 0 else max(fraction, rest)


def _available(replica_set: Object) -> int:
    return number(replica_set.get("status"), "availableReplicas")


def _revision(replica_set: Object) -> int:
    text = annotations_of(replica_set).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def _history(known: str, revision: str) -> str:
    revisions = [*known.split(","), revision] if known else [revision]
    while len(",".join(revisions)) > HISTORY_CHARACTERS:
        revisions.pop(0)
    return ",".join(revisions)
