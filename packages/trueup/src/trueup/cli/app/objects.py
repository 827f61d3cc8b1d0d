"""Single objects of an application, straight on Kubernetes: read, patched, deleted, acted upon."""

import asyncio
from typing import Any, cast

import msgspec

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.children import tree_of
from trueup.cli.app.destination import destination_of
from trueup.cli.app.meant import ObjectsMeant, require
from trueup.cli.app.port import ObjectActionView
from trueup.cli.connect import ClusterAccess, asking, discovered
from trueup.diff.mask import Masks
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import NotFound
from trueup.kube.parameters import PatchKind, Propagation
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.runtime.clock import SystemClock

KINDS = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
"""Kinds of patches by their content types."""


async def keys_of(access: ClusterAccess, view: ApplicationView, meant: ObjectsMeant) -> list[ResourceKey]:
    """The objects of an application, and what they have made, that are meant.

    Raises:
        TrueupError: there is none.
    """
    tree = await tree_of(await destination_of(access, view.app), view.status.resources)
    return require([node.key for node in tree.nodes() if node.uid and meant.takes(node.key)], view.app.metadata.name)


async def found_of(access: ClusterAccess, view: ApplicationView, meant: ObjectsMeant) -> list[dict[str, Any]]:
    """Objects as they are, masked.

    Raises:
        TrueupError: there is none.
    """
    keys = await keys_of(access, view, meant)
    async with asking(await destination_of(access, view.app)) as client:
        discovery = await discovered(client)
        lives = await asyncio.gather(*(_live(client, discovery, key) for key in keys))
    return [Masks().shown(live.object()) for live in lives]


async def actions_of(access: ClusterAccess, view: ApplicationView, meant: ObjectsMeant) -> list[ObjectActionView]:
    """What can be done to objects.

    Raises:
        TrueupError: there is none.
    """
    from trueup.server.resources.object_actions import BUILT

    keys = [key for key in await keys_of(access, view, meant) if (key.group, key.kind) in BUILT]
    async with asking(await destination_of(access, view.app)) as client:
        discovery = await discovered(client)
        lives = await asyncio.gather(*(_live(client, discovery, key) for key in keys))
    found = []
    for live in lives:
        body = live.object()
        found += [
            ObjectActionView(live.key, name, action.idle(body), action.parameters)
            for name, action in BUILT[live.key.group, live.key.kind].items()
        ]
    return found


async def act(
    access: ClusterAccess, view: ApplicationView, key: ResourceKey, name: str, parameters: dict[str, str]
) -> None:
    """Do something to an object.

    Raises:
        TrueupError: that cannot be done to it.
    """
    from trueup.server.errors import Fault
    from trueup.server.resources.object_actions import BUILT

    action = BUILT.get((key.group, key.kind), {}).get(name)
    if action is None:
        raise TrueupError(
            f"{key.kind} {key.name} has no action {name}",
            hint=f"`trueup app actions list {view.app.metadata.name}` lists those that there are",
        )
    async with asking(await destination_of(access, view.app)) as client:
        discovery = await discovered(client)
        live = await _live(client, discovery, key)
        try:
            changes = action.change(live.object(), parameters, SystemClock().now())
        except Fault as fault:
            raise TrueupError(fault.message, hint="--param NAME=VALUE gives it") from fault
        if changes.made:
            made = ResourceKey(*action.creates, key.namespace, changes.made["metadata"]["name"])
            await client.create(_type(discovery, made), key.namespace, msgspec.json.encode(changes.made))
        for patch, subresource in ((changes.patch, ""), (changes.status, "status")):
            if patch:
                await client.patch(
                    _type(discovery, key),
                    key.namespace,
                    key.name,
                    msgspec.json.encode(patch),
                    kind="merge",
                    subresource=subresource,
                )


async def patch_object(access: ClusterAccess, view: ApplicationView, key: ResourceKey, patch: bytes, kind: str) -> None:
    """Patch an object."""
    async with asking(await destination_of(access, view.app)) as client:
        await client.patch(
            _type(await discovered(client), key),
            key.namespace,
            key.name,
            patch,
            kind=cast(PatchKind, KINDS.get(kind, kind)),
        )


async def delete_object(
    access: ClusterAccess, view: ApplicationView, key: ResourceKey, *, orphan: bool, force: bool
) -> None:
    """Delete an object.

    Args:
        orphan: what it owns stays.
        force: at once, without waiting for what runs in it.
    """
    async with asking(await destination_of(access, view.app)) as client:
        type_ = _type(await discovered(client), key)
        how: Propagation = "Orphan" if orphan else "Foreground"
        await client.delete(type_, key.namespace, key.name, propagation=how, grace=0 if force else None)


async def _live(client: Client, discovery: Discovery, key: ResourceKey) -> LiveObject:
    try:
        return await client.get(_type(discovery, key), key.namespace, key.name)
    except NotFound as error:
        raise TrueupError(f"{key.kind} {key.name} is not there any more", hint="run the command again") from error


def _type(discovery: Discovery, key: ResourceKey) -> ResourceType:
    found = discovery.find(key.group, key.kind)
    if found is None:
        raise TrueupError(f"the cluster knows no kind {key.kind} any more", hint="run the command again")
    return found
