"""The sync windows of an application, as ``app get`` shows them."""

import msgspec

from trueup import policy
from trueup.kube.client import Client
from trueup.kube.errors import ApiError, NotFound
from trueup.model.application import Application
from trueup.model.project import Project
from trueup.runtime.clock import SystemClock
from trueup.store.kinds import PROJECT


async def window_lines(client: Client, namespace: str, app: Application) -> list[tuple[str, str]]:
    """(name, value) of the lines about windows; none where the project may not be read.

    Args:
        namespace: of the projects.
    """
    try:
        live = await client.get(PROJECT, namespace, app.spec.project or "default")
        project = msgspec.json.decode(live.body, type=Project)
    except NotFound:
        # A default project that is not there has no windows, and another one permits nothing at all.
        project = Project()
    except (ApiError, msgspec.ValidationError):
        return []
    windows = policy.assigned(project, app)
    now = SystemClock().now()
    state = policy.describe_windows(windows, now)
    if fault := policy.may_sync(windows, manual=True, now=now).fault:
        state = f"{state} ({fault})"
    names = [f"{item.window.kind}:{item.window.schedule}:{item.window.duration}" for item in windows]
    return [("SyncWindow", state)] + [("" if index else "Assigned Windows", name) for index, name in enumerate(names)]
