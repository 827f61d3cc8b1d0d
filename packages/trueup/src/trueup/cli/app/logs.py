"""``trueup app logs``."""

import asyncio
from typing import Any, NamedTuple

import click

from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.model.resource import ResourceKey


class LogWish(NamedTuple):
    """Which lines are shown.

    Attributes:
        group, kind, namespace, resource: of the objects below which Pods are read; None and empty are any.
        filter: only lines with this text; without its first ``!`` those that have it not.
    """

    group: str | None
    kind: str
    namespace: str
    resource: str
    container: str
    follow: bool
    tail: int
    since: float
    previous: bool
    filter: str
    match_case: bool

    def meant(self, key: ResourceKey) -> bool:
        """Whether Pods below an object are read."""
        return (
            self.group in (None, key.group)
            and self.kind.lower() in ("", key.kind.lower())
            and self.resource in ("", key.name)
            and self.namespace in ("", key.namespace)
        )

    def parameters(self, container: str) -> dict[str, str]:
        """The query of a container's log."""
        found = {"container": container}
        if self.follow:
            found["follow"] = "true"
        if self.tail:
            found["tailLines"] = str(self.tail)
        if self.since:
            found["sinceSeconds"] = str(max(1, int(self.since)))
        if self.previous:
            found["previous"] = "true"
        return found

    def takes(self, line: str) -> bool:
        """Whether a line is shown."""
        wanted = self.filter.removeprefix("!")
        if not wanted:
            return True
        text = line if self.match_case else line.lower()
        return ((wanted if self.match_case else wanted.lower()) in text) != self.filter.startswith("!")


@click.command(
    epilog=examples(
        "trueup app logs web",
        "trueup app logs web --kind Deployment --name web --tail 100 -f",
        "trueup app logs web -c sidecar --since 10m --filter error",
    )
)
@click.argument("name", shell_complete=applications)
@click.option("--group", default=None, help="Only Pods below objects of this API group.")
@click.option("--kind", default="", help="Only Pods below objects of this kind.")
@click.option("--resource-namespace", "-n", "namespace", default="", help="Only Pods of this namespace.")
@click.option("--name", "resource", default="", help="Only Pods below objects of this name.")
@click.option("-c", "--container", default="", help="This container; all but init containers otherwise.")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), default=0, help="Only the newest lines of each container; 0 for all.")
@click.option("--since", "--since-seconds", "since", type=DURATION, default="0", help="Only lines as young as this.")
@click.option("-p", "--previous", is_flag=True, help="Of the container that ran before.")
@click.option("--filter", "filter_", default="", help="Only lines with this text; ! before it: without.")
@click.option("-m", "--match-case", is_flag=True, help="--filter tells upper from lower case.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def logs(access: ClusterAccess, name: str, filter_: str, app_namespace: str, **flags: Any) -> None:
    """Print what the Pods of an application have logged; on standard error, why containers do not run."""
    wish = LogWish(filter=filter_, **flags)

    async def run() -> None:
        async with applications_of(access) as apps:
            await apps.of(name, app_namespace).logs(wish)

    asyncio.run(run())
