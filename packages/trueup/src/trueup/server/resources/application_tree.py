"""The tree of an Application's objects, once and as it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from trueup.model.live import LiveObject, Seen
from trueup.model.resource import GroupKind, ResourceKey, version_of
from trueup.server.request import Functions, Json, Request, Stream
from trueup.server.resources.application_place import ObjectPlace, TreeBranch, grown
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.store.applications import StoredApplication

Place = Callable[[StoredApplication], Awaitable[ObjectPlace]]
Wait = Callable[[], Awaitable[None]]
PAUSE = 0.5
"""Seconds between two looks for one who follows a tree: rollouts change it many times a second."""


def application_tree(reads: ApplicationReads, place: Place, changed: Wait) -> Functions:
    """ResourceTree and WatchResourceTree.

    Args:
        changed: returns when an object has changed anywhere.
    """
    finding = ApplicationReading(reads)

    async def tree(request: Request) -> Json:
        return await _tree(finding.find(request, "get", name="applicationName"), request.message)

    async def _tree(stored: StoredApplication, query: Json) -> Json:
        at = await place(stored)
        await at.follow()
        return tree_of(stored, at, query)

    async def watch(request: Request) -> Stream:
        finding.find(request, "get", name="applicationName")
        return Stream(followed(request))

    async def followed(request: Request) -> AsyncIterator[Json]:
        last: Json | None = None
        while True:
            # Asked anew each time: rights may go, and so may the Application.
            waiting = asyncio.ensure_future(changed())
            try:
                found = await _tree(finding.find(request, "get", name="applicationName"), request.message)
                if found != last:
                    yield found
                    last = found
                await waiting
            finally:
                waiting.cancel()
            await asyncio.sleep(PAUSE)

    return {"ApplicationService.ResourceTree": tree, "ApplicationService.WatchResourceTree": watch}


def tree_of(stored: StoredApplication, place: ObjectPlace, query: Json) -> Json:
    """The nodes of a tree; what is declared and not there is among them."""
    branches = grown(place)
    nodes = [node_of(branch) for branch in branches.values()]
    for line in stored.status.resources:
        key = ResourceKey(line.group, line.kind, line.namespace, line.name)
        if key not in branches and not line.hook:
            nodes.append({**_reference(key, line.version), "health": {"status": "Missing"}})
    return {"nodes": [node for node in nodes if _asked(node, query)], "orphanedNodes": [], "hosts": []}


def node_of(branch: TreeBranch) -> Json:
    """One object of a tree."""
    seen, shown = branch.seen, branch.shown
    node = {**_reference(seen.key, version_of(seen.api_version)), "resourceVersion": seen.resource_version}
    if seen.uid:
        node["uid"] = seen.uid
    if seen.creation_timestamp:
        node["createdAt"] = seen.creation_timestamp
    if branch.parents:
        node["parentRefs"] = [_parent(each) for each in branch.parents]
    if shown.images:
        node["images"] = list(shown.images)
    if shown.health is not None:
        health = {"status": str(shown.health.status)}
        node["health"] = health | ({"message": shown.health.message} if shown.health.message else {})
    if info := list(_info(branch)):
        node["info"] = info
    if isinstance(seen, LiveObject) and (network := networking(seen)):
        node["networkingInfo"] = network
    return node


def networking(live: LiveObject) -> Json:
    """Where an object leads on the network, by its own words."""
    if live.group_kind not in (GroupKind("", "Service"), GroupKind("networking.k8s.io", "Ingress")):
        return {}
    body = live.object()
    spec, status = _of(body, "spec"), _of(body, "status")
    found: Json = {}
    ingress = [each for each in _list(_of(status, "loadBalancer"), "ingress") if isinstance(each, dict)]
    if ingress:
        found["ingress"] = [{key: each[key] for key in ("hostname", "ip") if each.get(key)} for each in ingress]
    if live.key.kind == "Service":
        selector = spec.get("selector")
        if isinstance(selector, dict) and selector:
            found["targetLabels"] = selector
        return found
    hosts: dict[str, None] = {}
    targets: dict[str, None] = {}
    secure = {host for each in _list(spec, "tls") if isinstance(each, dict) for host in _list(each, "hosts")}
    for rule in _list(spec, "rules"):
        if not isinstance(rule, dict):
            continue
        host = rule.get("host")
        if isinstance(host, str) and host:
            hosts[f"{'https' if host in secure else 'http'}://{host}"] = None
        for path in _list(_of(rule, "http"), "paths"):
            service = _of(_of(path, "backend"), "service").get("name") if isinstance(path, dict) else None
            if isinstance(service, str) and service:
                targets[service] = None
    if targets:
        found["targetRefs"] = [
            {"kind": "Service", "namespace": live.key.namespace, "name": name} for name in sorted(targets)
        ]
    if hosts:
        found["externalURLs"] = sorted(hosts)
    return found


def _info(branch: TreeBranch) -> Iterable[Json]:
    shown = branch.shown
    if shown.ready:
        yield {"name": "Containers", "value": shown.ready}
    if shown.restarts:
        yield {"name": "Restart Count", "value": str(shown.restarts)}
    if shown.revision:
        yield {"name": "Revision", "value": f"Rev:{shown.revision}"}


def _reference(key: ResourceKey, version: str) -> Json:
    found = {"group": key.group, "version": version, "kind": key.kind, "namespace": key.namespace, "name": key.name}
    return {name: value for name, value in found.items() if value}


def _parent(seen: Seen) -> Json:
    found = _reference(seen.key, version_of(seen.api_version))
    return found | ({"uid": seen.uid} if seen.uid else {})


def _asked(node: Json, query: Json) -> bool:
    return all(not query.get(name) or node.get(name, "") == query[name] for name in _FILTERS)


def _of(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Json, name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


_FILTERS = ("group", "version", "kind", "namespace", "name")
