"""Service principals of Microsoft Entra: a secret is exchanged for an access token to Azure DevOps."""

from urllib.parse import quote

import msgspec

from trueup.model.repository_url import RepositoryUrl
from trueup.sources.identity.port import Ask, IdentityShown
from trueup.sources.identity.tokens import access_token

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""Azure DevOps, by the number that Microsoft gave it."""


class ServicePrincipal(msgspec.Struct, frozen=True, kw_only=True):
    """A principal by the fields of a repository Secret (``azureServicePrincipal…``).

    Attributes:
        authority: base URL that tokens are asked of, without a slash at its end.
    """

    client: str
    secret: str
    tenant: str
    authority: str = AUTHORITY

    def __repr__(self) -> str:
        return f"ServicePrincipal({self.client!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be told of it."""
        return (self.secret,)

    def subject(self, url: RepositoryUrl) -> str:
        """One token serves all repositories."""
        return ""

    async def exchange(self, ask: Ask, url: RepositoryUrl, now: float) -> IdentityShown:
        """An access token.

        Raises:
            SourceUnavailable: Entra gives none.
        """
        form = {"client_id": self.client, "client_secret": self.secret, "scope": SCOPE}
        place = f"{self.authority}/{quote(self.tenant, safe='')}/oauth2/v2.0/token"
        answer = await ask("POST", place, form={**form, "grant_type": "client_credentials"})
        token, until = access_token(answer, now)
        return IdentityShown(bearer_token=token, until=until)
