"""The sync windows of an application, as ``app get`` shows them and ``app sync`` heeds them."""

import math
from datetime import datetime, timedelta

import msgspec

from trueup import policy
from trueup.formats.time import format_time
from trueup.kube.client import Client
from trueup.kube.errors import ApiError, NotFound
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.project import Project
from trueup.runtime.clock import SystemClock
from trueup.store.kinds import PROJECT


async def window_lines(client: Client, namespace: str, app: Application) -> list[tuple[str, str]]:
    """(name, value) of the lines about windows; none where the project may not be read.

    Args:
        namespace: of the projects.
    """
    project = await _project(client, namespace, app)
    if project is None:
        return []
    windows = policy.assigned(project, app)
    now = SystemClock().now()
    state = policy.describe_windows(windows, now)
    if fault := policy.may_sync(windows, manual=True, now=now).fault:
        state = f"{state} ({fault})"
    names = [f"{item.window.kind}:{item.window.schedule}:{item.window.duration}" for item in windows]
    return [("SyncWindow", state)] + [("" if index else "Assigned Windows", name) for index, name in enumerate(names)]


async def refuse_in_window(client: Client, namespace: str, app: Application) -> None:
    """The engine would let a sync wait for its window, so Argo CD's server refuses one that is asked for.

    Args:
        namespace: of the projects.

    Raises:
        TrueupError: a window of the project denies a sync by hand now.
    """
    project = await _project(client, namespace, app)
    if project is not None:
        refuse_denied(project, app, SystemClock().now())


def refuse_denied(project: Project, app: Application, now: datetime) -> None:
    """As :func:`refuse_in_window`, of a project that has been read."""
    windows = policy.assigned(project, app)
    verdict = policy.may_sync(windows, manual=True, now=now)
    if verdict.allowed:
        return
    name = project.metadata.name or app.spec.project or "default"
    if verdict.fault:
        raise TrueupError(
            f"cannot sync: blocked by a sync window that cannot be read: {policy.in_project(verdict, project)}",
            hint="correct that field of the project",
        )
    ends = ""
    if math.isfinite(verdict.again):
        ends = f"; the windows change next at {format_time(now + timedelta(seconds=verdict.again))}"
    raise TrueupError(
        f"cannot sync: blocked by a sync window of project {name}{ends}",
        hint=f"sync then, or let syncs by hand pass: `trueup proj windows enable-manual-sync {name} ID` "
        f"(`trueup proj windows list {name}` shows the IDs)",
    )


async def _project(client: Client, namespace: str, app: Application) -> Project | None:
    """The project of an application; None where it may not or cannot be read."""
    try:
        live = await client.get(PROJECT, namespace, app.spec.project or "default")
        return msgspec.json.decode(live.body, type=Project)
    except NotFound:
        # A default project that is not there has no windows, and another one permits nothing at all.
        return Project()
    except (ApiError, msgspec.ValidationError):
        return None
