"""Another token for a cluster: asked for with the one that is there, tried, kept, and the old one ended."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress

import msgspec

from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.errors import NotFound
from trueup.store.clusters.manager import ACCOUNT, ROTATED, SECRETS, SYSTEM_NAMESPACE, token_of
from trueup.store.credentials import decoded


async def rotate(
    config: ClusterConfig,
    opened: Callable[[ClusterConfig], AbstractAsyncContextManager[Client]],
    keep: Callable[[ClusterConfig], Awaitable[None]],
    *,
    account: str = ACCOUNT,
    system: str = SYSTEM_NAMESPACE,
) -> str:
    """Give a cluster another token of a service account; when it expires, empty for never.

    Args:
        config: with the token that is there.
        opened: a client of a cluster.
        keep: writes the new configuration, which has been tried; only then the old token goes.
        system: namespace of the account.

    Raises:
        TrueupError: the cluster gives no token, or does not let it in.
    """
    async with opened(config) as there:
        token, expires = await token_of(there, system, account, f"{ROTATED}-{secrets.token_hex(3)}")
    renewed = msgspec.structs.replace(config, token=token)
    async with opened(renewed) as there:
        await there.request("GET", "/version")
        await keep(renewed)
        await _drop(there, system, account, config)
    return expires


async def _drop(there: Client, system: str, account: str, old: ClusterConfig) -> None:
    """Delete the Secrets of a service account that have the old token: with them it ends."""
    for live in (await there.list(SECRETS, system)).objects:
        whose = live.annotations.get("kubernetes.io/service-account.name")
        if whose == account and decoded(live.object()).get("token") == old.token:
            with suppress(NotFound):
                await there.delete(SECRETS, system, live.key.name, propagation="Background")
