"""The sync windows of an application, as ``app get`` shows them."""

from trueup import policy
from trueup.kube.client import Client
from trueup.model.application import Application
from trueup.runtime.clock import SystemClock
from trueup.store.requests import Requests


async def window_lines(client: Client, namespace: str, app: Application) -> list[tuple[str, str]]:
    """(name, value) of the lines about windows; none where the project is not there or may not be read.

    Args:
        namespace: of the projects.
    """
    clock = SystemClock()
    project = await Requests(client, namespace, clock.now).project(app)
    if project is None:
        return []
    windows, now = policy.assigned(project, app), clock.now()
    state = policy.describe_windows(windows, now)
    if fault := policy.may_sync(windows, manual=True, now=now).fault:
        state = f"{state} ({fault})"
    names = [f"{item.window.kind}:{item.window.schedule}:{item.window.duration}" for item in windows]
    return [("SyncWindow", state)] + [("" if index else "Assigned Windows", name) for index, name in enumerate(names)]
