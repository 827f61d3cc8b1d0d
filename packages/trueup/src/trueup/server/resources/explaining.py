"""Why an Application is OutOfSync, Progressing or Degraded, in words, and what to do about it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from kubegrammar.time import format_time
from trueup.diff.mask import Masks
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.pod_reasons import pod_reasons
from trueup.model.repository import RepositoryOf
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase
from trueup.runtime.secrecy import told
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.application_place import ObjectPlace, grown
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication

MOST: Final = 12
"""Objects that are told of, and of each as many Events."""
_EVENTS: Final = 3
_LONG: Final = 400
_ILL: Final = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended")
_REMEDIES: Final = (
    # a word of a reason, what to do
    ("ImagePullBackOff", "look whether the image's name and tag are right, and whether the cluster may pull it"),
    ("ErrImagePull", "look whether the image's name and tag are right, and whether the cluster may pull it"),
    ("CrashLoopBackOff", "read why it ends: trueup app logs {name} --previous"),
    ("OOMKilled", "raise the container's memory limit, or make it need less"),
    ("CreateContainerConfigError", "look for the ConfigMap or Secret that the container names"),
    ("not scheduled", "look for nodes with room: kubectl describe the Pod"),
    ("FailedMount", "look for the volume's claim, ConfigMap or Secret"),
)


CommitOf = Callable[[StoredApplication, RepositoryOf, str], Awaitable[CommitInfo | None]]
"""What a commit of a repository of an Application's says of itself; None where nobody knows."""


def explain_functions(
    reads: ApplicationReads, commit_of: CommitOf, place: Callable[[StoredApplication], Awaitable[ObjectPlace]]
) -> Functions:
    """Explain."""
    finding = ApplicationReading(reads)

    async def explain(request: Request) -> Json:
        stored = finding.find(request, "get")
        causes = [*of_conditions(stored), *of_operation(stored), *of_drift(stored)]
        try:
            at = await place(stored)
            await at.follow()
            commit = await _commit(stored)
            masks = Masks(lent=await at.lent())
            causes = masks.shown([*causes, *[each async for each in _ill(stored, at)]])
        except TrueupError as error:
            # What the status has is something, where the cluster or the repository says nothing.
            commit, causes = {}, [*causes, cause("unread", "", told(str(error)))]
        return verdict(stored) | commit | {"causes": causes}

    async def _commit(stored: StoredApplication) -> Json:
        sync, sources = stored.status.sync, stored.app.spec.all_sources()
        revision = (sync.revision or next(iter(sync.revisions), "")) if sync else ""
        if not revision or not sources or stored.fault is not None:
            return {}
        info = await commit_of(stored, stored.app.spec.repository(sources[0]), revision)
        if info is None:
            return {"revision": revision}
        subject = info.message.partition("\n")[0][:200]
        return {"revision": revision, "author": info.author, "subject": subject, "committedAt": format_time(info.date)}

    return {"TrueupService.Explain": explain}


def verdict(stored: StoredApplication) -> Json:
    """The verdicts of the status."""
    status = stored.status
    state = status.operation_state
    return {
        "sync": str(status.sync.status) if status.sync else "Unknown",
        "health": (str(status.health.status) if status.health else "") or "Unknown",
        "operation": str(state.phase) if state else "",
    }


def of_conditions(stored: StoredApplication) -> Iterator[Json]:
    """What the engine could not do."""
    for condition in stored.status.conditions[:MOST]:
        yield cause("condition", condition.type, condition.message)


def of_operation(stored: StoredApplication) -> Iterator[Json]:
    """The last sync, where it failed or goes on."""
    state = stored.status.operation_state
    if state is None or state.phase is OperationPhase.SUCCEEDED:
        return
    name = stored.app.metadata.name
    if not state.phase.completed:
        yield cause("operation", "", f"a sync is running: {state.message}", f"trueup app wait {name}")
        return
    lines = [
        f"{each.kind}/{each.name}: {each.message}"
        for each in (state.sync_result.resources if state.sync_result else [])
        if each.status == "SyncFailed" or each.hook_phase in ("Failed", "Error")
    ]
    remedy = f"mend what it names, and sync again: trueup app sync {name}"
    yield cause("operation", "", f"the last sync {str(state.phase).lower()}: {state.message}", remedy, lines[:MOST])


def of_drift(stored: StoredApplication) -> Iterator[Json]:
    """What differs from Git."""
    name, spec = stored.app.metadata.name, stored.app.spec
    automated = spec.sync_policy.automated if spec.sync_policy else None
    number = 0
    for line in stored.status.resources:
        if str(line.status) != "OutOfSync":
            continue
        number += 1
        if number > MOST:
            yield cause("sync", "", "further objects differ", f"trueup app diff {name}")
            return
        if line.requires_pruning:
            why = "is not declared any more"
            remedy = "" if automated and automated.prune else f"trueup app sync {name} --prune deletes it"
        else:
            why = "differs from what is declared, or is not there"
            remedy = f"trueup app diff {name} shows it" + ("" if automated else f"; trueup app sync {name} applies it")
        yield cause("sync", f"{line.kind}/{line.name}", why, remedy)


async def _ill(stored: StoredApplication, place: ObjectPlace) -> AsyncIterator[Json]:
    """Objects that do not work, with what their Pods and Events say."""
    name = stored.app.metadata.name
    ill = [each for each in stored.status.resources if each.health and str(each.health.status) in _ILL][:MOST]
    if not ill:
        return
    branches = grown(place)
    below: dict[ResourceKey, list[ResourceKey]] = {}
    for key, branch in branches.items():
        for parent in branch.parents:
            below.setdefault(parent.key, []).append(key)
    events: dict[str, list[Json]] = {}
    for line in ill:
        top = ResourceKey(line.group, line.kind, line.namespace, line.name)
        keys = list(_below(top, below))
        lines: list[str] = []
        for key in keys[: 4 * MOST]:
            if key.kind == "Pod" and not key.group:
                lines += await _of_pod(place, key)
            if key.namespace and key.namespace not in events:
                events[key.namespace] = await place.events(key.namespace)
            lines += event_lines(events.get(key.namespace, ()), key)
        said = list(dict.fromkeys(each[:_LONG] for each in lines))[:MOST]
        assert line.health is not None
        why = f"is {line.health.status}" + (f": {line.health.message}" if line.health.message else "")
        yield cause("health", f"{line.kind}/{line.name}", why, remedy_of([why, *said], name), said)


async def _of_pod(place: ObjectPlace, key: ResourceKey) -> list[str]:
    live: LiveObject | None = await place.whole(key)
    return [f"Pod {key.name}: {each}" for each in pod_reasons(live.object())] if live is not None else []


def _below(top: ResourceKey, below: Mapping[ResourceKey, list[ResourceKey]]) -> Iterator[ResourceKey]:
    pending, met = [top], {top}
    while pending:
        key = pending.pop(0)
        yield key
        for child in below.get(key, ()):
            if child not in met:
                met.add(child)
                pending.append(child)


def event_lines(events: Iterable[Mapping[str, Any]], key: ResourceKey) -> list[str]:
    """The latest warnings about an object, newest first."""

    def about(event: Mapping[str, Any]) -> bool:
        of = event.get("involvedObject") or {}
        return event.get("type") == "Warning" and (of.get("kind"), of.get("name")) == (key.kind, key.name)

    def seen(event: Mapping[str, Any]) -> str:
        return str((event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or "")

    found = sorted(filter(about, events), key=seen, reverse=True)[:_EVENTS]
    return [f"{key.kind} {key.name}: {each.get('reason', '')}: {each.get('message', '')}" for each in found]


def remedy_of(lines: Iterable[str], name: str) -> str:
    """What to do about what was said; empty where nobody knows."""
    text = "\n".join(lines)
    return next((remedy.format(name=name) for word, remedy in _REMEDIES if word in text), "")


def cause(what: str, of: str, why: str, remedy: str = "", lines: Iterable[str] = ()) -> Json:
    """One of the reasons."""
    return {"what": what, "object": of, "why": why[:_LONG], "lines": list(lines), "remedy": remedy}
