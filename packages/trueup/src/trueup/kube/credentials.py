"""Credentials as the wire wants them: a TLS context and an Authorization header that follows its file."""

import asyncio
import base64
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trueup.kube.config import ClusterConfig, check_credential
from trueup.kube.errors import ConfigError
from trueup.kube.plugin import ExecPlugin, PluginCredential, RunPlugin, no_plugins, read_credential

_OPEN_FILES = "/proc/self/fd"
_EARLY_SECONDS = 10.0
"""A plug-in's token is not used up to its last moment: a request takes a while, and clocks differ."""


def tls_context(config: ClusterConfig) -> ssl.SSLContext | None:
    """The TLS settings of a cluster; None for a plain http server.

    Raises:
        ConfigError: a certificate or key cannot be read, or they do not belong together.
    """
    if not config.server.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cadata=config.ca_data.decode("ascii") if config.ca_data else None)
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise ConfigError(
            f"cluster {config.server}: the certificate authority is not PEM", hint="give a PEM bundle"
        ) from None
    if config.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.cert_data:
        _load_pair(context, config.cert_data, config.key_data, f"cluster {config.server}")
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes, whose: str) -> None:
    # The ssl module reads a key from a path only; the file is private and gone when the call returns.
    with _private_file(certificate + b"\n" + key) as path:
        try:
            # With a password there is nobody to ask: without one, the terminal is asked for that of a locked key.
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, ValueError) as error:
            mismatch = getattr(error, "reason", "") == "KEY_VALUES_MISMATCH"
            problem = "private key does not match certificate" if mismatch else "the client certificate cannot be read"
            raise ConfigError(f"{whose}: {problem}", hint="give the certificate with its own key") from None


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """The path of a file that nobody else can read: in memory where the system has such files, so that a key is on no
    disk, and none needs to be writable."""
    if sys.platform == "linux" and Path(_OPEN_FILES).is_dir():
        with open(os.memfd_create("client"), "wb") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            yield f"{_OPEN_FILES}/{file.fileno()}"
        return
    # Loaded where it is needed: it is dear to a command that asks one question.
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="client-", suffix=".pem") as file:
        file.write(content)
        file.flush()
        yield file.name


class Authorization:
    """Who says that we are we: the Authorization header of a cluster.

    A token file is read again when it was replaced or rewritten, and a plug-in is run again before what it gave expires
    or when the server refuses it.

    Args:
        run: starts plug-ins.
        tls: of the connections to come, which get the client certificate of a plug-in; None for a plain http server.
        renewed: told that they have another one: those that stand show the last.
    """

    def __init__(
        self,
        config: ClusterConfig,
        run: RunPlugin = no_plugins,
        *,
        tls: ssl.SSLContext | None = None,
        renewed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._config, self._run, self._tls, self._renewed = config, run, tls, renewed
        self._certificate = b""
        self._current: dict[str, str] | None = None
        self._token = config.token
        self._file: Path | None = config.token_file
        self._seen: tuple[int, int, int] | None = None
        self._expires: float | None = None
        self._turn = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """The Authorization header, or nothing where there is no credential.

        Raises:
            ConfigError: the token file cannot be read or holds no token; a plug-in cannot be run or gives none.
        """
        if self._file is not None:
            self._follow(self._file)
        elif self._config.plugin is not None and not self._config.token:
            return await self._ask(self._config.plugin)
        if self._token:
            return {"Authorization": f"Bearer {self._token}"}
        if self._config.username or self._config.password:
            pair = f"{self._config.username}:{self._config.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
        return {}

    def refused(self, sent: Mapping[str, str]) -> bool:
        """The server takes these headers no more: whether there may be a newer credential."""
        if self._config.plugin is None or self._config.token or self._file is not None:
            return False
        if sent is self._current:
            self._current = None
        return True

    def secrets(self) -> Iterator[str]:
        """What is shown at present, to the server and on the way there."""
        pair = f"{self._config.username}:{self._config.password}" if self._config.password else ""
        on_the_way = unquote(urlsplit(self._config.proxy).password or "") if self._config.proxy else ""
        return filter(None, (self._token, self._config.password, pair, on_the_way))

    async def _ask(self, plugin: ExecPlugin) -> dict[str, str]:
        """Headers of what a plug-in gave, the same as long as that serves."""
        async with self._turn:
            if self._current is None or (self._expires is not None and time.time() >= self._expires - _EARLY_SECONDS):
                found = read_credential(await self._run(plugin), plugin)
                await self._present(found, plugin)
                self._token, self._expires = found.token, found.expires
                self._current = {"Authorization": f"Bearer {found.token}"} if found.token else {}
            return self._current

    async def _present(self, found: PluginCredential, plugin: ExecPlugin) -> None:
        """Have connections to come show the client certificate of a plug-in."""
        if not found.certificate or self._tls is None:
            # A plain server asks for none, and a token may come without one.
            return
        pair = found.certificate + b"\n" + found.key
        if pair == self._certificate:
            return
        whose = f"{plugin.place}: {plugin.command}"
        # Tried apart first: one that cannot be used leaves the last in place.
        _load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), found.certificate, found.key, whose)
        _load_pair(self._tls, found.certificate, found.key, whose)
        self._certificate = pair
        if self._renewed is not None:
            await self._renewed()

    def _follow(self, file: Path) -> None:
        try:
            stat = file.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return
            token = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            if self._token:
                return  # a file that is being replaced: the last token serves until the new one is there
            raise ConfigError(f"{file}: cannot be read", hint="make the token file readable") from None
        if not token:
            if self._token:
                return
            raise ConfigError(f"{file}: holds no token", hint="write the token into it")
        check_credential(token, str(file))
        self._token, self._seen = token, seen
