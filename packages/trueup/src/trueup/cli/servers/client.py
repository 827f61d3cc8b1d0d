"""One question at a time to an API server, by REST."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote

from trueup.cli.servers.config import KnownServer
from trueup.model.errors import TrueupError

SECONDS = 30.0
_LARGEST = 64 << 20
_NO_ANSWER = "is it a server of this name and port? --plaintext speaks without TLS"
_NO_TLS = "is it a server of this name and port? Where it speaks TLS, leave out --plaintext (`trueup login` without it)"


class ServerRefused(TrueupError):
    """A server answers, and not as it was asked.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, hint="`trueup login` signs in" if status == http.client.UNAUTHORIZED else "")
        self.status = status


class UnknownCertificate(TrueupError):
    """A server's certificate is one that nobody here knows."""


class ServerClient:
    """Asks a server."""

    def __init__(self, server: KnownServer, *, seconds: float = SECONDS) -> None:
        self.server, self._seconds = server, seconds

    def get(self, path: str) -> dict[str, Any]:
        """What is at a path."""
        return self.ask("GET", path)

    def ask(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer to a question.

        Raises:
            UnknownCertificate, ServerRefused.
            TrueupError: it does not answer, or not as an API server.
        """
        headers = {"Accept": "application/json"}
        if verb != "GET":
            headers["Content-Type"] = "application/json"
        if self.server.token:
            headers["Authorization"] = f"Bearer {self.server.token}"
        data = None if verb == "GET" else json.dumps({} if body is None else body).encode()
        root = f"/{self.server.root}" if self.server.root else ""
        connection = self._connection()
        try:
            connection.request(verb, root + path, data, headers)
            answer = connection.getresponse()
            text = answer.read(_LARGEST)
        except ssl.SSLCertVerificationError as error:
            raise UnknownCertificate(
                f"the certificate of {self.server.address} is not known: {error.verify_message}",
                hint="--insecure does not look at it",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise TrueupError(
                f"{self.server.address} does not answer: {error or type(error).__name__}",
                hint=_NO_TLS if self.server.plain else _NO_ANSWER,
            ) from error
        finally:
            connection.close()
        return self._read(answer.status, text)

    def _read(self, status: int, text: bytes) -> dict[str, Any]:
        try:
            found = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError):
            found = None
        if status != http.client.OK:
            message = found.get("message") if isinstance(found, dict) else ""
            raise ServerRefused(status, str(message or f"{self.server.address} answers with status {status}"))
        if not isinstance(found, dict):
            raise TrueupError(f"{self.server.address} is no API server", hint="--grpc-web-root-path names its path")
        return found

    def _connection(self) -> http.client.HTTPConnection:
        try:
            if self.server.plain:
                return http.client.HTTPConnection(self.server.address, timeout=self._seconds)
            context = ssl.create_default_context()
            if self.server.insecure:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(self.server.address, timeout=self._seconds, context=context)
        except http.client.InvalidURL as error:
            raise TrueupError(f"{self.server.address} is no address", hint="as in argocd.example.com:443") from error


def escaped(text: str) -> str:
    """A text as a part of a path."""
    return quote(text, safe="")
