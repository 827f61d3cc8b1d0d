"""A plan as text: what an operation would do, in which order, before it does anything."""

from itertools import groupby

from trueup.model.status import OperationState
from trueup.plan.build import build
from trueup.plan.facts import Facts
from trueup.plan.task import AnyTask, ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask
from trueup.plan.validate import validate


def explain(state: OperationState, facts: Facts) -> str:
    """The whole plan: phases, waves, and in each the tasks as they run; then what is left alone, then what is wrong."""
    plan = build(state, facts)
    lines: list[str] = []
    for (phase, wave), group in groupby(plan.tasks, key=lambda task: (task.phase, task.wave)):
        lines.append(f"{phase.value} wave {wave}")
        ordered = sorted(group, key=lambda task: (task.stage, task.order))
        lines.extend(f"  {_line(task)}" for task in ordered)
    if plan.skipped:
        lines.append("Left alone")
        lines.extend(f"  {skip.key}: {skip.reason}" for skip in plan.skipped)
    if faults := validate(state, facts, plan):
        lines.append("Not valid")
        lines.extend(f"  {fault.kind} {fault.name}: {fault.message}" for fault in faults)
    return "\n".join(lines) + "\n" if lines else "Nothing to do\n"


def _line(task: AnyTask) -> str:
    match task:
        case ApplyTask():
            verb = "replace" if task.writing.replace else "apply"
            origin = f"  ({task.manifest.origin})" if task.manifest.origin else ""
            return f"{verb} {task.key}{origin}"
        case CreateNamespaceTask():
            return f"create {task.key}"
        case RunHookTask():
            return f"run hook {task.key}, delete on {', '.join(sorted(task.policies))}"
        case PruneTask():
            return f"prune {task.key}" + (" once confirmed" if task.confirm else "")
        case _:
            return str(task.key)
