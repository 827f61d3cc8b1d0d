"""The sync windows of an application, as ``app get`` shows them."""

from trueup import policy
from trueup.kube.client import Client
from trueup.kube.errors import ApiError
from trueup.model.application import DEFAULT_PROJECT, Application
from trueup.model.errors import InvalidSpec
from trueup.runtime.clock import SystemClock
from trueup.store.kinds import PROJECT
from trueup.store.projects import read_project


async def window_lines(client: Client, namespace: str, app: Application) -> list[tuple[str, str]]:
    """(name, value) of the lines about windows; none where the project is not there or may not be read.

    Args:
        namespace: of the projects.
    """
    try:
        project = read_project(await client.get(PROJECT, namespace, app.spec.project or DEFAULT_PROJECT))
    except (ApiError, InvalidSpec):
        return []
    if not project.spec.sync_windows:
        # Most have none: the rules of schedules are loaded for those that do.
        return [("SyncWindow", "Sync Allowed")]
    windows, now = policy.assigned(project, app), SystemClock().now()
    state = policy.describe_windows(windows, now)
    if fault := policy.may_sync(windows, manual=True, now=now).fault:
        state = f"{state} ({fault})"
    names = [f"{item.window.kind}:{item.window.schedule}:{item.window.duration}" for item in windows]
    return [("SyncWindow", state)] + [("" if index else "Assigned Windows", name) for index, name in enumerate(names)]
