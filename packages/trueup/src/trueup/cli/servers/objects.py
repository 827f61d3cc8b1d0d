"""Single objects of an application and what they have made, as an API server tells them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.children import ResourceNode, ResourceTree
from trueup.cli.app.meant import ObjectsMeant, require
from trueup.cli.app.port import ObjectActionView
from trueup.cli.app.reasons import Reason, event_lines
from trueup.cli.app.summary import ILL
from trueup.cli.servers.session import Json, ServerRefused
from trueup.cli.servers.shape import part, rows, unpacked, word
from trueup.model.pod_reasons import pod_reasons
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceStatus

if TYPE_CHECKING:
    from trueup.cli.servers.applications import ServedApplication

_MOST, _LONG = 12, 400
"""Objects that are asked about, and letters that are told of each thing."""


def tree_of(view: ApplicationView, nodes: Iterable[Json]) -> ResourceTree:
    """The tree of an application, with the sync status of what it declares. Pure."""
    return forest(nodes, {_key_of(each): each for each in view.status.resources})


def forest(nodes: Iterable[Json], declared: Mapping[ResourceKey, ResourceStatus] | None = None) -> ResourceTree:
    """Objects with what they own, in the order of their names. Pure."""
    declared = declared or {}
    found = {node_key(node): node for node in nodes}
    below: dict[ResourceKey, list[ResourceKey]] = {}
    roots = []
    for key, node in found.items():
        parents = [parent for each in rows(node, "parentRefs") if (parent := node_key(each)) in found]
        if key in declared or not parents:
            roots.append(key)
        for parent in parents if key not in declared else ():
            below.setdefault(parent, []).append(key)
    shown: set[ResourceKey] = set()

    def made(key: ResourceKey) -> ResourceNode:
        node, line = found[key], declared.get(key)
        shown.add(key)
        health = part(node, "health")
        told = line.health if line and line.health else None
        # Each is shown once, however many own it: owners may form rings.
        children = tuple(made(child) for child in sorted(below.get(key, ())) if child not in shown)
        return ResourceNode(
            key=key,
            uid=word(node, "uid"),
            status=str(line.status) if line else "",
            health=str(health.get("status") or (told.status if told else "")),
            message=str(health.get("message") or (told.message if told else "")),
            created=word(node, "createdAt"),
            children=children,
        )

    return ResourceTree(tuple(made(key) for key in sorted(roots)))


async def reasons(app: "ServedApplication", tree: ResourceTree) -> list[Reason]:
    """Why objects do not work: what Pods say, and the last warnings about them."""
    nodes = [node for node in tree.nodes() if node.health in ILL][:_MOST]

    async def one(node: ResourceNode) -> Reason:
        told = [node.message] if node.message else []
        if (node.key.group, node.key.kind) == ("", "Pod"):
            told = pod_reasons(await _object(app, node.key, "v1")) or told
        warnings = event_lines(each for each in await _events(app, node) if each.get("type") == "Warning")
        lines = dict.fromkeys((*told, *warnings))
        return Reason(f"{node.key.kind}/{node.key.name}", tuple(line[:_LONG] for line in lines))

    found = await asyncio.gather(*map(one, nodes))
    return [each for each in found if each.lines]


async def found_of(app: "ServedApplication", meant: ObjectsMeant) -> list[Json]:
    """Objects as they are, masked.

    Raises:
        TrueupError: there is none.
    """
    found = await _meant(app, meant)
    return list(await asyncio.gather(*(_object(app, key, version) for key, version in found.items())))


async def actions_of(app: "ServedApplication", meant: ObjectsMeant) -> list[ObjectActionView]:
    """What can be done to objects.

    Raises:
        TrueupError: there is none.
    """
    found = await _meant(app, meant)

    async def one(key: ResourceKey, version: str) -> list[ObjectActionView]:
        told = await app.ask("GET", "/resource/actions", _query(key, version))
        return [
            ObjectActionView(
                key,
                word(each, "name"),
                bool(each.get("disabled")),
                tuple(word(parameter, "name") for parameter in rows(each, "params")),
            )
            for each in rows(told, "actions")
        ]

    several = await asyncio.gather(*(one(*each) for each in found.items()))
    return [action for actions in several for action in actions]


async def act(app: "ServedApplication", key: ResourceKey, action: str, parameters: Mapping[str, str]) -> None:
    """Do something to an object."""
    version = await _version(app, key)
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    said = {name: value for name, value in _query(key, version).items() if value}
    body = said | {"name": app.name, "action": action} | ({"resourceActionParameters": given} if given else {})
    await app.ask("POST", "/resource/actions/v2", body=app.said() | body)


async def patch_object(app: "ServedApplication", key: ResourceKey, patch: bytes, kind: str) -> None:
    """Patch an object."""
    version = await _version(app, key)
    await app.ask("POST", "/resource", _query(key, version) | {"patchType": kind}, patch.decode())


async def delete_object(app: "ServedApplication", key: ResourceKey, *, orphan: bool, force: bool) -> None:
    """Delete an object."""
    version = await _version(app, key)
    await app.ask("DELETE", "/resource", _query(key, version) | {"orphan": orphan, "force": force})


async def _meant(app: "ServedApplication", meant: ObjectsMeant) -> dict[ResourceKey, str]:
    """Objects that are there, with the version of their kind."""
    nodes = await _nodes(app)
    found = {key: version for key, version in nodes.items() if meant.takes(key)}
    require(list(found), app.name)
    return found


async def _nodes(app: "ServedApplication") -> dict[ResourceKey, str]:
    await app.view()
    nodes = rows(await app.ask("GET", "/resource-tree"), "nodes")
    return {node_key(node): word(node, "version") for node in nodes if node.get("uid")}


async def _version(app: "ServedApplication", key: ResourceKey) -> str:
    found = await _nodes(app)
    require([each for each in found if each == key], app.name)
    return found[key]


async def _object(app: "ServedApplication", key: ResourceKey, version: str) -> Json:
    return unpacked(word(await app.ask("GET", "/resource", _query(key, version)), "manifest"), "manifest") or {}


async def _events(app: "ServedApplication", node: ResourceNode) -> Sequence[Json]:
    query = {"resourceNamespace": node.key.namespace, "resourceName": node.key.name, "resourceUID": node.uid}
    try:
        return rows(await app.ask("GET", "/events", query), "items")
    except ServerRefused:
        return []


def _query(key: ResourceKey, version: str) -> dict[str, Any]:
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "resourceName": key.name,
        "version": version,
    }


def node_key(node: Json) -> ResourceKey:
    """Which object a node of a tree is."""
    return ResourceKey(word(node, "group"), word(node, "kind"), word(node, "namespace"), word(node, "name"))


def _key_of(each: ResourceStatus) -> ResourceKey:
    return ResourceKey(each.group, each.kind, each.namespace, each.name)
