"""Client-side apply, replace and edited list keys: from a commit to an application that stays as it is."""

from pathlib import Path

import msgspec
from tests.conftest import Cluster
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment, job
from tests.e2e.test_cli import Ran, Shell

CLIENT_SIDE = ("CreateNamespace=true", "ServerSideApply=false")
REPLACE = ("CreateNamespace=true", "Replace=true")


def secret(**values: str) -> str:
    data = msgspec.json.encode(values).decode()
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {data}\n"


def service(port: int) -> str:
    ports = f"[{{name: http, port: {port}, targetPort: 8080}}]"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: {ports}}}\n"


async def unchanged(estate: Estate, shell: Shell, revision: str) -> None:
    """It stays Synced without another sync, and a second engine that remembers nothing sees no difference."""
    before = (await estate.settled(revision)).status
    for _ in range(2):
        await estate.refresh()
    after = (await estate.settled(revision)).status
    assert after.operation_state == before.operation_state
    assert after.history == before.history
    assert await shell("app", "diff", estate.name) == Ran(0, "", "")


async def test_a_replaced_application_settles_beside_controllers(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    files = {"app/web.yaml": deployment(), "app/job.yaml": job("once"), "app/svc.yaml": service(80)}
    revision = await estate.given({**files, "app/s.yaml": secret(a="b")})
    await estate.app("app", options=REPLACE)
    await estate.settled(revision)
    await estate.change("Deployment", "web", {"metadata": {"labels": {"mesh": "yes"}}}, group="apps")
    shell = Shell(cluster.kubeconfig, tmp_path)
    await unchanged(estate, shell, revision)
    web = await estate.live("Deployment", "web", group="apps")
    assert web is not None and web.labels["mesh"] == "yes", "nothing was replaced for it"


async def test_a_key_that_leaves_a_secret_goes_and_a_side_car_stays_by_client_side_apply(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    files = {"app/s.yaml": secret(user="u", old="hunter22"), "app/web.yaml": deployment(), "app/c.yaml": config()}
    await estate.settled(await given(estate, files))
    side = {"name": "side", "image": "registry.example/side:1"}
    web = await estate.live("Deployment", "web", group="apps")
    assert web is not None
    containers = web.object()["spec"]["template"]["spec"]["containers"]
    pods = {"spec": {"template": {"spec": {"containers": [*containers, side]}}}}
    await estate.change("Deployment", "web", pods, group="apps")
    revision = await estate.commit({"app/s.yaml": secret(user="u"), "app/web.yaml": deployment(replicas=2)})
    await unchanged(estate, Shell(cluster.kubeconfig, tmp_path), revision)
    stored, web = await estate.live("Secret", "s"), await estate.live("Deployment", "web", group="apps")
    assert stored is not None and web is not None
    assert stored.object()["data"] == {"user": "dQ=="}
    assert not [text for text in stored.annotations.values() if "dQ==" in text or "hunter22" in text]
    spec = web.object()["spec"]
    assert spec["replicas"] == 2
    assert [one["name"] for one in spec["template"]["spec"]["containers"]] == ["main", "side"]


async def given(estate: Estate, files: dict[str, str]) -> str:
    revision = await estate.given(files)
    await estate.app("app", options=CLIENT_SIDE)
    return revision


async def test_a_port_whose_number_somebody_edits_is_put_back_and_the_next_one_from_git_comes(
    estate: Estate, cluster: Cluster, tmp_path: Path
) -> None:
    revision = await estate.given({"app/svc.yaml": service(80)})
    await estate.app("app")
    await estate.settled(revision)
    edited = {"name": "http", "port": 81, "targetPort": 8080}
    await estate.change("Service", "web", {"spec": {"ports": [edited]}})
    await estate.until(
        lambda view: bool(
            (state := view.status.operation_state) and state.operation.sync and state.operation.sync.resources
        ),
        what="healed",
    )
    await unchanged(estate, Shell(cluster.kubeconfig, tmp_path), revision)
    assert await ports(estate) == [80]
    revision = await estate.commit({"app/svc.yaml": service(82)})
    await estate.settled(revision)
    assert await ports(estate) == [82]


async def ports(estate: Estate) -> list[int]:
    web = await estate.live("Service", "web")
    assert web is not None
    return [port["port"] for port in web.object()["spec"]["ports"]]
