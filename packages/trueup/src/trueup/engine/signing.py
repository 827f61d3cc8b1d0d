"""Who signs in to the API of an engine, over its Secrets, settings and projects."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from trueup.engine.control import Control
from trueup.kube.client import Client
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.policy.settings import CONFIG_MAP, RBAC
from trueup.runtime.clock import Clock
from trueup.server.session.attempts import Attempts, Revoked, TryLimits
from trueup.server.session.local import LocalAccounts
from trueup.server.session.passwords import Passwords
from trueup.server.session.rights import Rights
from trueup.server.session.signin import SignIn
from trueup.store.vault import Vault


class ConfigMapData:
    """The data of a ConfigMap: the same object until it changes."""

    def __init__(self, control: Control, name: str) -> None:
        self._control, self._name = control, name
        self._version = ""
        self._data: Mapping[str, str] = {}

    def live(self) -> LiveObject | None:
        """The ConfigMap itself."""
        return self._control.cache.get(ResourceKey("", "ConfigMap", self._control.namespace, self._name))

    def __call__(self) -> Mapping[str, str]:
        live = self.live()
        version = live.resource_version if live else ""
        if version != self._version:
            body: dict[str, Any] = live.object() if live else {}
            self._version, self._data = version, body.get("data") or {}
        return self._data


@asynccontextmanager
async def signing_in(control: Control, client: Client, clock: Clock) -> AsyncIterator[SignIn]:
    """Sign-in, until the context is left.

    Args:
        client: of the control cluster; it writes accounts, whether or not this engine is the one that acts.

    Raises (on entry):
        TrueupError: the Secrets cannot be read or written.
    """

    def now() -> float:
        return clock.now().timestamp()

    vault = Vault(client, control.namespace)
    await vault.load()
    accounts = LocalAccounts(vault, ConfigMapData(control, CONFIG_MAP), now)
    passwords = Passwords()
    await accounts.prepare(passwords)
    project = control.applications.live_project
    following = asyncio.create_task(vault.run(), name="vault")
    try:
        yield SignIn(
            accounts,
            passwords,
            Attempts(vault, TryLimits(), now),
            Revoked(vault, now),
            Rights(ConfigMapData(control, RBAC).live, project),
            project,
            now,
        )
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
