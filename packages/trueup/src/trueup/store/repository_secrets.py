"""The Secrets of repositories: how they are called, found and shown."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from kubegrammar.fnv import fnv32a
from kubegrammar.redact import redact_url
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.repository import same_repository
from trueup.store import identities
from trueup.store.credentials import LABEL, REPOSITORY, SECRET, TEMPLATE, decoded

_PREFIX = {REPOSITORY: "repo", TEMPLATE: "creds"}
_SECRET_FIELDS = ("password", "bearerToken", "sshPrivateKey", "tlsClientCertKey", *identities.KEYS)


class RepositorySecret(msgspec.Struct, frozen=True):
    """A Secret, without what is secret of it.

    Attributes:
        credentials: which fields it has that nobody is shown.
    """

    secret: str
    url: str
    type: str
    name: str
    project: str
    username: str
    insecure: bool
    enable_oci: bool
    credentials: tuple[str, ...]

    @property
    def place(self) -> dict[str, str]:
        """Where the repository is, by the fields of its Secret."""
        oci = {"enableOCI": "true"} if self.enable_oci else {}
        return {"url": self.url, "project": self.project, "type": self.type, **oci}


def secret_name(kind: str, url: str, project: str) -> str:
    """Argo CD's name of a repository's Secret: FNV-1a of URL and project (``RepoURLToSecretName``)."""
    return f"{_PREFIX[kind]}-{fnv32a(url + project)}"


def secret_object(namespace: str, kind: str, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    """A repository Secret as it is written."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {LABEL: kind},
            "annotations": {"managed-by": "argocd.argoproj.io"},
        },
        "data": {field: base64.b64encode(value.encode()).decode() for field, value in data.items() if value},
    }


async def kept(client: Client, namespace: str, kind: str) -> list[RepositorySecret]:
    """The Secrets of a kind, in the order of their URLs."""
    listing = await client.list(SECRET, namespace, label_selector=f"{LABEL}={kind}")
    return sorted((shown(live) for live in listing.objects), key=lambda each: (each.url, each.project))


def shown(live: LiveObject) -> RepositorySecret:
    """What may be shown of a Secret."""
    data = decoded(live.object())
    return RepositorySecret(
        secret=live.key.name,
        url=data.get("url", ""),
        type=data.get("type", "") or "git",
        name=data.get("name", ""),
        project=data.get("project", ""),
        username=data.get("username", ""),
        insecure="true" in (data.get("insecure", ""), data.get("insecureIgnoreHostKey", "")),
        enable_oci=data.get("enableOCI", "") == "true",
        credentials=tuple(field for field in _SECRET_FIELDS if data.get(field)),
    )


async def only(client: Client, namespace: str, kind: str, url: str, project: str | None) -> RepositorySecret:
    """The Secret of a repository.

    Args:
        project: whose; None where it is not said.

    Raises:
        TrueupError: there is none, or more than one and the project is not said.
    """
    found = [each for each in await kept(client, namespace, kind) if same_repository(each.url, url)]
    if project is not None:
        found = [each for each in found if each.project == project]
    if not found:
        verb = "repo" if kind == REPOSITORY else "repocreds"
        raise TrueupError(
            f"no Secret is for {redact_url(url)}", hint=f"`trueup {verb} list` shows those that are there"
        )
    if len(found) > 1:
        names = ", ".join(each.project or "(all projects)" for each in found)
        raise TrueupError(f"{len(found)} Secrets are for {redact_url(url)}, of {names}", hint="say whose by --project")
    return found[0]
