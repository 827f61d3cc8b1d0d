"""What the embedded cluster does otherwise than a real API server, with the requests that show it.

``python -m tests.conformance.differences`` writes the page of the user documentation.
"""

# ruff: noqa: E501 - a difference is a line

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from tests.conformance.exchange import MERGE, TABLE, Json, Server
from tests.support.patience import looks

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sandbox-differences.md"
HEAD = """# What the sandbox does otherwise

The embedded cluster answers as a Kubernetes 1.37 API server does: a conformance suite of several hundred cases and scripted
sessions of `kubectl` run on both, and where they differ the real one is right. What follows are the differences that are
known. Each is shown by a test, and none is in what Trueup relies on: discovery, reads, watches, server-side apply and its
ownership, the other patches, dry runs, validation, deletion, custom resources.

This page is written by `python -m tests.conformance.differences`.
"""
CONFIG_MAP: Json = {"metadata": {"name": "a"}, "data": {"x": "1"}}

Probe = Callable[[Server, str], Awaitable[Any]]


class Difference(msgspec.Struct, frozen=True):
    """One of them.

    Attributes:
        probe: gives something that differs between the two.
    """

    title: str
    text: str
    probe: Probe


def pod(**spec: Any) -> Json:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def _rights(server: Server, namespace: str) -> Any:
    headers = {"Impersonate-User": "nobody"}
    return (await server.ask("GET", f"/api/v1/namespaces/{namespace}/secrets", headers=headers)).code


async def _webhook(server: Server, namespace: str) -> Any:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    hook = {
        "name": "no.example.com",
        "rules": [rule],
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    await server.ask("POST", hooks, {"metadata": {"name": namespace}, "webhooks": [hook]})
    try:
        async for _ in looks():
            answer = await server.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All", CONFIG_MAP)
            if answer.code != 201:
                break
        return answer.code
    finally:
        await server.ask("DELETE", f"{hooks}/{namespace}")


async def _quota(server: Server, namespace: str) -> Any:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "0"}}}
    path = f"/api/v1/namespaces/{namespace}"
    await server.ask("POST", f"{path}/resourcequotas", quota)
    async for _ in looks():
        answer = await server.ask("POST", f"{path}/configmaps?dryRun=All", CONFIG_MAP)
        if answer.code == 403:
            break
    return answer.code


async def _limits(server: Server, namespace: str) -> Any:
    path = f"/api/v1/namespaces/{namespace}"
    limits = {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}
    await server.ask("POST", f"{path}/limitranges", {"metadata": {"name": "l"}, "spec": limits})
    await asyncio.sleep(0.5)
    answer = await server.ask("POST", f"{path}/pods?dryRun=All", pod())
    return answer.body["spec"]["containers"][0]["resources"]


async def _advice(server: Server, namespace: str) -> Any:
    port = {"containerPort": 80}
    containers = [{"name": name, "image": "i", "ports": [port]} for name in ("a", "b")]
    answer = await server.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod(containers=containers))
    return answer.warnings


async def _resize(server: Server, namespace: str) -> Any:
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}
    await server.ask("POST", claims, {"metadata": {"name": "c"}, "spec": spec})
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    answer = await server.ask("PATCH", f"{claims}/c?dryRun=All", larger, {"Content-Type": MERGE})
    return answer.code, answer.body.get("message")


async def _cost(server: Server, namespace: str) -> Any:
    texts = {"type": "array", "items": {"type": "string"}}
    rule = {"rule": "self.l.all(x, self.l.all(y, self.l.all(z, x.contains(y) || y.contains(z))))"}
    spec = {"type": "object", "properties": {"l": texts}, "x-kubernetes-validations": [rule]}
    plural = f"costly{namespace.replace('-', '')}"
    definition = {
        "metadata": {"name": f"{plural}.differences.example.com"},
        "spec": {
            "group": "differences.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title()},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
                }
            ],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return (await server.ask("POST", f"{path}?dryRun=All", definition)).code


async def _columns(server: Server, namespace: str) -> Any:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    answer = await server.ask("GET", path, headers={"Accept": TABLE})
    return [column["description"] for column in answer.body["columnDefinitions"]]


async def _enums(server: Server, namespace: str) -> Any:
    answer = await server.ask("GET", "/openapi/v3/apis/apps/v1")
    return '"enum"' in msgspec.json.encode(answer.body).decode()


async def _second(server: Server, namespace: str) -> Any:
    return len((await server.ask("GET", "/openapi/v2")).body.get("definitions", {})) > 0


async def _protobuf(server: Server, namespace: str) -> Any:
    path = f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt"
    headers = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
    return (await server.ask("GET", path, headers=headers)).content_type


async def _metrics(server: Server, namespace: str) -> Any:
    return (await server.ask("GET", "/metrics")).code


async def _events(server: Server, namespace: str) -> Any:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    await server.ask(
        "POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", {"metadata": {"name": "a"}, "spec": spec}
    )
    await asyncio.sleep(1)
    return len((await server.ask("GET", f"/api/v1/namespaces/{namespace}/events")).body["items"]) > 0


DIFFERENCES = [
    Difference("Rights", "Nobody is refused: roles and bindings are stored and not enforced. Access reviews say yes.", _rights),
    Difference("Webhooks and admission policies", "They are stored, and not asked.", _webhook),
    Difference("Quotas", "A ResourceQuota is stored, and limits nothing.", _quota),
    Difference("Limit ranges", "A LimitRange is stored; it gives Pods no defaults and refuses none.", _limits),
    Difference("Advice on Pods", "Warnings about odd Pod specifications, such as a port given twice, are not given.", _advice),
    Difference("Resizing claims", "A claim may grow whatever its storage class says.", _resize),
    Difference("The cost of rules", "CEL rules are bounded when they run; a definition is not refused for what they might cost.", _cost),
    Difference("Descriptions of columns", "The columns of tables of built-in kinds have names and no descriptions.", _columns),
    Difference("Possible values in OpenAPI", "Schemas of built-in kinds list no `enum`: `kubectl explain` shows none. Values are checked.", _enums),
    Difference("OpenAPI v2", "The document is empty. Clients use v3, or leave the checking to the server.", _second),
    Difference("Protocol buffers in answers", "They are read, not written: answers are JSON.", _protobuf),
    Difference("Metrics", "There is no `/metrics`.", _metrics),
    Difference("Events of controllers", "The simulator's controllers record none.", _events),
]  # fmt: skip


def page() -> str:
    """The page, as it should be."""
    parts = [HEAD]
    parts += [f"## {one.title}\n\n{one.text}\n" for one in DIFFERENCES]
    parts.append(
        "## Nodes\n\nThere are none, as on a bare control plane. Pods come up because the simulator says so, logs are"
        " plausible lines,\nand there is no `exec`, `attach` or `port-forward`.\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
