"""Apps of GitHub: a signed statement is exchanged for the token of an installation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from trueup.model.errors import InvalidSpec
from trueup.model.repository_url import RepositoryUrl
from trueup.sources.identity.assertion import signed
from trueup.sources.identity.port import Ask, IdentityRefused, IdentityShown

API = "https://api.github.com"
_EARLIER, _LASTS = 60, 540
"""Seconds: GitHub's clock may be behind, and takes no statement of more than ten minutes."""


class GithubApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app by the fields of a repository Secret.

    Attributes:
        installation: its number; empty has GitHub say that of the repository.
        api: base URL of the API, without a slash at its end.
    """

    app: str
    installation: str = ""
    key: str
    api: str = API

    def __repr__(self) -> str:
        return f"GithubApp({self.app!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be told of it."""
        return (self.key,)

    def subject(self, url: RepositoryUrl) -> str:
        """A token is of an installation, which is the owner's of a repository."""
        return "" if self.installation else url.path.partition("/")[0].lower()

    async def exchange(self, ask: Ask, url: RepositoryUrl, now: float) -> IdentityShown:
        """The token of the installation.

        Raises:
            InvalidSpec: the key cannot be read, or a number is none.
            SourceUnavailable: GitHub gives none.
        """
        for field, number in (("githubAppID", self.app), ("githubAppInstallationID", self.installation or "1")):
            if not (number.isascii() and number.isalnum()):
                raise InvalidSpec(f"{field} is no number", hint="the page of the app has it")
        claims = {"iat": int(now) - _EARLIER, "exp": int(now) + _LASTS, "iss": self.app}
        statement = signed(claims, self.key, "githubAppPrivateKey")
        headers = {"Authorization": f"Bearer {statement}", "Accept": "application/vnd.github+json"}
        installation = self.installation or await self._installation(ask, url, headers)
        answer = await ask("POST", f"{self.api}/app/installations/{installation}/access_tokens", headers=headers)
        token, ends = answer.get("token"), answer.get("expires_at")
        try:
            until = datetime.fromisoformat(str(ends)).timestamp()
        except ValueError:
            until = 0.0
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token or not until:
            raise IdentityRefused("GitHub's answer has no token of the installation", hint=_HINT)
        return IdentityShown(username="x-access-token", password=token, until=until)

    async def _installation(self, ask: Ask, url: RepositoryUrl, headers: Mapping[str, str]) -> str:
        owner, _, name = url.path.removesuffix(".git").partition("/")
        place = f"{self.api}/repos/{quote(owner, safe='')}/{quote(name, safe='')}/installation"
        answer: dict[str, Any] = await ask("GET", place, headers=headers)
        found = answer.get("id")
        if not isinstance(found, int):
            raise IdentityRefused("GitHub names no installation of the app for this repository", hint=_HINT)
        return str(found)


_HINT = "compare githubAppID and githubAppInstallationID with the app's page; the app must be installed there"
