"""The check of the whole set before the first write: every error, not the first."""

from collections import Counter

from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind
from trueup.model.status import OperationState, ResourceResult, ResultCode
from trueup.plan.build import SyncPlan, build
from trueup.plan.facts import Facts
from trueup.plan.options import SKIP_MISSING_KIND
from trueup.plan.order import defined_kind
from trueup.plan.results import result_of
from trueup.plan.task import ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask


def validate(state: OperationState, facts: Facts, plan: SyncPlan | None = None) -> list[ResourceResult]:
    """Results of everything that cannot work: unknown kinds, refused objects, duplicates, objects without a name.

    Writes nothing and asks nobody. A kind is known when the cluster serves it or a definition in the same sync
    brings it; ``SkipDryRunOnMissingResource=true`` trusts that something else will.
    """
    plan = plan or build(state, facts)
    written = [task for task in plan.tasks if isinstance(task, ApplyTask | RunHookTask | CreateNamespaceTask)]
    coming = {kind for task in written if isinstance(task, ApplyTask | RunHookTask) and (kind := defined_kind(task))}
    counted = Counter((task.key, task.phase) for task in written)
    faults = []
    for task in written:
        fault = facts.refusal(task.key)
        if not task.key.name:
            fault = "the object has neither a name nor a generateName"
        elif not fault and counted[task.key, task.phase] > 1:
            fault = f"{task.key} is declared more than once in phase {task.phase.value}"
        elif not fault:
            fault = _unknown(task.manifest, facts, coming)
        if fault:
            faults.append(result_of(task, ResultCode.SYNC_FAILED, fault))
    for prune in plan.tasks:
        if isinstance(prune, PruneTask) and (fault := facts.refusal(prune.key)):
            faults.append(result_of(prune, ResultCode.SYNC_FAILED, fault))
    return faults


def _unknown(manifest: Manifest, facts: Facts, coming: set[GroupKind]) -> str:
    if facts.serves(manifest.api_version, manifest.key.kind) or manifest.group_kind in coming:
        return ""
    if facts.options.on(SKIP_MISSING_KIND, manifest.annotations):
        return ""
    key = manifest.key
    where = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return (
        f"The Kubernetes API could not find {manifest.api_version}/{key.kind} for requested resource {where}. "
        f'Make sure the "{key.kind}" CRD is installed on the destination cluster.'
    )
