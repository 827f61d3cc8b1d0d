"""What an engine did and saw is on record, with who did it and what undid it, and without a Secret's value."""

import base64
from typing import Any

import msgspec
from tests.conftest import Cluster
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment
from tests.e2e.test_pipelines import trueup
from tests.support.patience import looks

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: declared-hunter2}
"""


async def on_record(estate: Estate, cluster: Cluster, *more: str) -> list[dict[str, Any]]:
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    folder = estate.engine.folder
    command = ["audit", "--app", estate.name, "--data", str(folder / "data"), "--limit", "0", *where, "-o", "json"]
    code, output, errors = await trueup(*command, *more, home=folder)
    assert code == 0, errors
    found: list[dict[str, Any]] = msgspec.json.decode(output)
    return found


async def test_a_heal_is_linked_to_the_change_that_it_undid(estate: Estate, cluster: Cluster) -> None:
    revision = await estate.given({"app/d.yaml": deployment("web", 1), "app/c.yaml": config("c")})
    await estate.app("app")
    await estate.settled()
    await estate.change("Deployment", "web", {"spec": {"replicas": 4}}, group="apps")
    async for _ in looks():
        entries = await on_record(estate, cluster)
        healed = [entry for entry in entries if entry["action"] == "healed"]
        if healed:
            break
    (drift,) = [entry for entry in entries if entry["id"] in healed[0]["links"]]
    assert drift["action"] == "drifted" and drift["object"] == f"apps/Deployment/{estate.name}/web"
    assert drift["changes"] == [{"path": "spec.replicas", "before": "1", "after": "4"}]
    assert healed[0]["changes"] == [{"path": "spec.replicas", "before": "4", "after": "1"}]
    assert healed[0]["why"] == "self-heal" and healed[0]["revision"] == revision
    actions = [entry["action"] for entry in entries]
    assert actions.index("seen-commit") < actions.index("sync-started") < actions.index("applied")
    assert actions.index("applied") < actions.index("sync-finished") < actions.index("drifted")
    only = await on_record(estate, cluster, "--object", "Deployment", "--action", "drifted", "--since", "1h")
    assert [entry["id"] for entry in only] == [drift["id"]]


async def test_no_value_of_a_secret_is_on_record(estate: Estate, cluster: Cluster) -> None:
    await estate.given({"app/s.yaml": SECRET})
    await estate.app("app")
    await estate.settled()
    changed = base64.b64encode(b"changed-hunter3").decode()
    await estate.change("Secret", "login", {"data": {"password": changed}})
    async for _ in looks():
        entries = await on_record(estate, cluster)
        if any(entry["action"] == "healed" for entry in entries):
            break
    (drift,) = [entry for entry in entries if entry["action"] == "drifted"]
    assert drift["changes"] and drift["changes"][0]["path"] == "data.password"
    data = b"".join(file.read_bytes() for file in estate.engine.state.rglob("audit.db*"))
    assert b"login" in data
    for secret in (b"hunter2", b"hunter3", changed.encode(), base64.b64encode(b"declared-hunter2")):
        assert secret not in data


async def test_everything_is_exported_as_lines(estate: Estate, cluster: Cluster) -> None:
    await estate.given({"app/c.yaml": config("c")})
    await estate.app("app")
    await estate.settled()
    where = ["--kubeconfig", str(cluster.kubeconfig), "--namespace", NAMESPACE]
    folder = estate.engine.folder
    code, output, _ = await trueup("audit", "export", "--data", str(folder / "data"), *where, home=folder)
    lines = [msgspec.json.decode(line) for line in output.splitlines()]
    assert code == 0 and any(line.get("application") == f"{NAMESPACE}/{estate.name}" for line in lines)
    code, output, _ = await trueup("audit", "stats", "--data", str(folder / "data"), *where, "-o", "json", home=folder)
    assert code == 0 and msgspec.json.decode(output)["applications"][f"{NAMESPACE}/{estate.name}"]["deployments"] == 1
    code, _, errors = await trueup("audit", "--data", str(folder / "nothing"), *where, home=folder)
    assert code == 20 and "trueup server" in errors
