"""Noisy neighbours: whatever others' repositories, charts and servers do, one application's commit is applied soon."""

import asyncio
import functools
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import EMBEDDED, Cluster
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.support.hostile import HostileServer, endless_pack, huge_refs, silent, trickling
from tests.support.patience import stretched

from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery

NAMESPACE = "neighbours"
FLOOR = 2.0
"""Seconds that count as quiet on an idle machine, where it was quieter still: the attacks compute on it, too."""
MOST_MEMORY = 400
"""MiB of the engine's process."""
CHART = "apiVersion: v2\nname: burner\nversion: 1.0.0\n"
BURNS = "{{ range $i, $e := until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"


class Neighbourhood:
    """An engine, a good application, and room for bad ones beside it."""

    def __init__(self, estate: Estate, folder: Path, stack: ExitStack) -> None:
        self.estate, self.folder, self.stack = estate, folder, stack
        self.commits = 0
        self.bad: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def commit_applied(self) -> float:
        """Seconds from a commit of the good application to its object in the cluster."""
        self.commits += 1
        colour = f"colour-{self.commits}"
        began = time.monotonic()
        await self.estate.commit({"app/a.yaml": config("a", colour)})

        async def there() -> bool:
            found = await self.estate.live("ConfigMap", "a")
            return found is not None and found.object()["data"]["colour"] == colour

        await self.estate.comes_true(there, what=f"applied commit {self.commits}", patience=120)
        return time.monotonic() - began

    async def median(self, count: int = 3) -> float:
        return statistics.median([await self.commit_applied() for _ in range(count)])

    async def add(self, name: str, url: str, path: str = "app", project: str = "default", **more: Any) -> None:
        """A bad application; of the same project, unless another one is named."""
        spec = {
            "project": project,
            "source": {"repoURL": url, "path": path, "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": NAMESPACE, **more},
            "spec": spec,
        }
        await self.estate.client.create(self.estate.application, NAMESPACE, msgspec.json.encode(body))
        self.bad.append(name)

    async def repository(self, name: str, files: Mapping[str, str]) -> str:
        """A bad repository of this machine; gives its URL."""
        made = play_repository(self.folder / name)
        made.folder.mkdir(parents=True)
        await made.git("init", "--quiet", "--initial-branch=main")
        for path, text in files.items():
            (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (made.folder / path).write_text(text)
        await made.commit("bad")
        return made.url

    def memory(self) -> float:
        """MiB that the engine's process holds."""
        assert self.estate.engine.process is not None
        status = Path(f"/proc/{self.estate.engine.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.fixture
async def neighbourhood(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Neighbourhood]:
    monkeypatch.setenv("TRUEUP_MIRROR_QUOTA", "0.03")
    repositories = tmp_path / "repositories"
    repositories.mkdir()
    (tmp_path / "engine").mkdir()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(load_kubeconfig(cluster.kubeconfig, None)))
        await prepare(client, NAMESPACE, POLLING)
        discovery = Discovery(client)
        await discovery.refresh()
        kubeconfig = cluster.kubeconfig_of("trueup")
        engine = await stack.enter_async_context(
            engine_process(kubeconfig, tmp_path / "engine", repositories, NAMESPACE, 0.0)
        )
        estate = Estate(client, discovery, engine, play_repository(repositories / "good"), "good")
        made = Neighbourhood(estate, repositories, stack.enter_context(ExitStack()))
        await estate.given({"app/a.yaml": config("a", "red")})
        await estate.app("app")
        await estate.settled()
        yield made
        for task in made.tasks:
            task.cancel()
        await engine.stop()
        deleting = (client.delete(estate.application, NAMESPACE, name, propagation="Background") for name in made.bad)
        await asyncio.gather(*deleting)
        await estate.close()


async def silent_servers(here: Neighbourhood) -> None:
    """12 Git servers that take the request and say nothing."""
    server = here.stack.enter_context(HostileServer(silent))
    for number in range(12):
        await here.add(f"silent-{number}", f"{server.url}/{number}.git")
    await here.estate.comes_true(_so(lambda: len(server.requests) >= 8), what="silent servers asked")


async def slow_charts(here: Neighbourhood) -> None:
    """Four charts, each in a repository of its own, that burn until their deadline."""
    for number in range(4):
        files = {"app/Chart.yaml": CHART, "app/values.yaml": "", "app/templates/x.yaml": BURNS}
        await here.add(f"slow-{number}", await here.repository(f"slow-{number}", files))
    await asyncio.sleep(1.0)


async def bad_servers(here: Neighbourhood) -> None:
    """Packs and listings without end, and a byte a second."""
    for answer in (endless_pack, huge_refs, trickling):
        server = here.stack.enter_context(HostileServer(answer))
        for number in range(3):
            name = f"{answer.__name__.replace('_', '-')}-{number}"
            await here.add(name, f"{server.url}/{number}.git")
        await here.estate.comes_true(_so(functools.partial(bool, server.requests)), what=f"{answer.__name__} asked")


async def failing_applications(here: Neighbourhood) -> None:
    """300 applications of one project whose manifests cannot be read."""
    projects = here.estate.discovery.find("argoproj.io", "AppProject")
    assert projects is not None
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "rogue", "namespace": NAMESPACE},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
    }
    await here.estate.client.create(projects, NAMESPACE, msgspec.json.encode(project))
    files = {f"{number}/a.yaml": f"kind: ConfigMap\n# {number}\n  : [\n" for number in range(300)}
    url = await here.repository("failing", files)
    await asyncio.gather(*(here.add(f"failing-{number}", url, str(number), "rogue") for number in range(300)))


async def flapping_repository(here: Neighbourhood) -> None:
    """A commit each second to a repository that 10 applications read, of a chart that burns."""
    files = {"app/Chart.yaml": CHART, "app/values.yaml": "", "app/templates/x.yaml": BURNS}
    url = await here.repository("flapping", files)
    for number in range(10):
        await here.add(f"flapping-{number}", url)
    repository = play_repository(here.folder / "flapping")

    async def flap() -> None:
        for number in itertools.count():
            await asyncio.sleep(1.0)
            await repository.write("app/values.yaml", f"number: {number}\n", "flap")

    here.tasks.append(asyncio.create_task(flap()))


async def silent_registry(here: Neighbourhood) -> None:
    """A registry that says nothing to image automation."""
    server = here.stack.enter_context(HostileServer(silent))
    url = await here.repository("images", {"app/a.yaml": config("images")})
    image = f"{server.url.removeprefix('http://')}/web"
    for number in range(20):
        await here.add(
            f"images-{number}",
            url,
            annotations={"argocd-image-updater.argoproj.io/image-list": f"web={image}-{number}:1.x"},
        )


ATTACKS: dict[str, Callable[[Neighbourhood], Awaitable[None]]] = {
    "silent Git servers": silent_servers,
    "charts that burn": slow_charts,
    "Git servers without end": bad_servers,
    "300 failing applications": failing_applications,
    "a repository that flaps": flapping_repository,
    "a silent registry": silent_registry,
}


def _so(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def so() -> bool:
        return holds()

    return so


@pytest.mark.timeout(400)
@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_a_commit_is_applied_within_twice_its_quiet_time_whatever_the_neighbours_do(
    neighbourhood: Neighbourhood,
) -> None:
    here = neighbourhood
    quiet = await here.median()
    for name, attack in ATTACKS.items():
        await attack(here)
        took = [await here.commit_applied() for _ in range(3)]
        print(f"{name}: {took} beside {quiet:.2f} s, {here.memory():.0f} MiB")
        most = 2 * max(quiet, stretched(FLOOR))
        assert statistics.median(took) <= most, f"{name}: {took} s, {quiet:.2f} s when it is quiet"
        assert here.memory() <= MOST_MEMORY, name
