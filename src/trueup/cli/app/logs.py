"""``trueup app logs``."""

import asyncio
from typing import Any, NamedTuple

import click

from trueup.cli.app.access import Handle
from trueup.cli.app.children import Node, tree_of
from trueup.cli.completing import applications
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError, NotFound
from trueup.model.errors import TrueupError
from trueup.model.resource import GroupKind

_POD = ResourceType("", "v1", "Pod", "pods", namespaced=True)
_MOST = 50
"""Containers that are read at one time."""


class Wish(NamedTuple):
    """Which lines are shown.

    Attributes:
        filter: only lines with this text; without its first ``!`` those that have it not.
    """

    container: str
    follow: bool
    tail: int
    since: float
    previous: bool
    filter: str
    match_case: bool

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
@click.option("--resource-namespace", "-n", default="", help="Only Pods of this namespace.")
@click.option("--name", "resource", default="", help="Only Pods below objects of this name.")
@click.option("-c", "--container", default="", help="This container; all but init containers otherwise.")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), default=0, help="Only the newest lines of each container; 0 for all.")
@click.option("--since", "--since-seconds", "since", type=DURATION, default="0", help="Only lines as young as this.")
@click.option("-p", "--previous", is_flag=True, help="Of the container that ran before.")
@click.option("--filter", "filter_", default="", help="Only lines with this text; ! before it: without.")
@click.option("-m", "--match-case", is_flag=True, help="--filter tells upper from lower case.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@access_options
def logs(
    access: Access,
    name: str,
    group: str | None,
    kind: str,
    resource_namespace: str,
    resource: str,
    filter_: str,
    app_namespace: str,
    **flags: Any,
) -> None:
    """Print what the Pods of an application have logged."""
    wish = Wish(filter=filter_, **flags)

    def meant(node: Node) -> bool:
        key = node.key
        return (
            group in (None, key.group)
            and kind.lower() in ("", key.kind.lower())
            and resource in ("", key.name)
            and resource_namespace in ("", key.namespace)
        )

    async def run() -> None:
        async with connected(access) as client:
            view = await Handle(client, access, name, app_namespace).view()
        tree = await tree_of(access, view.status.resources)
        pods = {pod.key: pod for node in tree.nodes() if meant(node) for pod in node.all() if _is_pod(pod)}
        if not pods:
            raise TrueupError(
                f"application '{name}' has no such Pods", hint=f"`trueup app resources {name}` lists what it has"
            )
        async with Client(access.config(), in_flight=_MOST) as reading:
            await _print(reading, list(pods.values()), wish)

    asyncio.run(run())


def _is_pod(node: Node) -> bool:
    return GroupKind(node.key.group, node.key.kind) == _POD.group_kind


async def _print(client: Client, pods: list[Node], wish: Wish) -> None:
    sources = [(pod, container) for pod in pods for container in await _containers(client, pod, wish)]
    if not sources:
        raise TrueupError(f"no Pod has a container {wish.container!r}", hint="leave --container out for all of them")
    if len(sources) > _MOST:
        raise TrueupError(f"{len(sources)} containers are too many at once", hint="--kind and --name narrow them")
    several = len(sources) > 1

    async def one(pod: Node, container: str) -> None:
        head = f"[{pod.key.name}/{container}] " if several else ""
        try:
            await _read(client, pod, container, wish, head)
        except ApiError as error:
            say(f"warning: {pod.key.name}/{container}: {error.message}", err=True)

    if wish.follow:
        await asyncio.gather(*(one(*source) for source in sources))
    else:
        for source in sources:
            await one(*source)


async def _containers(client: Client, pod: Node, wish: Wish) -> list[str]:
    try:
        spec = (await client.get(_POD, pod.key.namespace, pod.key.name)).object().get("spec") or {}
    except NotFound:
        return []
    names = [each["name"] for each in spec.get("containers") or []]
    if not wish.container:
        return names
    return [n for n in (*names, *(each["name"] for each in spec.get("initContainers") or [])) if n == wish.container]


async def _read(client: Client, pod: Node, container: str, wish: Wish, head: str) -> None:
    path = _POD.path(pod.key.namespace, pod.key.name, "log")
    subject = f"log of {pod.key}"
    stream = await client.open_stream(path, wish.parameters(container), subject)
    rest = b""
    try:
        while chunk := await stream.read():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _line(line, wish, head)
    finally:
        stream.close()
    if rest:
        _line(rest, wish, head)


def _line(line: bytes, wish: Wish, head: str) -> None:
    text = line.decode("utf-8", "replace").rstrip("\r")
    if wish.takes(text):
        say(f"{head}{text}")
