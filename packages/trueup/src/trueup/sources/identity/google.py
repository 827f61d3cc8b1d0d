"""Service accounts of Google: a signed statement is exchanged for an access token (RFC 7523)."""

from typing import Any

import msgspec

from kubegrammar import json
from trueup.model.errors import InvalidSpec
from trueup.model.repository_url import OCI, RepositoryUrl
from trueup.sources.identity.assertion import signed
from trueup.sources.identity.port import Ask, IdentityShown
from trueup.sources.identity.tokens import access_token

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
REGISTRY_USER = "oauth2accesstoken"
"""Whoever shows an access token to a registry of Google."""
_LASTS = 3600
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class ServiceAccount(msgspec.Struct, frozen=True):
    """An account by the file that Google makes of its key (``gcpServiceAccountKey``)."""

    text: str

    def __repr__(self) -> str:
        return "ServiceAccount(…)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be told of it."""
        return (self.text,)

    def subject(self, url: RepositoryUrl) -> str:
        """One token serves all repositories."""
        return ""

    async def exchange(self, ask: Ask, url: RepositoryUrl, now: float) -> IdentityShown:
        """An access token, as the password of the account.

        Raises:
            InvalidSpec: the file is none of an account.
            SourceUnavailable: Google gives none.
        """
        file = self._file()
        email, key, place = (file.get(name) for name in ("client_email", "private_key", "token_uri"))
        if not (isinstance(email, str) and isinstance(key, str) and isinstance(place, str)):
            raise InvalidSpec("gcpServiceAccountKey is no key file of a service account", hint=_HINT)
        claims = {"iss": email, "scope": SCOPE, "aud": place, "iat": int(now), "exp": int(now) + _LASTS}
        statement = signed(
            claims, key, "private_key of gcpServiceAccountKey", key_id=str(file.get("private_key_id", ""))
        )
        answer = await ask("POST", place, form={"grant_type": _GRANT, "assertion": statement})
        token, until = access_token(answer, now)
        return IdentityShown(username=REGISTRY_USER if url.scheme == OCI else email, password=token, until=until)

    def _file(self) -> dict[str, Any]:
        try:
            found = json.received(self.text.encode())
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("type") != "service_account":
            raise InvalidSpec("gcpServiceAccountKey is no key file of a service account", hint=_HINT)
        return found


_HINT = "paste the JSON file of the key whole"
