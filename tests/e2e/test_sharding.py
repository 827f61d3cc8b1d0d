"""Two engines that share the clusters: each looks after its own, and a cluster goes where its Secret says."""

import itertools
from contextlib import AsyncExitStack
from pathlib import Path

from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.e2e.test_clusters import another
from tests.e2e.test_two_engines import said

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery

NAMES = (f"shard{number}" for number in itertools.count(1))


@on_embedded
async def test_a_cluster_is_looked_after_by_the_engine_of_its_shard_alone(
    cluster: Cluster, admin: Client, tmp_path: Path
) -> None:
    name = next(NAMES)
    control, repositories = f"{name}-control", tmp_path / "repositories"
    await prepare(admin, control, POLLING)
    discovery = Discovery(admin)
    await discovery.refresh()
    repositories.mkdir()
    async with AsyncExitStack() as stack:
        engines = []
        for shard in ("0", "1"):
            (tmp_path / shard).mkdir()
            kubeconfig, arguments = cluster.kubeconfig_of("trueup"), ("--replicas", "2", "--shard", shard)
            engine = await stack.enter_async_context(
                engine_process(
                    kubeconfig, tmp_path / shard, repositories, control, 0.2, tmp_path / "state", arguments=arguments
                )
            )
            # Each holds a Lease of its own: neither waits for the other.
            await said(engine, "lease acquired")
            engines.append(engine)
        estate = Estate(admin, discovery, engines[0], play_repository(repositories / name), name)
        far = await stack.enter_async_context(another(estate, "far"))
        await far.known(shard="1")
        first = await estate.given({"app/settings.yaml": config()})
        await estate.app("app")
        await estate.app("app", name=far.name, spec=far.destination(name))
        for app in ("", far.name):
            await estate.settled(first, name=app)
        assert await far.colour(name) == "red"

        await engines[1].stop()
        second = await estate.commit({"app/settings.yaml": config(value="blue")})
        await estate.settled(second)
        assert await far.colour(name) == "red"

        await far.known(shard="0")
        await estate.settled(second, name=far.name)
        assert await far.colour(name) == "blue"
        await estate.close()
