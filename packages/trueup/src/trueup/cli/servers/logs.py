"""What Pods have logged, as an API server tells it."""

from typing import TYPE_CHECKING

from trueup.cli.app.logs import LogWish
from trueup.cli.screen import say
from trueup.cli.servers.session import escaped

if TYPE_CHECKING:
    from trueup.cli.servers.applications import ServedApplication


async def print_logs(app: "ServedApplication", wish: LogWish) -> None:
    """Print lines in the order of their time.

    Raises:
        TrueupError: there are no such Pods, or none has a log.
    """
    view = await app.view()
    query = {
        "appNamespace": view.app.metadata.namespace,
        "project": view.app.spec.project or "default",
        "group": wish.group,
        "kind": wish.kind,
        "namespace": wish.namespace,
        "resourceName": wish.resource,
        "container": wish.container,
        "follow": wish.follow or None,
        "tailLines": wish.tail or None,
        "sinceSeconds": max(1, int(wish.since)) if wish.since else None,
        "previous": wish.previous or None,
        "filter": wish.filter,
        "matchCase": wish.match_case or None,
    }
    async for entry in app.session.follow(f"/api/v1/applications/{escaped(app.name)}/logs", query):
        if not entry.get("last"):
            say(entry.get("content", ""))
