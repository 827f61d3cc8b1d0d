"""The API as it is served by ``trueup server``, asked by the bytes of Argo CD's clients."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.conftest import on_embedded
from tests.e2e.conftest import NAMESPACE
from tests.e2e.estate import Estate
from tests.support.apiserver import GrpcClient, RestClient, Served, ask_web
from tests.support.commands import start
from tests.support.patience import looks, stretched
from tests.support.pgp import PgpKey

from trueup.kube.client import Client
from trueup.store.credentials import SECRET
from trueup.store.kinds import APPLICATION, PROJECT

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1"}]
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {password: %s}
"""
OFFERS = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/values.yaml": "a: {b: 1}\n",
    "kustom/kustomization.yaml": "resources: [pod.yaml]\n",
    "kustom/pod.yaml": """apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "registry.example/web:1"}]}
""",
}


async def test_a_client_of_argo_cd_from_signing_in_to_deletion(served: Served, client: Client, estate: Estate) -> None:
    name = f"{estate.name}-api"
    first = await estate.given({"app/all.yaml": DEPLOYMENT % "first", **OFFERS})
    async with RestClient(served, "") as stranger:
        assert await stranger.ask("GET", "/readyz") == (200, "ok")
        assert (await stranger.ask("GET", "/api/v1/applications"))[0] == 401
        initial = await client.get(SECRET, NAMESPACE, "argocd-initial-admin-secret")
        password = base64.b64decode(initial.object()["data"]["password"]).decode()
        body = {"username": "admin", "password": password}
        status, session = await stranger.ask("POST", "/api/v1/session", body)
    assert status == 200, session
    token = session["token"]
    application = {
        "metadata": {"name": name},
        "spec": {
            "project": name,
            "source": {"repoURL": estate.repository.url, "path": "app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
        },
    }
    async with GrpcClient(served, token) as grpc, RestClient(served, token) as rest:
        assert (await rest.ask("GET", "/api/v1/session/userinfo"))[1]["username"] == "admin"
        spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": name}]}
        spec["clusterResourceWhitelist"] = [{"group": "", "kind": "Namespace"}]
        project = {"metadata": {"name": name}, "spec": spec}
        status, answer = await rest.ask("POST", "/api/v1/projects", {"project": project})
        assert status == 200, answer
        await _a_role_that_goes_takes_its_tokens(client, rest, name)
        missing = {"repo": f"http://127.0.0.1:9/{name}.git", "username": "ada", "password": "hunter2"}
        status, answer = await rest.ask("POST", "/api/v1/repositories", missing)
        assert (status, "error testing repository connectivity" in answer["message"]) == (400, True), answer
        repo = {"repo": estate.repository.url, "username": "ada", "password": "hunter2", "project": name}
        kept = await grpc.ask("RepositoryService.CreateRepository", {"repo": repo})
        assert (kept["repo"], kept["username"]) == (repo["repo"], "ada")
        status, answer = await rest.ask("GET", "/api/v1/repositories")
        assert repo["repo"] in json.dumps(answer) and "hunter2" not in json.dumps(answer)
        status, answer = await rest.ask("DELETE", f"/api/v1/repositories/{quote(repo['repo'], safe='')}")
        assert status == 200, answer
        clusters = await grpc.ask("ClusterService.List", {})
        assert clusters["items"][0]["name"] == "in-cluster"
        async for _ in looks():
            nowhere = {**spec_of(application), "source": {"repoURL": estate.repository.url, "path": "none"}}
            status, refused = await rest.ask("POST", "/api/v1/applications", {**application, "spec": nowhere})
            # The project may be news to the server still.
            if "Unable to generate manifests in none: none: app path does not exist" in refused["message"]:
                break
        assert (status, refused["code"]) == (400, 3), refused
        assert f"application spec for {name} is invalid" in refused["message"]
        status, made = await rest.ask("POST", "/api/v1/applications", application)
        assert status == 200, made
        assert made["spec"]["source"]["path"] == "app"
        await until(grpc, name, "sync", "OutOfSync")
        found = await ask_web(served, "ApplicationService.Sync", {"name": name, "revision": "main"}, token)
        assert found[0]["operation"]["initiatedBy"]["username"] == "admin"
        await until(grpc, name, "health", "Healthy")

        path = f"/api/v1/applications/{name}"
        tree = await settled(rest, f"{path}/resource-tree", lambda found: "Pod" in kinds(found))
        assert {"Deployment", "ReplicaSet", "Pod", "Secret"} <= kinds(tree)
        pod = next(each for each in tree["nodes"] if each["kind"] == "Pod")
        assert pod["parentRefs"][0]["kind"] == "ReplicaSet"
        await _own_paths(grpc, rest, name, pod["name"])
        query = "&".join(
            f"{key}={value}"
            for key, value in {
                "namespace": name,
                "resourceName": "keys",
                "version": "v1",
                "kind": "Secret",
            }.items()
        )
        status, secret = await rest.ask("GET", f"{path}/resource?{query}")
        assert status == 200
        assert "++++" in secret["manifest"]
        # Not the value, in any of its spellings.
        encoded = base64.b64encode(b"first").decode()
        for each in (f"{path}/managed-resources", f"{path}/manifests", f"{path}/resource?{query}"):
            status, answer = await rest.ask("GET", each)
            assert status == 200, answer
            assert encoded not in json.dumps(answer)
            assert '"first"' not in json.dumps(answer)
        status, told = await rest.ask("GET", f"{path}/revisions/{first}/metadata")
        assert (status, told["message"]) == (200, "change")
        assert (await rest.ask("GET", f"{path}/syncwindows"))[1] == {"canSync": True}

        await _another_projects_place(client, rest, application, first)
        await _what_a_repository_offers(rest, name, estate.repository.url)
        await _manifests_that_are_brought(rest, name)
        await _clusters_and_who_is_trusted(client, rest, name)

        patch = {"name": name, "patchType": "merge", "patch": json.dumps({"spec": {"source": {"path": "none"}}})}
        assert "app path does not exist" in (await rest.ask("PATCH", path, patch))[1]["message"]
        assert (await rest.ask("PUT", f"{path}/spec?validate=false", nowhere))[1]["source"]["path"] == "none"
        status, rolled = await rest.ask("POST", f"{path}/rollback", {"name": name, "id": 0})
        assert status == 200, rolled
        assert rolled["operation"]["sync"]["source"]["path"] == "app"
        await grpc.ask("ApplicationService.Delete", {"name": name, "cascade": True})
        await until(grpc, name, "gone", "")
        status, answer = await rest.ask("DELETE", f"/api/v1/projects/{name}")
        assert status == 200, answer
        assert (await rest.ask("GET", path))[0] == 403
        assert (await rest.ask("DELETE", "/api/v1/session"))[0] == 200
        assert (await rest.ask("GET", "/api/v1/applications"))[0] == 401


async def _a_role_that_goes_takes_its_tokens(client: Client, rest: RestClient, project: str) -> None:
    """Also where it goes past the API: one that is made anew would have them."""

    async def roles(names: list[str]) -> None:
        body = json.dumps({"spec": {"roles": [{"name": each} for each in names]}}).encode()
        await client.patch(PROJECT, NAMESPACE, project, body, kind="merge")

    async def tokens() -> Any:
        return (await client.get(PROJECT, NAMESPACE, project)).object().get("status", {}).get("jwtTokensByRole")

    await roles(["ci"])
    async for _ in looks():
        status, answer = await rest.ask("POST", f"/api/v1/projects/{project}/roles/ci/token", {"id": "one"})
        if status == 200:
            break
    assert "ci" in (await tokens()), answer
    await roles([])
    async for _ in looks():
        if not await tokens():
            break
    assert not await tokens()


async def _own_paths(grpc: GrpcClient, rest: RestClient, name: str, pod: str) -> None:
    """What only Trueup's API has, about an application that is Synced."""
    own = f"/api/v1/trueup/applications/{name}"
    found = await grpc.ask("TrueupService.Find", {"q": "WEB", "namespace": name})
    assert [(each["kind"], each["application"]) for each in found["items"]] == [("Deployment", name)]
    status, found = await rest.ask("GET", f"/api/v1/trueup/find?q={pod}&kind=Pod&namespace={name}")
    assert (status, found["items"][0]["via"], found["items"][0]["project"]) == (200, "Deployment/web", name)
    status, plan = await rest.ask("GET", f"{own}/plan")
    assert status == 200, plan
    steps = {f"{step['kind']}/{step['name']}": step for step in plan["steps"]}
    assert {steps[each]["action"] for each in ("Deployment/web", "Secret/keys")} == {"unchanged"}
    status, why = await rest.ask("GET", f"{own}/explain")
    assert (status, why["sync"], why["health"], why["subject"]) == (200, "Synced", "Healthy", "change"), why
    images = await settled(rest, "/api/v1/trueup/images?q=registry.example/web", lambda found: found["items"])
    assert any(name in each["applications"] for each in images["items"])
    assert (await rest.ask("GET", f"{own}/timeline"))[0] == 200
    status, trail = await rest.ask("GET", "/api/v1/trueup/audit?action=request&limit=5")
    assert status == 200 and trail["entries"]
    status, told = await rest.ask("GET", f"/api/v1/trueup/audit?application={name}&limit=1000")
    assert (status, {each.get("project") for each in told["entries"]}) == (200, {name})


async def _what_a_repository_offers(rest: RestClient, name: str, url: str) -> None:
    """Asked of the repository itself, on behalf of a project that permits it."""
    path, whose = f"/api/v1/repositories/{quote(url, safe='')}", f"appProject={name}"
    status, refs = await rest.ask("GET", f"{path}/refs?{whose}")
    assert (status, "main" in refs["branches"]) == (200, True), refs
    status, found = await rest.ask("GET", f"{path}/apps?{whose}&revision=main&appName={name}")
    assert (status, {each["path"]: each["type"] for each in found["items"]}) == (
        200,
        {"chart": "Helm", "kustom": "Kustomize"},
    )
    asked = {"appName": name, "appProject": name}
    sources = {each: {**asked, "source": {"repoURL": url, "path": each}} for each in ("chart", "kustom", "app")}
    status, chart = await rest.ask("POST", f"{path}/appdetails", sources["chart"])
    assert (status, chart["type"], chart["helm"]["parameters"]) == (200, "Helm", [{"name": "a.b", "value": "1"}])
    status, kustomized = await rest.ask("POST", f"{path}/appdetails", sources["kustom"])
    assert (status, kustomized) == (200, {"type": "Kustomize", "kustomize": {"images": ["registry.example/web:1"]}})
    assert (await rest.ask("POST", f"{path}/appdetails", sources["app"]))[1]["type"] == "Directory"


async def _manifests_that_are_brought(rest: RestClient, name: str) -> None:
    """Compared on the cluster; what is another's is as what is not there."""

    def config(which: str) -> str:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": which, "namespace": name}}
        return quote(json.dumps({**body, "data": {"a": "b"}}), safe="")

    query = "&".join(f"targetManifests={config(each)}" for each in ("new", "kube-root-ca.crt"))
    status, found = await rest.ask("GET", f"/api/v1/applications/{name}/server-side-diff?{query}")
    foreign, new = found["items"]
    assert (status, foreign["name"], new["name"], found["modified"]) == (200, "kube-root-ca.crt", "new", True), found
    said = {field: text.replace("kube-root-ca.crt", "new") for field, text in foreign.items() if isinstance(text, str)}
    assert {**foreign, **said} == new


async def _clusters_and_who_is_trusted(client: Client, rest: RestClient, name: str) -> None:
    server = f"https://{name}.example.com"
    cluster = {"server": server, "name": name, "config": {"bearerToken": "hunter2"}}
    status, made = await rest.ask("POST", "/api/v1/clusters", cluster)
    assert (status, made["name"], "hunter2" in json.dumps(made)) == (200, name, False), made
    path = f"/api/v1/clusters/{quote(server, safe='')}"
    listed = await settled(rest, "/api/v1/clusters", lambda found: server in json.dumps(found))
    assert "hunter2" not in json.dumps(listed)
    status, changed = await rest.ask("PUT", f"{path}?updatedFields=namespaces", {"server": server, "namespaces": ["a"]})
    assert (status, changed["namespaces"]) == (200, ["a"]), changed
    secrets = await client.list(SECRET, NAMESPACE, label_selector="argocd.argoproj.io/secret-type=cluster")
    kept = [each.object()["data"] for each in secrets.objects if each.key.name.startswith(f"cluster-{name}")]
    assert [base64.b64decode(each["config"]) for each in kept] == [b'{"bearerToken":"hunter2"}']
    assert (await rest.ask("POST", f"{path}/invalidate-cache"))[0] == 200
    assert (await rest.ask("DELETE", path))[0] == 200
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32)
    host = {"serverName": f"{name}.example.com", "certType": "ssh", "certSubType": "ssh-ed25519"}
    sent = {"items": [{**host, "certData": base64.b64encode(key).decode()}]}
    status, answer = await rest.ask("POST", "/api/v1/certificates", sent)
    assert (status, len(answer["items"])) == (200, 1), answer
    await settled(rest, "/api/v1/certificates", lambda found: host["serverName"] in json.dumps(found))
    status, answer = await rest.ask("DELETE", f"/api/v1/certificates?hostNamePattern={host['serverName']}")
    assert status == 200, answer
    signer = PgpKey()
    status, answer = await rest.ask("POST", "/api/v1/gpgkeys", {"keyData": signer.public})
    assert (status, [each["keyID"] for each in answer["created"]["items"]]) == (200, [signer.id]), answer
    await settled(rest, "/api/v1/gpgkeys", lambda found: signer.id in json.dumps(found))
    assert (await rest.ask("DELETE", f"/api/v1/gpgkeys?keyID={signer.id}"))[0] == 200


async def _another_projects_place(client: Client, rest: RestClient, application: Any, revision: str) -> None:
    """An Application that its project does not permit shows nothing of where it points to, whatever its status says."""
    name = f"{application['metadata']['name']}-elsewhere"
    body = {
        "apiVersion": APPLICATION.api_version,
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {**application["spec"], "destination": {"name": "in-cluster", "namespace": "default"}},
        "status": {"sync": {"status": "Synced", "revision": revision}},
    }
    await client.apply(APPLICATION, NAMESPACE, name, json.dumps(body).encode(), manager="tests")
    path = f"/api/v1/applications/{name}"
    await settled(rest, path, lambda found: found["status"]["sync"]["revision"] == revision)
    object_ = "resource?version=v1&kind=ConfigMap&namespace=default&resourceName=kube-root-ca.crt"
    for each in ("resource-tree", object_, "logs", "events", "managed-resources", f"revisions/{revision}/metadata"):
        status, answer = await rest.ask("GET", f"{path}/{each}")
        assert status == 400 and "do not match any of the allowed" in json.dumps(answer), (each, answer)
    await client.delete(APPLICATION, NAMESPACE, name, propagation="Background")


def spec_of(application: Any) -> dict[str, Any]:
    found: dict[str, Any] = application["spec"]
    return found


def kinds(tree: Any) -> set[str]:
    return {each["kind"] for each in tree["nodes"]}


async def settled(rest: RestClient, path: str, good: Any) -> Any:
    found: Any = None
    async for _ in looks(60):
        status, found = await rest.ask("GET", path)
        if status == 200 and good(found):
            return found
    raise AssertionError(found)


async def until(grpc: GrpcClient, name: str, part: str, wanted: str) -> None:
    """Follow an application until it is as it should be."""
    async with asyncio.timeout(stretched(60)):
        if part == "gone":
            found = await grpc.ask("ApplicationService.List", {"name": name})
            if not found.get("items"):
                return
        async for event in grpc.follow("ApplicationService.Watch", {"name": name}):
            if part == "gone":
                if event["type"] == "DELETED":
                    return
                continue
            status = event["application"].get("status", {})
            if status.get(part, {}).get("status") == wanted:
                return


@on_embedded
async def test_the_command_line_through_the_server(
    served: Served, client: Client, estate: Estate, tmp_path: Path
) -> None:
    """From signing in to deletion, by somebody who has no kubeconfig."""
    name = f"{estate.name}-cli"
    await estate.given({"app/all.yaml": DEPLOYMENT % "first"})
    initial = await client.get(SECRET, NAMESPACE, "argocd-initial-admin-secret")
    password = base64.b64decode(initial.object()["data"]["password"]).decode()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody"), "TRUEUP_GIT_PASSWORD": "hunter2"}

    async def run(*words: str, code: int = 0) -> str:
        process = await start(*words, environment=environment)
        async with asyncio.timeout(stretched(90)):
            out, err = await process.communicate()
        assert process.returncode == code, (words, out, err)
        return out.decode()

    signing = ("--username", "admin", "--password", password, "--plaintext")
    assert "logged in successfully" in await run("login", f"127.0.0.1:{served.port}", *signing)
    url = f"https://git.example.com/{name}.git"
    assert "added" in await run("repo", "add", url, "--username", "ada", "--no-validate")
    assert url in await run("repo", "list")
    assert "removed" in await run("repo", "rm", url)
    await run("proj", "create", name, "-s", "*", "-d", f"https://kubernetes.default.svc,{name}")
    await run("proj", "allow-cluster-resource", name, "", "Namespace")
    source = ("--repo", estate.repository.url, "--path", "app", "--dest-namespace", name, "--project", name)
    made = ("app", "create", name, *source, "--sync-option", "CreateNamespace=true")
    assert "created" in await run(*made)
    assert await run(*made) == f"application '{name}' unchanged\n"
    assert "OutOfSync" in await run("app", "get", name, "--refresh")
    assert "+kind: Deployment" in await run("app", "diff", name, code=1)
    assert "create    Deployment" in await run("app", "plan", name)
    assert "trueup app sync" in await run("app", "explain", name)
    assert "Succeeded" in await run("app", "sync", name)
    assert "Healthy" in await run("app", "wait", name, "--timeout", "90")
    assert await run("app", "diff", name) == ""
    assert f"argocd/{name}" in await run("app", "list", "-p", name)
    assert json.loads(await run("app", "get", name, "-o", "json"))["status"]["sync"]["status"] == "Synced"
    assert "─Pod/web" in await run("app", "get", name, "-o", "tree")
    assert "change" in await run("app", "history", name)
    declared, live = await run("app", "manifests", name), await run("app", "manifests", name, "--source", "live")
    assert "kind: Deployment" in declared and "replicas: 1" in live
    assert "hunter2" not in declared + live and "first" not in declared + live
    assert "restart of Deployment/web" in await run("app", "actions", "run", name, "restart", "--kind", "Deployment")
    assert "listening" in await run("app", "logs", name, "--tail", "1")
    second = await estate.commit({"app/all.yaml": (DEPLOYMENT % "first").replace("replicas: 1", "replicas: 2")})
    assert "+  replicas: 2" in await run("app", "diff", name, "--revision", second, code=1)
    assert "Succeeded" in await run("app", "sync", name)
    first = (await run("app", "history", name, "-o", "id")).split()[0]
    assert f"deployment {first}" in await run("app", "rollback", name, first)
    assert "updated" in await run("app", "set", name, "--revision", second)
    assert "deleted" in await run("app", "delete", name, "--yes", "--wait")
    assert "deleted" in await run("proj", "delete", name)
