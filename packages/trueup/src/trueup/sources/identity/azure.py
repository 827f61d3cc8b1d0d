"""Identities of Microsoft Entra: a secret, or the token that Kubernetes has projected into the Pod, is exchanged for an
access token to Azure DevOps, and that for the password of a registry."""

import asyncio
import base64
from pathlib import Path
from urllib.parse import quote

import msgspec

from kubegrammar import json
from trueup.model.errors import InvalidSpec, SourceUnavailable
from trueup.model.repository_url import OCI, RepositoryUrl
from trueup.sources.identity.port import Ask, IdentityRefused, IdentityShown
from trueup.sources.identity.tokens import access_token

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""Azure DevOps, by the number that Microsoft gave it."""
REGISTRY_SCOPE = "https://management.core.windows.net/.default"
REGISTRIES = (".azurecr.io", ".azurecr.cn", ".azurecr.us")
"""Hosts that an access token to the cloud is shown to; no other."""
_REGISTRY_USER = "00000000-0000-0000-0000-000000000000"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LARGEST = 64 * 1024
_REGISTRY_SECONDS = 3600.0
"""A registry's password lasts for three hours, by what it says of itself."""


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


class PodIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever the Pod is, by Azure's workload identity (``useAzureWorkloadIdentity``).

    Attributes:
        file: of the token that Kubernetes projects, and renews.
        authority: base URL that tokens are asked of, without a slash at its end.
        registries: what hosts of registries end with.
        scheme: how these are asked.
    """

    client: str
    tenant: str
    file: str
    authority: str = AUTHORITY
    registries: tuple[str, ...] = REGISTRIES
    scheme: str = "https"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Nothing that is secret is kept of it."""
        return ()

    def subject(self, url: RepositoryUrl) -> str:
        """Each registry has a password of its own."""
        return url.place if url.scheme == OCI else ""

    async def exchange(self, ask: Ask, url: RepositoryUrl, now: float) -> IdentityShown:
        """An access token, or the password of a registry.

        Raises:
            InvalidSpec: the registry is none of Azure.
            SourceUnavailable: the token is not there, or Entra or the registry give nothing for it.
        """
        if url.scheme == OCI and not url.host.endswith(self.registries):
            raise InvalidSpec(
                f"useAzureWorkloadIdentity: {url.host} is no registry of Azure",
                hint="give the registry a username and a password",
            )
        form = {
            "client_id": self.client,
            "client_assertion_type": _ASSERTION,
            "client_assertion": await asyncio.to_thread(_projected, self.file),
            "grant_type": "client_credentials",
            "scope": REGISTRY_SCOPE if url.scheme == OCI else SCOPE,
        }
        place = f"{self.authority}/{quote(self.tenant, safe='')}/oauth2/v2.0/token"
        token, until = access_token(await ask("POST", place, form=form), now)
        if url.scheme != OCI:
            return IdentityShown(bearer_token=token, until=until)
        asked = {"grant_type": "access_token", "service": url.host, "access_token": token}
        answer = await ask("POST", f"{self.scheme}://{url.place}/oauth2/exchange", form=asked)
        password = answer.get("refresh_token")
        if not isinstance(password, str) or not password or not (password.isascii() and password.isprintable()):
            raise IdentityRefused(
                "the registry's answer has no password", hint="let the identity pull from it: AcrPull"
            )
        return IdentityShown(username=_REGISTRY_USER, password=password, until=_end(password, now))


def _projected(file: str) -> str:
    try:
        with Path(file).open() as content:
            return content.read(_LARGEST).strip()
    except (OSError, ValueError) as error:
        raise SourceUnavailable(
            f"the Pod's token cannot be read from {file}: {type(error).__name__}",
            hint="give its service account the label azure.workload.identity/use",
        ) from None


def _end(token: str, now: float) -> float:
    """When a JSON Web Token says that it ends; it is shown to whoever made it, so that nobody need look who did."""
    try:
        claims = json.received(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return min(float(claims["exp"]), now + 24 * 3600)
    except (ValueError, LookupError, TypeError):
        return now + _REGISTRY_SECONDS
