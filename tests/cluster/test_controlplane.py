"""The control plane starts, breaks on demand, and leaves nothing behind."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from tests.conftest import Cluster, on_kubernetes
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from pocketkube.errors import ProcessFailed
from trueup.demo.audit import read_audit
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import Forbidden, Gone, Unauthorized, Unreachable

HOLDER = """
import asyncio, sys
from pathlib import Path
from pocketkube.controlplane import ControlPlane

async def hold():
    async with ControlPlane(map(Path, sys.argv[1:])) as plane:
        print(plane.folder, flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def processes_of(folder: Path) -> list[str]:
    """Command lines that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


async def test_the_version_is_that_of_a_release(discovery: Discovery) -> None:
    assert discovery.server_version.startswith("v1.37.")


@on_kubernetes
async def test_a_user_without_groups_may_nothing(cluster: ControlPlane) -> None:
    async with Client(load_kubeconfig(cluster.kubeconfig_of("guest"), None)) as guest:
        with pytest.raises(Forbidden):
            await guest.request("GET", "/api/v1/namespaces/default/configmaps")


@on_kubernetes
async def test_a_writer_is_found_in_the_audit_log(cluster: ControlPlane, namespace: str) -> None:
    offset = cluster.audit_log.stat().st_size
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with Client(load_kubeconfig(cluster.kubeconfig_of("trueup"), None)) as client:
        await client.request("POST", path, body=b'{"metadata":{"name":"a"}}')
        await client.request("POST", path, params={"dryRun": "All"}, body=b'{"metadata":{"name":"b"}}')
        await client.request("GET", path)
    # An engine that other tests share writes as the same user.
    entries = [entry for entry in read_audit(cluster.audit_log, offset, user="trueup") if namespace in entry.target]
    assert [entry.target for entry in entries if entry.written] == [f"configmaps/{namespace}/a"]


@everywhere  # as the cache of watches tries it
async def test_the_api_server_comes_back_with_what_was_stored(spare: ControlPlane) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        await client.request("POST", path, body=b'{"metadata":{"name":"kept"}}')
        await spare.stop_apiserver()
        with pytest.raises(Unreachable):
            await client.request("GET", f"{path}/kept", attempts=1)
        await spare.start_apiserver()
        assert b'"kept"' in await client.request("GET", f"{path}/kept")


@everywhere  # as the client's lists try it
async def test_a_compacted_version_cannot_be_watched_from(spare: ControlPlane) -> None:
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        config_maps = discovery.find("", "ConfigMap")
        assert config_maps is not None
        before = (await client.list(config_maps)).resource_version
        for name in (b"compacted-a", b"compacted-b"):
            body = b'{"metadata":{"name":"%s"}}' % name
            await client.request("POST", "/api/v1/namespaces/default/configmaps", body=body)
        assert await spare.compact() > int(before)
        await spare.stop_apiserver()
        await spare.start_apiserver()
        with pytest.raises(Gone):
            async for _ in client.watch(config_maps, before):
                pass


async def test_a_start_that_fails_shows_the_log_and_leaves_nothing(
    controlplane_folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    plane = ControlPlane(controlplane_folders, apiserver_args=["--no-such-flag"])
    with pytest.raises(ProcessFailed, match="unknown flag: --no-such-flag"):
        await plane.__aenter__()
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


async def test_a_start_that_takes_too_long_is_given_up(controlplane_folders: list[Path]) -> None:
    plane = ControlPlane(controlplane_folders, start_timeout=0.1)
    with pytest.raises(ProcessFailed, match=r"waited 0.1 s until kube-apiserver is ready"):
        await plane.__aenter__()


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=everywhere), pytest.param(signal.SIGINT, marks=everywhere)],
    ids=lambda number: number.name,
)
async def test_nothing_outlives_the_starter(controlplane_folders: list[Path], number: signal.Signals) -> None:
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, *map(str, controlplane_folders)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert holder.stdout is not None
    folder = Path((await holder.stdout.readline()).decode().strip())
    assert len(processes_of(folder)) == 4, "etcd, API server, controllers, and the one that sweeps"
    holder.send_signal(number)
    await holder.wait()
    async with asyncio.timeout(stretched(10)):
        while processes_of(folder) or folder.exists():
            await asyncio.sleep(0.05)


@on_kubernetes
async def test_a_stranger_on_the_port_is_not_taken_for_our_server(
    controlplane_folders: list[Path], cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared server answers on its port while a second one, told to use it, dies; a free port is then taken."""
    taken = int(cluster.url.rpartition(":")[2])
    ports = iter([[taken, 20001, 20002]])
    choose = sys.modules[ControlPlane.__module__].__dict__["_free_ports"]
    monkeypatch.setattr(f"{ControlPlane.__module__}._free_ports", lambda count: next(ports, None) or choose(count))
    async with ControlPlane(controlplane_folders) as second:
        assert second.url != cluster.url
        assert second.pids["kube-apiserver"] != cluster.pids["kube-apiserver"]


async def test_a_token_of_another_control_plane_is_refused(cluster: Cluster) -> None:
    config = load_kubeconfig(cluster.kubeconfig, None)
    text = cluster.kubeconfig.read_text().replace(config.token, "another")
    path = cluster.folder / "another.kubeconfig"
    path.write_text(text)
    path.chmod(0o600)
    async with Client(load_kubeconfig(path, None)) as client:
        with pytest.raises(Unauthorized):
            await client.request("GET", "/api/v1/namespaces")


async def test_a_privileged_container_is_let_in_as_on_other_clusters(admin: Client, namespace: str) -> None:
    containers = [{"name": "agent", "image": "registry.example/agent:1", "securityContext": {"privileged": True}}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "agent"}, "spec": {"containers": containers}}
    resource = ResourceType(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
    await admin.create(resource, namespace, msgspec.json.encode(pod), dry_run=True)
