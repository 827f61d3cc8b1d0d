"""Identities of apps and accounts by the fields of Argo CD's repository Secrets."""

import os
from collections.abc import Mapping

from trueup.model.errors import InvalidSpec
from trueup.sources.identity.port import Identity

KEYS = ("githubAppPrivateKey", "gcpServiceAccountKey", "azureServicePrincipalClientSecret")
"""The fields that are secret, each of one kind of identity."""
SAYS = (*KEYS, "useAzureWorkloadIdentity")
"""The fields that say that there is an identity."""
_POD = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
_HOST = "AZURE_AUTHORITY_HOST"
"""What Azure's webhook puts into the environment of a Pod."""
_FIRST = ("password", "bearerToken", "sshPrivateKey")
_PRINCIPAL = ("azureServicePrincipalClientId", "azureServicePrincipalTenantId")


def identity_of(data: Mapping[str, str], secret: str) -> Identity | None:
    """Who asks by the data of a Secret; None where it has a password, a token or a key, which wins as in Argo CD.

    Args:
        secret: its name, for messages.

    Raises:
        InvalidSpec: a field is missing.
    """
    if any(data.get(field) for field in _FIRST):
        return None
    app, google, principal = (data.get(field, "").strip() for field in KEYS)
    # Each kind is loaded where a Secret has one.
    if app:
        from trueup.sources.identity.github import API, GithubApp

        if not data.get("githubAppID", "").strip():
            raise _missing(secret, "githubAppID", "githubAppPrivateKey")
        return GithubApp(
            app=data["githubAppID"].strip(),
            installation=data.get("githubAppInstallationID", "").strip(),
            key=app,
            api=_base(data.get("githubAppEnterpriseBaseUrl", ""), API),
        )
    if google:
        from trueup.sources.identity.google import ServiceAccount

        return ServiceAccount(google)
    if principal:
        from trueup.sources.identity.azure import AUTHORITY, ServicePrincipal

        client, tenant = (data.get(field, "").strip() for field in _PRINCIPAL)
        for field, value in zip(_PRINCIPAL, (client, tenant), strict=True):
            if not value:
                raise _missing(secret, field, "azureServicePrincipalClientSecret")
        authority = _base(data.get("azureActiveDirectoryEndpoint", ""), AUTHORITY)
        return ServicePrincipal(client=client, secret=principal, tenant=tenant, authority=authority)
    if data.get("useAzureWorkloadIdentity") == "true":
        return _of_pod(secret)
    return None


def _of_pod(secret: str) -> Identity:
    from trueup.sources.identity.azure import AUTHORITY, PodIdentity

    found = {name: os.environ.get(name, "") for name in _POD}
    for name, value in found.items():
        if not value:
            raise InvalidSpec(
                f"Secret {secret}: useAzureWorkloadIdentity, and the engine's Pod has no {name}",
                hint="label the Pod azure.workload.identity/use, and annotate its service account with the client",
            )
    client, tenant, file = found.values()
    return PodIdentity(client=client, tenant=tenant, file=file, authority=_base(os.environ.get(_HOST, ""), AUTHORITY))


def _base(url: str, otherwise: str) -> str:
    return url.strip().rstrip("/") or otherwise


def _missing(secret: str, field: str, beside: str) -> InvalidSpec:
    return InvalidSpec(f"Secret {secret}: {field} is missing beside {beside}", hint=f"add {field}")
