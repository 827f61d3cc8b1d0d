"""The objects of an application as they are, by what its status lists: no repository is read, and no engine built."""

import asyncio
from collections.abc import Iterable
from typing import Any

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.destination import destination_of
from trueup.cli.connect import ClusterAccess, asking, connected, discovered
from trueup.cli.screen import say
from trueup.diff.mask import Masks
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceStatus
from trueup.policy.settings import CONFIG_MAP as SETTINGS
from trueup.store.credentials import CONFIG_MAP
from trueup.store.settings import read_settings


async def live_manifests(access: ClusterAccess, view: ApplicationView) -> list[dict[str, Any]]:
    """What is there of an application's objects, masked; in the order of their keys.

    Raises:
        TrueupError: its cluster is not reached from here.
        ApiError: the cluster does not answer, or refuses an object, or the settings, which say what is masked.
    """
    if view.status.sync is None:
        say("warning: the engine has not looked at it yet, so what it has is not known", err=True)
    async with connected(access) as client:
        masks = Masks(await _masked(client, access.namespace))
    async with asking(await destination_of(access, view.app)) as client:
        found = await _objects(client, view.status.resources)
    return [masks.shown(live.object()) for live in found]


async def _masked(client: Client, namespace: str) -> tuple[str, ...]:
    try:
        data = (await client.get(CONFIG_MAP, namespace, SETTINGS)).object().get("data") or {}
    except NotFound:
        data = {}
    return read_settings(data).masked_annotations


async def _objects(client: Client, resources: Iterable[ResourceStatus]) -> list[LiveObject]:
    discovery = await discovered(client)

    async def one(each: ResourceStatus) -> LiveObject | None:
        type_ = discovery.find(each.group, each.kind, each.version) or discovery.find(each.group, each.kind)
        if type_ is None:
            return None
        try:
            return await client.get(type_, each.namespace, each.name)
        except NotFound:
            return None

    keyed = {ResourceKey(each.group, each.kind, each.namespace, each.name): each for each in resources if not each.hook}
    answers = await asyncio.gather(*(one(keyed[key]) for key in sorted(keyed)))
    return [found for found in answers if found is not None]
