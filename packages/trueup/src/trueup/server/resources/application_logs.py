"""What the Pods of an Application have logged, all of them in the order of time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import msgspec

from kubegrammar.time import format_time, parse_time
from trueup.model.errors import TrueupError
from trueup.model.resource import GroupKind, ResourceKey
from trueup.runtime.secrecy import told
from trueup.server.errors import Code, Fault
from trueup.server.gate import require
from trueup.server.request import Functions, Json, Request, Stream
from trueup.server.resources.application_place import ObjectPlace, TreeBranch, grown
from trueup.server.resources.application_tree import Place
from trueup.server.resources.applications import ApplicationReading, ApplicationReads, named

POD = GroupKind("", "Pod")
MOST_PODS = 10
"""As Argo CD's server.maxPodLogsToRender."""
QUEUE = 256
"""Lines that are read ahead of who reads."""
NEVER = datetime.min.replace(tzinfo=UTC)
"""When what was never logged was logged: before all else."""
SETTLE = 0.2
"""Seconds that a line waits for an older one of another container, where they are followed."""


class LogLine(msgspec.Struct, frozen=True, order=True):
    """A line of a log. They are in the order of their time.

    Attributes:
        stamp: the time as Kubernetes writes it; empty where nothing was logged.
        notice: whether it is no line of the log, but says why there is none, or no more.
    """

    at: datetime
    stamp: str
    pod: str
    text: str
    notice: bool = False


class UnreadableLog(Exception):
    """The log of a container cannot be read, or not any further.

    Args:
        notice: says so in its place.
        reason: why.
    """

    def __init__(self, notice: LogLine, reason: TrueupError) -> None:
        super().__init__(notice.text)
        self.notice, self.reason = notice, reason


def application_logs(reads: ApplicationReads, place: Place) -> Functions:
    """PodLogs."""
    finding = ApplicationReading(reads)

    async def logs(request: Request) -> Stream:
        stored, message = finding.find(request, "get"), request.message
        require(request.caller, "logs", "get", named(stored.live, reads.control_namespace).of)
        there = await place(stored)
        await there.follow()
        pods = chosen(grown(there), message)
        if not pods:
            raise Fault(Code.INVALID_ARGUMENT, f"no such Pods as part of application {stored.app.metadata.name}")
        if len(pods) > MOST_PODS:
            raise Fault(Code.INVALID_ARGUMENT, "max pods to view logs are reached. Please provide more granular query")
        takes, until = filter_of(message), _time(message.get("untilTime", ""), "untilTime")
        sources = [
            _read(there, pod, name, parameters(message, name))
            for pod in pods
            for name in await _containers(there, pod, message.get("container", ""))
        ]
        if not sources:
            raise Fault(Code.INVALID_ARGUMENT, "no Pod has such a container")
        return Stream(_entries(sources, takes, until, follow=bool(message.get("follow"))))

    return {"ApplicationService.PodLogs": logs}


def chosen(branches: dict[ResourceKey, TreeBranch], message: Json) -> list[ResourceKey]:
    """The Pods that a request is about: one by name, or those below some objects."""
    wanted = message.get("podName", "")
    names = {"group": "group", "kind": "kind", "resourceName": "name", "namespace": "namespace"}

    def meant(key: ResourceKey) -> bool:
        return all(not message.get(asked) or getattr(key, field) == message[asked] for asked, field in names.items())

    below: set[str] = set()
    found = []
    for key, branch in branches.items():
        if meant(key) or any(parent.uid in below for parent in branch.parents):
            below.add(branch.seen.uid)
            if branch.seen.group_kind == POD and wanted in ("", key.name):
                found.append(key)
    return found


def parameters(message: Json, container: str) -> dict[str, str]:
    """The query of one container's log.

    Raises:
        Fault: a time is none.
    """
    found = {"container": container, "timestamps": "true"}
    for name in ("sinceSeconds", "tailLines"):
        if message.get(name):
            found[name] = str(message[name])
    for name in ("follow", "previous"):
        if message.get(name):
            found[name] = "true"
    since = message.get("sinceTime", "")
    if since:
        _time(since, "sinceTime")
        found["sinceTime"] = since
    return found


def filter_of(message: Json) -> Callable[[str], bool]:
    """Which lines are shown: those with a text; with ``!`` before it, those without."""
    text, exact = message.get("filter", ""), bool(message.get("matchCase"))
    wanted = text.removeprefix("!")
    wanted = wanted if exact else wanted.lower()

    def takes(line: str) -> bool:
        return not wanted or ((wanted in (line if exact else line.lower())) != text.startswith("!"))

    return takes


async def _containers(place: ObjectPlace, pod: ResourceKey, container: str) -> list[str]:
    live = await place.whole(pod)
    spec = (live.object().get("spec") or {}) if live else {}
    names = [each.get("name", "") for each in spec.get("containers") or []]
    if container:
        others = [each.get("name", "") for each in spec.get("initContainers") or []]
        return [name for name in (*names, *others) if name == container]
    return names


async def _read(place: ObjectPlace, pod: ResourceKey, container: str, query: dict[str, str]) -> AsyncIterator[LogLine]:
    at, stamp = NEVER, ""
    try:
        async for line in place.log(pod, query):
            given, _, text = line.decode("utf-8", "replace").rstrip("\r").partition(" ")
            try:
                at, stamp = parse_time(given), given
            except ValueError:
                continue
            yield LogLine(at, stamp, pod.name, text)
    except TrueupError as error:
        notice = LogLine(at, stamp, pod.name, f"error: container {container}: {told(str(error))}", notice=True)
        raise UnreadableLog(notice, error) from error


async def _entries(
    sources: list[AsyncIterator[LogLine]], takes: Callable[[str], bool], until: datetime | None, *, follow: bool
) -> AsyncIterator[Json]:
    async for line in merged(sources, SETTLE if follow else None):
        if until is not None and line.at > until:
            continue
        if line.notice or takes(line.text):
            yield {
                "content": line.text,
                **({"timeStamp": format_time(line.at)} if line.stamp else {}),
                "timeStampStr": line.stamp,
                "podName": line.pod,
                "last": False,
            }
    yield {"content": "", "last": True, "timeStampStr": "", "podName": ""}


async def merged(sources: list[AsyncIterator[LogLine]], settle: float | None) -> AsyncIterator[LogLine]:
    """Lines of several logs, the oldest first.

    Args:
        settle: seconds after which a line does not wait for those who say nothing; None where each log has an end.

    One that cannot be read hides no other: its notice is among the lines.

    Raises:
        TrueupError: none can be read; why the first cannot.
    """
    queues: list[asyncio.Queue[LogLine | Exception | None]] = [asyncio.Queue(QUEUE) for _ in sources]
    news = asyncio.Event()

    async def pour(source: AsyncIterator[LogLine], queue: asyncio.Queue[LogLine | Exception | None]) -> None:
        end: Exception | None = None
        try:
            async for line in source:
                await queue.put(line)
                news.set()
        except Exception as error:
            end = error
        await queue.put(end)
        news.set()

    tasks = [asyncio.create_task(pour(*each)) for each in zip(sources, queues, strict=True)]
    heads: dict[int, LogLine] = {}
    open_ = set(range(len(sources)))
    unreadable: list[UnreadableLog] = []
    begun = False
    try:
        while open_ or heads:
            news.clear()
            for index in sorted(open_ - heads.keys()):
                if not queues[index].empty():
                    found = queues[index].get_nowait()
                    if isinstance(found, UnreadableLog):
                        unreadable.append(found)
                        heads[index] = found.notice
                        open_.discard(index)
                    elif isinstance(found, Exception):
                        raise found
                    elif found is None:
                        open_.discard(index)
                    else:
                        heads[index] = found
            if open_ - heads.keys():
                try:
                    async with asyncio.timeout(settle if heads else None):
                        await news.wait()
                    continue
                except TimeoutError:
                    pass
            if heads:
                if len(unreadable) == len(sources) and not begun:
                    raise unreadable[0].reason
                begun = True
                oldest = min(heads, key=lambda each: heads[each])
                yield heads.pop(oldest)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _time(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise Fault(Code.INVALID_ARGUMENT, f"invalid {name}: {error}") from error
