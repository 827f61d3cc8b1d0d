"""What a container that nobody runs would have written."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kubegrammar.time import format_time, parse_time
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object

MOST_LINES = 200
TICK_SECONDS = 10
STARTING = (
    "starting {image}",
    "reading configuration",
    "listening on {port}",
)
TICK = "serving; nothing to report"
DONE = ("working", "work done, exiting")
CRASH = (
    "reading configuration",
    "ERROR cannot go on: pocketkube.dev/simulate asks for it, on the Pod or its image",
    "exiting with code 1",
)
UNREADY = "WARN not ready yet: pocketkube.dev/simulate asks for it, on the Pod or its image"


def log_lines(
    pod: Object,
    container: str,
    now: datetime,
    *,
    timestamps: bool = False,
    previous: bool = False,
    tail_lines: int | None = None,
    since_seconds: int | None = None,
) -> list[str]:
    """Plausible lines of a container, the same each time but for those that time adds; the last 200 at most.

    Args:
        container: its name; empty for the only one, or the one of the default-container annotation.
        previous: of the run before the last restart.

    Raises:
        Failure: BadRequest where the real server has no log: no such container, not started, no earlier run.
    """
    spec, status = _container(pod, container)
    name = spec["name"]
    state = (status or {}).get("state") or {}
    if previous:
        state = (status or {}).get("lastState") or {}
        if "terminated" not in state:
            raise _bad(f'previous terminated container "{name}" in pod "{pod["metadata"]["name"]}" not found')
    elif not state or ("waiting" in state and "terminated" not in ((status or {}).get("lastState") or {})):
        reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
        why = "trying and failing to pull image" if reason in ("ImagePullBackOff", "ErrImagePull") else reason
        raise _bad(f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: {why}')
    lines = list(_lines(spec, state, status or {}, now))[-MOST_LINES:]
    if since_seconds is not None:
        lines = [(at, text) for at, text in lines if at >= now - timedelta(seconds=since_seconds)]
    if tail_lines is not None:
        lines = lines[len(lines) - min(len(lines), max(0, tail_lines)) :]
    return [f"{_precise(at)} {text}" if timestamps else text for at, text in lines]


def _lines(spec: Object, state: Mapping[str, Any], status: Object, now: datetime) -> Iterator[tuple[datetime, str]]:
    ended = state.get("terminated") or (
        (status.get("lastState") or {}).get("terminated") if "waiting" in state else None
    )
    if ended is not None:
        at = _moment(ended.get("startedAt"), now)
        texts = DONE if ended.get("exitCode", 0) == 0 else CRASH
        yield from ((at + timedelta(milliseconds=120 * count), text) for count, text in enumerate(texts))
        return
    begun = _moment((state.get("running") or {}).get("startedAt"), now)
    ports = [str(port.get("containerPort")) for port in spec.get("ports") or ()]
    given = {"image": spec.get("image", ""), "port": f"port {ports[0]}" if ports else "no port"}
    for count, text in enumerate(STARTING):
        yield begun + timedelta(milliseconds=120 * count), text.format(**given)
    ticks = int(max(0.0, (now - begun).total_seconds()) // TICK_SECONDS)
    for count in range(max(1, ticks - MOST_LINES), ticks + 1):
        yield begun + timedelta(seconds=count * TICK_SECONDS), UNREADY if status.get("ready") is False else TICK


def _container(pod: Object, name: str) -> tuple[Object, Object | None]:
    """A container and its status, by the rules of pkg/registry/core/pod ``LogLocation``."""
    spec, status, metadata = pod.get("spec") or {}, pod.get("status") or {}, pod["metadata"]
    kinds = ("container", "initContainer", "ephemeralContainer")
    containers = [one for kind in kinds for one in spec.get(f"{kind}s") or ()]
    statuses = {one["name"]: one for kind in kinds for one in status.get(f"{kind}Statuses") or ()}
    if not name:
        plain = [one["name"] for one in spec.get("containers") or ()]
        name = (metadata.get("annotations") or {}).get("kubectl.kubernetes.io/default-container", "")
        if name not in plain:
            if len(plain) != 1:
                choice = f"choose one of: [{' '.join(plain)}]"
                raise _bad(f"a container name must be specified for pod {metadata['name']}, {choice}")
            name = plain[0]
    found = next((one for one in containers if one["name"] == name), None)
    if found is None:
        raise _bad(f"container {name} is not valid for pod {metadata['name']}")
    return found, statuses.get(name)


def _bad(message: str) -> Failure:
    return Failure("BadRequest", message)


def _moment(text: Any, default: datetime) -> datetime:
    try:
        return parse_time(str(text))
    except ValueError:
        return default


def _precise(moment: datetime) -> str:
    """RFC 3339 with nanoseconds, as container runtimes write it."""
    return f"{format_time(moment)[:-1]}.{moment.microsecond:06d}000Z"
