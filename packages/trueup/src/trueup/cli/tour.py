"""The tour: the main job shown step by step, each step checked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.text import Text

from kubegrammar.errors import Explained
from trueup.cli.app.access import ApplicationView, read_view
from trueup.cli.circle import STEPS as CIRCLE
from trueup.cli.circle import Circle
from trueup.cli.screen import plain
from trueup.demo.playground import Playground
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.model.status import SyncCode
from trueup.store import kinds
from trueup.workshop.repository import PlayRepository

if TYPE_CHECKING:
    from rich.console import Console  # noqa: TID251 - a type

APPLICATION = "plain"
FILE = "plain/deployment.yaml"
DEPLOYMENT = "web"
STEP_TIMEOUT = 300.0


class Tour:
    """What the steps share: the application they watch and how they wait for it."""

    def __init__(self, ground: Playground, repository: PlayRepository) -> None:
        self.ground = ground
        self.repository = repository
        self.control = ground.site.namespace
        self.namespace = f"{ground.site.prefix}{APPLICATION}"

    async def view(self, name: str = APPLICATION) -> ApplicationView:
        live = await self.ground.client.get(kinds.APPLICATION, self.control, name)
        return read_view(live.body)

    async def until(self, what: str, holds: Callable[[ApplicationView], bool]) -> ApplicationView:
        return await self.until_named(APPLICATION, what, holds)

    async def until_named(self, name: str, what: str, holds: Callable[[ApplicationView], bool]) -> ApplicationView:
        """Wait for the application to be so.

        Raises:
            TrueupError: it is not within the step's time.
        """
        deadline = time.monotonic() + STEP_TIMEOUT
        state = "the application does not exist"
        while time.monotonic() < deadline:
            try:
                view = await self.view(name)
            except NotFound:
                await asyncio.sleep(0.1)
                continue
            if holds(view):
                return view
            sync, health = view.status.sync, view.status.health
            state = f"{sync.status if sync else 'Unknown'}, {health.status if health else 'Unknown'}"
            await asyncio.sleep(0.05)
        raise TrueupError(f"{what} did not happen within {STEP_TIMEOUT:g} s (now {state})")

    async def settled(self, revision: str) -> ApplicationView:
        return await self.until(f"{revision[:8]} synced and healthy", lambda view: is_settled(view, revision))

    async def replicas(self) -> int:
        resource = self.ground.discovery.find("apps", "Deployment")
        assert resource is not None
        live = await self.ground.client.get(resource, self.namespace, DEPLOYMENT)
        return int(live.object()["spec"]["replicas"])

    async def scale(self, replicas: int) -> None:
        """What somebody with kubectl would do."""
        resource = self.ground.discovery.find("apps", "Deployment")
        assert resource is not None
        body = msgspec.json.encode({"spec": {"replicas": replicas}})
        await self.ground.client.patch(resource, self.namespace, DEPLOYMENT, body, kind="merge", manager="kubectl")

    async def objects(self) -> set[tuple[str, str]]:
        """What the application has on the cluster."""
        view = await self.view()
        present = set()
        for entry in view.status.resources:
            resource = self.ground.discovery.find(entry.group, entry.kind)
            assert resource is not None
            try:
                await self.ground.client.get(resource, entry.namespace, entry.name)
            except NotFound:
                continue
            present.add((entry.kind, entry.name))
        return present


def is_settled(view: ApplicationView, revision: str) -> bool:
    """Synced to a revision, healthy, and no operation under way."""
    status = view.status
    state = status.operation_state
    return bool(
        status.sync
        and status.sync.status is SyncCode.SYNCED
        and status.sync.revision == revision
        and status.health
        and status.health.status == "Healthy"
        and view.app.operation is None
        and (state is None or state.phase.completed)
    )


async def walk(ground: Playground, console: "Console", examples: Path) -> bool:
    """The whole tour; False when a step did not hold.

    Args:
        examples: the folder that the repository was made of.
    """
    if ground.repository is None:
        raise TrueupError("the tour needs the example repository")
    tour = Tour(ground, ground.repository)
    circle = Circle(ground, ground.repository, examples, tour.until_named)
    console.print("\nThe tour", style="bold")
    steps: list[tuple[str, Callable[[], Awaitable[str]]]] = [(title, partial(step, tour)) for title, step in STEPS]
    if ground.site.guest:
        console.print("Code and images are left out here: the cluster's nodes cannot pull from this machine.")
    else:
        steps += [(title, partial(way, circle)) for title, way in CIRCLE]
    for title, take in steps:
        began = time.monotonic()
        try:
            seen = await take()
        except Explained as error:
            console.print(plain(f"✗ {title}: {error}"), style="red", soft_wrap=True)
            console.print(f"  the engine's log: {ground.engine.log}", soft_wrap=True)
            tail = ground.engine.log.read_text(errors="replace").splitlines()[-15:]
            console.print(plain("\n".join(f"  | {line}" for line in tail), keep="\n\t"), soft_wrap=True)
            return False
        took = f"({time.monotonic() - began:.1f} s)"
        line = Text.assemble(("✓", "green"), f" {title} ", (took, "dim"), "\n  " + plain(seen, keep="\n"))
        console.print(line, soft_wrap=True)
    console.print("Every step held.", style="bold green")
    return True


async def first_state(tour: Tour) -> str:
    revision = await tour.repository.head()
    await tour.settled(revision)
    count = len(await tour.objects())
    return f"{APPLICATION} is Synced to {revision[:8]} and Healthy: {count} objects, none applied by hand"


async def commit(tour: Tour) -> str:
    file = tour.repository.folder / FILE
    before = await tour.replicas()
    text = await asyncio.to_thread(file.read_text)
    changed = text.replace(f"replicas: {before}", f"replicas: {before + 1}")
    if changed == text:
        raise TrueupError(f"{FILE} does not hold 'replicas: {before}'")
    revision = await tour.repository.write(FILE, changed, "One replica more")
    await tour.settled(revision)
    after = await tour.replicas()
    if after != before + 1:
        raise TrueupError(f"the cluster has {after} replicas, Git {before + 1}")
    return f"commit {revision[:8]}: replicas {before} → {after}, Synced and Healthy"


async def drift(tour: Tour) -> str:
    wanted = await tour.replicas()
    await tour.scale(wanted + 4)
    began = time.monotonic()
    while await tour.replicas() != wanted:
        if time.monotonic() - began > STEP_TIMEOUT:
            raise TrueupError("the manual change was not put back")
        await asyncio.sleep(0.01)
    took = time.monotonic() - began
    await tour.settled(await tour.repository.head())
    return f"somebody scaled to {wanted + 4}; put back to {wanted} after {took * 1000:.0f} ms"


async def bad_commit(tour: Tour) -> str:
    objects = await tour.objects()
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: [unclosed\n"
    revision = await tour.repository.write(FILE, text, "A commit that is not YAML")
    view = await tour.until(
        "a ComparisonError", lambda view: any(c.type == "ComparisonError" for c in view.status.conditions)
    )
    message = next(c.message for c in view.status.conditions if c.type == "ComparisonError")
    if FILE.rpartition("/")[2] not in message:
        raise TrueupError(f"the condition does not name the file: {message}")
    lost = objects - await tour.objects()
    if lost:
        raise TrueupError(f"objects were lost: {sorted(lost)}")
    return f"commit {revision[:8]} is refused: “{message}”; all {len(objects)} objects live on"


async def revert(tour: Tour) -> str:
    revision = await tour.repository.revert()
    view = await tour.settled(revision)
    if view.status.conditions:
        raise TrueupError(f"conditions remain: {view.status.conditions[0].message}")
    return f"git revert made {revision[:8]}: Synced and Healthy again"


async def roll_back(tour: Tour) -> str:
    before = await tour.replicas()
    revision = await tour.repository.revert("HEAD~2")
    await tour.settled(revision)
    after = await tour.replicas()
    if after != before - 1:
        raise TrueupError(f"the cluster has {after} replicas, Git {before - 1}")
    return f"git revert of the good commit made {revision[:8]}: replicas {before} → {after}"


STEPS: tuple[tuple[str, Callable[[Tour], Awaitable[str]]], ...] = (
    ("What Git declares runs", first_state),
    ("A commit is deployed", commit),
    ("A manual change is put back", drift),
    ("A bad commit harms nothing", bad_commit),
    ("git revert mends it", revert),
    ("git revert rolls back", roll_back),
)
