"""Signing in, over what the engine has: its settings, its projects, and the Secrets of the installation."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType

import msgspec

from trueup.engine.control import Control
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.policy.settings import CONFIG_MAP, RBAC
from trueup.runtime.clock import Clock
from trueup.runtime.logger import Logger
from trueup.server.request import Functions
from trueup.server.resources.accounts import account_functions
from trueup.server.resources.project_tokens import project_token_functions
from trueup.server.resources.sessions import session_functions
from trueup.server.resources.settings import settings_functions
from trueup.server.session.attempts import Attempts, Revoked, TryLimits
from trueup.server.session.local import LocalAccounts
from trueup.server.session.oidc.person import People
from trueup.server.session.pages import AuthPages
from trueup.server.session.passwords import Passwords
from trueup.server.session.rights import Rights
from trueup.server.session.signin import SignIn
from trueup.server.walk import Walk
from trueup.store.project_tokens import RoleTokens
from trueup.store.vault import Vault

log = Logger("trueup.session")

_NOTHING: Mapping[str, str] = MappingProxyType({})


class ConfigMapData:
    """The data of a ConfigMap of the control namespace: the same object until it changes."""

    def __init__(self, control: Control, name: str) -> None:
        self._control, self._name = control, name
        self._version = ""
        self._data = _NOTHING

    def __call__(self) -> Mapping[str, str]:
        live = self._control.config_map(self._name)
        version = live.resource_version if live is not None else ""
        if version != self._version:
            body = live.object() if live is not None else {}
            self._version, self._data = version, MappingProxyType(body.get("data") or {})
        return self._data


class Signing(msgspec.Struct, frozen=True):
    """What the API server needs of it.

    Attributes:
        vault: the Secrets of the installation, followed.
    """

    vault: Vault
    sign_in: SignIn
    walks: Mapping[str, Walk]
    functions: tuple[Functions, ...]


@contextlib.asynccontextmanager
async def signing(
    control: Control, client: Client, clock: Clock, limits: TryLimits, root: str, *, secure: bool
) -> AsyncIterator[Signing]:
    """Sign people in until the context is left. What an installation begins with is made where it is not there.

    Args:
        client: of the control cluster; it writes accounts, whether or not this engine is the one that acts.
        secure: browsers come by TLS.
        root: the path below which the server is; empty for none.
    """
    vault = Vault(client, control.namespace)
    await vault.load()
    settings = ConfigMapData(control, CONFIG_MAP)

    def now() -> float:
        return clock.now().timestamp()

    accounts = LocalAccounts(vault, settings, now)
    rights = Rights(lambda: control.config_map(RBAC), control.applications.live_project)
    passwords = Passwords()
    people = People(accounts, rights, now, clock.monotonic)
    sign_in = SignIn(
        accounts,
        passwords,
        Attempts(vault, limits, now),
        Revoked(vault, now),
        rights,
        control.applications.live_project,
        now,
        foreign=people,
        secure=secure,
    )
    following = asyncio.create_task(vault.run(), name="vault")
    try:
        try:
            await accounts.prepare(passwords)
        except TrueupError as error:
            log.warning("nobody can sign in yet", problem=str(error))
        tokens = RoleTokens(client, control.namespace, control.applications.live_project)
        yield Signing(
            vault,
            sign_in,
            AuthPages(sign_in, people, now, root, secure=secure).pages(),
            (
                session_functions(sign_in),
                account_functions(sign_in, now, control.namespace),
                project_token_functions(sign_in, tokens, now),
                settings_functions(sign_in, people, settings, control.namespace),
            ),
        )
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await people.close()
        passwords.close()
