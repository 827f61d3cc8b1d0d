"""Questions to an identity provider: bounded in time and size, to its own places alone."""

import base64
import ssl
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from kubegrammar.json import received
from trueup.model.errors import TrueupError
from trueup.server.session.oidc.config import ProviderConfig

SECONDS: Final = 10.0
LARGEST: Final = 1 << 20
"""Bytes of an answer."""


class ProviderUnavailable(TrueupError):
    """The identity provider does not answer, or not as one."""

    reason = "ProviderUnavailable"


class ProviderWeb:
    """Speaks HTTP with one provider."""

    def __init__(self, config: ProviderConfig, *, seconds: float = SECONDS) -> None:
        self._config, self._seconds = config, seconds
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, token: str = "") -> bytes:
        """What is at a URL.

        Args:
            token: shown as a bearer's.

        Raises:
            ProviderUnavailable.
        """
        return await self._ask("GET", url, {"Authorization": f"Bearer {token}"} if token else {}, None)

    async def post(self, url: str, form: Mapping[str, str], user: tuple[str, str] | None) -> dict[str, Any]:
        """The JSON that answers a form.

        Raises:
            ProviderUnavailable: the provider refuses; its own words are not repeated, they may hold what was sent.
        """
        headers = {"Accept": "application/json"}
        if user is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(user).encode()).decode()}"
        return as_object(await self._ask("POST", url, headers, form))

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
    ) -> bytes:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._seconds)
            connector = aiohttp.TCPConnector(ssl=self._context(), limit=8)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(method, url, headers=headers, data=form, allow_redirects=False) as answer:
                body = bytearray()
                async for piece in answer.content.iter_chunked(1 << 14):
                    body += piece
                    if len(body) > LARGEST:
                        raise ProviderUnavailable(f"{self._config.issuer} answers with more than {LARGEST >> 20} MiB")
                if answer.status != 200:
                    raise ProviderUnavailable(f"{self._config.issuer} answers with status {answer.status}")
                return bytes(body)
        except TimeoutError:
            raise ProviderUnavailable(f"{self._config.issuer} does not answer in {self._seconds:g} s") from None
        except (aiohttp.ClientError, ssl.SSLError, ValueError, OSError) as error:
            raise ProviderUnavailable(
                f"{self._config.issuer} cannot be asked: {type(error).__name__}",
                hint="is the issuer of oidc.config right, and rootCA the one that has signed its certificate?",
            ) from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._config.root_ca or None)
        if self._config.unverified:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def as_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ProviderUnavailable.
    """
    try:
        said = received(body)
    except ValueError:
        raise ProviderUnavailable("the identity provider's answer is no JSON") from None
    if not isinstance(said, dict):
        raise ProviderUnavailable("the identity provider's answer is no JSON object")
    return said
