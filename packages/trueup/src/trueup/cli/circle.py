"""The tour's second half: from code to a running image, back from a bad one, and the story of it all."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from trueup.cli.app.access import ApplicationView
from trueup.demo.playground import REPOSITORY, Playground, application
from trueup.features.images.annotations import PREFIX
from trueup.model.annotations import IMAGE_LIST
from trueup.model.errors import TrueupError
from trueup.workshop.repository import PlayRepository

NAME = "hello"
CODE = "hello-code"
PAGE = "site/index.html"
STEP_TIMEOUT = 300.0
AUTHOR = "You <you@localhost>"
"""Of the tour's rollback: git may not know its user."""


class Circle:
    """What the steps share.

    Args:
        examples: folder of the examples, with the code.
        until: waits for an application to be so (:meth:`trueup.cli.tour.Tour.until`), by its name.
    """

    def __init__(
        self,
        ground: Playground,
        manifests: PlayRepository,
        examples: Path,
        until: Callable[[str, str, Callable[[ApplicationView], bool]], Awaitable[ApplicationView]],
    ) -> None:
        self.ground, self.manifests, self.examples, self.until = ground, manifests, examples, until
        self.code: PlayRepository | None = None

    @property
    def image(self) -> str:
        assert self.ground.services
        return f"{self.ground.services.place.host}/{NAME}"

    async def application(self) -> None:
        """The Application, with image automation by Argo CD Image Updater's annotations."""
        assert self.ground.services
        site = self.ground.site
        manifest = application(
            NAME,
            self.ground.services.place.repository(REPOSITORY),
            NAME,
            namespace=f"{site.prefix}{NAME}",
            control=site.namespace,
        )
        manifest["metadata"]["annotations"] = {
            IMAGE_LIST: f"{NAME}={self.image}:1.x",
            f"{PREFIX}{NAME}.kustomize.image-name": NAME,
            f"{PREFIX}{NAME}.force-update": "true",
            f"{PREFIX}write-back-method": "git",
            f"{PREFIX}write-back-target": "kustomization",
        }
        await self.ground.create(manifest)

    async def runs(self, tag: str) -> ApplicationView:
        """Wait until an image of this tag is healthy."""
        wanted = f"{self.image}:{tag}"
        return await self.until(NAME, f"{wanted} running", lambda view: is_running(view, wanted))

    async def trueup(self, *args: str) -> str:
        """Run a command as a user would, and give what it printed."""
        site = self.ground.site
        where = [*map(str, site.access), "--namespace", site.namespace]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trueup", *args, *where),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), STEP_TIMEOUT)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise TrueupError(f"trueup {' '.join(args[:3])}: {errors.decode(errors='replace').strip()}")
        return output.decode()

    @property
    def data(self) -> str:
        return str(self.ground.folder / "data")


def is_running(view: ApplicationView, image: str) -> bool:
    """Synced, healthy, and of this image."""
    status = view.status
    healthy = status.health is not None and status.health.status == "Healthy"
    synced = status.sync is not None and str(status.sync.status) == "Synced"
    state = status.operation_state
    settled = view.app.operation is None and (state is None or state.phase.completed)
    return healthy and synced and settled and status.summary is not None and image in status.summary.images


async def push_code(circle: Circle) -> str:
    began = time.monotonic()
    circle.code = await circle.ground.code(CODE, circle.examples / CODE)
    await circle.application()
    await circle.runs("1.0.1")
    took = time.monotonic() - began
    log = (await circle.manifests.git("log", "-1", "--format=%s", await circle.manifests.pull())).decode().strip()
    return f"a first push was built, and {NAME}:1.0.1 runs after {took:.1f} s; the commit in between: “{log}”"


async def push_more_code(circle: Circle) -> str:
    began = time.monotonic()
    await _page(circle, "<!doctype html>\n<title>hello</title>\n<p>Hello, again.</p>\n", "A friendlier page")
    await circle.runs("1.0.2")
    return f"nobody touched the cluster: code → image → manifest → {NAME}:1.0.2 after {time.monotonic() - began:.1f} s"


async def attributed_drift(circle: Circle) -> str:
    resource = circle.ground.discovery.find("apps", "Deployment")
    assert resource is not None
    namespace = f"{circle.ground.site.prefix}{NAME}"
    body = b'{"spec":{"replicas":7}}'
    await circle.ground.client.patch(resource, namespace, NAME, body, kind="merge", manager="kubectl-edit")
    deadline = time.monotonic() + STEP_TIMEOUT
    while time.monotonic() < deadline:
        entries = await _audit(circle)
        healed = next((e for e in reversed(entries) if e["action"] == "healed" and e.get("links")), None)
        if healed is not None:
            undone = next(e for e in entries if e["id"] == healed["links"][0])
            if undone["by"]["name"] != "kubectl-edit":
                raise TrueupError(f"the change is put down to {undone['by']['name']!r}")
            await circle.runs("1.0.2")
            return f"on record: {undone['by']['name']} set spec.replicas to 7, and entry {healed['id']} undid it"
        await asyncio.sleep(0.2)
    raise TrueupError("the manual change is not on record")


async def bad_image(circle: Circle) -> str:
    began = time.monotonic()
    await _page(circle, "<!doctype html>\n<title>hello</title>\n<p>broken</p>\n", "A bad idea")
    await circle.until(
        NAME, "Degraded", lambda view: view.status.health is not None and view.status.health.status == "Degraded"
    )
    return f"{NAME}:1.0.3 does not come up: Degraded {time.monotonic() - began:.1f} s after the push"


async def roll_back(circle: Circle) -> str:
    began = time.monotonic()
    output = await circle.trueup(
        *("app", "rollback", NAME, "--git", "--yes", "--author", AUTHOR, "--data", circle.data)
    )
    await circle.runs("1.0.2")
    await circle.manifests.pull()
    last = output.strip().splitlines()[-1]
    return f"trueup app rollback {NAME} --git: {last}; {NAME}:1.0.2 is healthy after {time.monotonic() - began:.1f} s"


async def stays_back(circle: Circle) -> str:
    """Automation must not push the bad image again."""
    output = json.loads(await circle.trueup("images", "update", NAME, "--dry-run", "-o", "json"))
    notes = [note for outcome in output for note in outcome["notes"]]
    if not any("1.0.3 was taken back" in note for note in notes):
        raise TrueupError(f"image automation would deploy the bad image again: {output}")
    await circle.runs("1.0.2")
    return str(notes[0])


async def timeline(circle: Circle) -> str:
    story = await circle.trueup("app", "timeline", NAME, "--data", circle.data)
    for word in ("image update committed", "kubectl-edit", "put back", "Degraded", "rolled"):
        if word not in story:
            raise TrueupError(f"the timeline does not tell of “{word}”:\n{story}")
    return "trueup app timeline hello\n" + "\n".join(f"    {line}" for line in story.rstrip().splitlines())


async def _page(circle: Circle, text: str, message: str) -> None:
    assert circle.code
    await circle.code.write(PAGE, text, message)


async def _audit(circle: Circle) -> list[dict[str, Any]]:
    output = await circle.trueup("audit", "--app", NAME, "--data", circle.data, "-o", "json")
    entries: list[dict[str, Any]] = json.loads(output)
    return entries


STEPS: tuple[tuple[str, Callable[[Circle], Awaitable[str]]], ...] = (
    ("A push of code becomes a running image", push_code),
    ("So does the next one", push_more_code),
    ("A manual change is put back, and put down to who made it", attributed_drift),
    ("A bad image is seen", bad_image),
    ("Rollback is a commit in Git", roll_back),
    ("What was rolled back stays back", stays_back),
    ("The timeline tells it all", timeline),
)
