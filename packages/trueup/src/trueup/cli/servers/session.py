"""Questions to an API server, by REST, over a few connections; and what it tells as it happens."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from trueup.cli.servers.known import KnownServer
from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import tls_context
from trueup.kube.plainwire import PlainWire
from trueup.kube.wire import Answer, Lost, TooLong
from trueup.model.errors import TrueupError

Json = dict[str, Any]
LARGEST = 128 << 20
"""Bytes of one answer."""
LONGEST_LINE = 16 << 20
"""Bytes of one thing that is told."""
IN_FLIGHT = 4
FIRST_PAUSE = 0.2
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _UNIMPLEMENTED = 200, 401, 403, 404, 501
_DENIED = "permission denied"
"""What a server says of what may not be seen, and of what is not there."""
_NOBODY = "is it up, and is this its port?"
_NO_ANSWER = "is it a server of this name and port? --plaintext speaks without TLS"
_NO_TLS = "is it a server of this name and port? Where it speaks TLS, leave out --plaintext (`trueup login` without it)"


class ServerRefused(TrueupError):
    """A server answers, and not as it was asked.

    Attributes:
        status: of HTTP.
        said: the server's own words.
    """

    def __init__(self, status: int, said: str, message: str = "", hint: str = "") -> None:
        super().__init__(message or said, hint=hint)
        self.status, self.said = status, said

    @property
    def missing(self) -> bool:
        """There is no such thing, or one that may not be seen: a server answers both alike."""
        return self.status == _NOT_FOUND or (self.status == _FORBIDDEN and self.message == _DENIED)


class UnknownCertificate(TrueupError):
    """A server's certificate is one that nobody here knows."""


class ServerSession:
    """Asks a server. Enter it.

    Raises:
        ConfigError: an address or a certificate is none.
    """

    def __init__(self, server: KnownServer) -> None:
        self.server = server
        for what, text in (("token", server.token), *(("header", value) for _, value in server.headers)):
            if not (text.isascii() and (text.isprintable() or not text)):
                raise TrueupError(f"the {what} for {server.address} holds what no header may", hint="is it whole?")
        config = ClusterConfig(
            server=f"{'http' if server.plain else 'https'}://{server.address}",
            insecure=server.insecure,
            ca_data=b"" if server.insecure else server.authority,
            cert_data=server.certificate,
            key_data=server.key,
        )
        self._root = f"/{quote(server.root)}" if server.root else ""
        try:
            urlsplit(config.server).port  # noqa: B018 - a port that is none is told here
            self._wire = PlainWire(config, tls_context(config), IN_FLIGHT)
        except (ValueError, UnicodeError) as error:
            raise TrueupError(f"{server.address} is no address", hint="as in argocd.example.com:443") from error

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Json:
        """What is at a path."""
        return await self.ask("GET", path, query)

    async def ask(self, verb: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Json:
        """The answer to a question.

        Args:
            path: from ``/api`` on, its parts escaped.
            query: what is empty is left out; a list is said by as many values.

        Raises:
            UnknownCertificate, ServerRefused.
            TrueupError: it does not answer, or not as an API server.
        """
        data = None if verb == "GET" or (verb == "DELETE" and body is None) else _encoded(body)
        tries = self.server.tries if verb == "GET" else 1
        for attempt in range(1, tries + 1):
            try:
                answer = await self._wire.exchange(
                    verb, self._target(path, query), self._headers(data is not None), data, LARGEST
                )
                break
            except TooLong as error:
                raise TrueupError(
                    f"{self.server.address} answers with more than {LARGEST >> 20} MiB", hint="ask for less"
                ) from error
            except Lost as error:
                if attempt == tries:
                    raise self._lost(error) from error
            await asyncio.sleep(FIRST_PAUSE * attempt)
        return self._read(answer)

    async def follow(self, path: str, query: Mapping[str, Any] | None = None) -> AsyncGenerator[Json]:
        """What a stream tells, one after the other, until it ends.

        Raises:
            ServerRefused: it is refused, or cannot go on.
            TrueupError: the connection breaks.
        """
        try:
            stream = await self._wire.stream(self._target(path, query), self._headers(False))
        except Lost as error:
            raise self._lost(error) from error
        try:
            if stream.status != _OK:
                self._read(await stream.whole(LARGEST))
            rest = b""
            while chunk := await stream.read():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise TrueupError(f"{self.server.address} tells too much at once", hint="is it an API server?")
                for line in filter(None, lines):
                    yield self._told(line)
            if rest.strip():
                yield self._told(rest)
        except Lost as error:
            raise self._lost(error) from error
        finally:
            stream.close()

    def _told(self, line: bytes) -> Json:
        found = _decoded(line)
        if found is None:
            raise self._no_server()
        if isinstance(error := found.get("error"), dict):
            raise self._refused(int(error.get("http_code") or 500), str(error.get("message") or "the stream has ended"))
        result = found.get("result")
        return result if isinstance(result, dict) else {}

    def _target(self, path: str, query: Mapping[str, Any] | None) -> str:
        said = {name: _text(value) for name, value in (query or {}).items() if value not in ("", None, (), [])}
        return f"{self._root}{path}" + (f"?{urlencode(said, doseq=True)}" if said else "")

    def _headers(self, sends: bool) -> dict[str, str]:
        found = dict(self.server.headers)
        if sends:
            found["Content-Type"] = "application/json"
        if self.server.token:
            found["Authorization"] = f"Bearer {self.server.token}"
        return found

    def _read(self, answer: Answer) -> Json:
        found = _decoded(answer.body) if answer.body.strip() else {}
        if answer.status != _OK:
            message = (found or {}).get("message") or f"{self.server.address} answers with status {answer.status}"
            raise self._refused(answer.status, str(message))
        if found is None:
            raise self._no_server()
        return found

    def _refused(self, status: int, message: str) -> ServerRefused:
        hint, said = "", message
        if status == _UNAUTHORIZED:
            message = message if self.server.token else f"{message} (not signed in to {self.server.address})"
            way = "--plaintext" if self.server.plain else "--insecure" if self.server.insecure else ""
            login = f"login {self.server.address} {way}".rstrip()
            hint = f"`trueup {'relogin' if self.server.context else login}` signs in"
        elif status == _FORBIDDEN and message == _DENIED:
            hint = "what may not be seen and what is not there are answered alike: `trueup account can-i` tells rights"
        elif status == _FORBIDDEN and message.startswith(f"{_DENIED}:"):
            hint = "`trueup account can-i` tells rights"
        elif status == _UNIMPLEMENTED:
            hint = "--core does it straight on Kubernetes, where your kubeconfig may"
        return ServerRefused(status, said, message, hint)

    def _no_server(self) -> TrueupError:
        return TrueupError(f"{self.server.address} is no API server", hint="--grpc-web-root-path names its path")

    def _lost(self, error: Lost) -> TrueupError:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__
        if cause is not None:
            return UnknownCertificate(
                f"the certificate of {self.server.address} is not known: {cause.verify_message}",
                hint="--insecure does not look at it, --server-crt names who signs it",
            )
        hint = _NOBODY if not error.connected else _NO_TLS if self.server.plain else _NO_ANSWER
        return TrueupError(f"{self.server.address} does not answer: {error.cause}", hint=hint)


def escaped(text: str) -> str:
    """A text as a part of a path."""
    return quote(text, safe="")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_text(each) for each in value] if isinstance(value, (list, tuple)) else str(value)


def _encoded(body: Any) -> bytes:
    return msgspec.json.encode({} if body is None else body)


def _decoded(data: bytes) -> Json | None:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
