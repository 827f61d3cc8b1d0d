"""Repository credentials: Secrets and ConfigMaps by Argo CD's names, followed in the control namespace alone."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.repository import registry_address
from trueup.model.repository_url import RepositoryUrl, parse_repository_url
from trueup.runtime import secrecy
from trueup.runtime.logger import Logger
from trueup.sources.credential import Credential
from trueup.store import identities
from trueup.store.following import RETRY_SECONDS, Followed

log = Logger("trueup.credentials")

LABEL = "argocd.argoproj.io/secret-type"
REPOSITORY, TEMPLATE = "repository", "repo-creds"
WRITE, WRITE_TEMPLATE = "repository-write", "repo-write-creds"
KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
CERTIFICATES = "argocd-tls-certs-cm"
KEYRING = "argocd-gpg-keys-cm"
SECRET = ResourceType(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    namespaced=True,
    verbs=frozenset({"get", "list", "watch", "create", "patch"}),
)
CONFIG_MAP = ResourceType(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    namespaced=True,
    verbs=frozenset({"get", "list", "watch"}),
)
SOPS = "sops-keys"
KINDS = (REPOSITORY, TEMPLATE, WRITE, WRITE_TEMPLATE)
_SELECTOR = f"{LABEL} in ({','.join((*KINDS, SOPS))})"
_MAPS = (KNOWN_HOSTS, CERTIFICATES, KEYRING)
_REMEMBERED = 20_000

_WHO = ("username", "password", "bearerToken", "sshPrivateKey", "tlsClientCertData", *identities.SAYS)
_CONFIDENTIAL = (
    "password",
    "bearerToken",
    "sshPrivateKey",
    "tlsClientCertKey",
    "proxy",
    *identities.KEYS,
)


class _Secret(msgspec.Struct, frozen=True):
    """A repository Secret.

    Attributes:
        url: the repository, or what the URLs of several begin with.
        project: whose applications alone it is for; empty for all.
    """

    name: str
    kind: str
    url: RepositoryUrl
    project: str
    data: dict[str, str]

    def __repr__(self) -> str:
        return f"_Secret({self.name!r})"


class Credentials:
    """What is known about repositories: those Secrets in the control namespace that carry Argo CD's label.

    Only they are read, by a watch with a label selector: no other Secret's values come here. A Secret is shown to the
    host of its own ``url`` alone, and for the applications of its ``project`` alone where it names one.

    Attributes:
        changed: set when any of it has.
        sops: Secrets with keys of encrypted files.
        keyring: the armoured public keys that commits may be signed with (``argocd-gpg-keys-cm``).
    """

    def __init__(self, client: Client, namespace: str) -> None:
        # Loaded by who follows Secrets, not by who shows them.
        from trueup.store.sops_secrets import SopsSecrets

        self._client = client
        self._namespace = namespace
        self._secrets: dict[str, _Secret] = {}
        self._scopes: dict[tuple[str, str], str] = {}
        self._hosts = ""
        self._certificates: dict[str, str] = {}
        self.keyring: tuple[str, ...] = ()
        self.sops = SopsSecrets(namespace)
        self.changed = asyncio.Event()
        self._followed = Followed(client, SECRET, namespace, _SELECTOR, replaced=self._replaced, changed=self._changed)
        secrecy.EVERYWHERE.learn("repositories", self._confidential)

    async def load(self) -> None:
        """Read everything once. What may not be read counts as absent.

        Raises:
            ApiError: the cluster does not answer.
        """
        await self._followed.load()
        for name in _MAPS:
            try:
                self._take_map(await self._client.get(CONFIG_MAP, self._namespace, name))
            except ApiError as error:
                log.debug("not read", configmap=name, error=str(error))

    async def run(self) -> None:
        """Follow changes until cancelled."""
        await asyncio.gather(self._followed.run(), self._follow_maps())

    def of(self, url: str, project: str = "") -> Credential | None:
        """What to show when a repository is read; None for nothing. The repository's own Secret wins, then the longest
        template that its URL begins with; of two alike, the one of the project.

        Args:
            project: on whose behalf it is read; empty takes what is for all of them.

        Raises:
            InvalidSpec: the URL cannot be read, or its Secret asks for something that is not supported.
        """
        return self._find(url, project, REPOSITORY, TEMPLATE)

    def for_writing(self, url: str, project: str = "") -> Credential | None:
        """The same when a repository is pushed to: write credentials first, then those that read."""
        return self._find(url, project, WRITE, WRITE_TEMPLATE) or self.of(url, project)

    def named(self, name: str, url: str, project: str) -> Credential:
        """What one Secret has for pushing to a repository.

        Raises:
            InvalidSpec: there is no such repository Secret, it is for another repository, or for another project.
        """
        secret = self._secrets.get(name)
        if secret is None:
            raise InvalidSpec(
                f"there is no repository Secret {self._namespace}/{name}",
                hint=f"give it the label {LABEL}: {WRITE}, and in the field url the repository that it is for",
            )
        asked = parse_repository_url(url)
        fits = asked.within(secret.url) if secret.kind in (TEMPLATE, WRITE_TEMPLATE) else asked.name == secret.url.name
        if not fits:
            raise InvalidSpec(
                f"Secret {self._namespace}/{name} is for {secret.url.name}, not for {asked.name}",
                hint="name the Secret of this repository, or none",
            )
        if secret.project not in ("", project):
            raise InvalidSpec(
                f"Secret {self._namespace}/{name} is for applications of another project",
                hint=f"make one for project {project}",
            )
        return self._credential(asked, secret.data, secret)

    def given(self, data: Mapping[str, str]) -> Credential:
        """What a repository would be shown if a Secret had these data; what is kept for URLs of its beginning, where
        they do not say who asks.

        Raises:
            InvalidSpec: the URL cannot be read, or they ask for something that is not supported.
        """
        asked, project = parse_repository_url(address_of(data.get("url", ""), data)), data.get("project", "")
        own = _Secret("(as it is given)", REPOSITORY, asked, project, dict(data))
        inherited = None if _says_who(data) else self._chosen(asked, project, REPOSITORY, TEMPLATE)[1]
        found = {**(inherited.data if inherited else {}), **{key: value for key, value in data.items() if value}}
        return self._credential(asked, found, own, *(each for each in (inherited,) if each))

    def scope(self, url: str, project: str) -> str:
        """The project whose own Secret reads a repository on behalf of a project; empty where what is for all of them
        does. What is fetched by the one is not for the other to see."""
        # Each poll of each repository asks for each application.
        known = self._scopes.get((url, project))
        if known is None:
            if len(self._scopes) >= _REMEMBERED:
                self._scopes.clear()
            known = self._scopes[(url, project)] = self._scope(url, project)
        return known

    def _scope(self, url: str, project: str) -> str:
        try:
            chosen = self._chosen(parse_repository_url(url), project, REPOSITORY, TEMPLATE)
        except InvalidSpec:
            return ""
        return project if any(each and each.project for each in chosen) else ""

    @property
    def projects(self) -> frozenset[tuple[str, str]]:
        """The URLs that some project has a Secret of its own for, each with that project."""
        return frozenset((each.url.name, each.project) for each in self._secrets.values() if each.project)

    @property
    def names(self) -> frozenset[str]:
        """The URLs that there is a Secret for, in the form in which they are compared."""
        return frozenset(each.url.name for each in self._secrets.values())

    @property
    def large(self) -> frozenset[str]:
        """Names of the Secrets that have large files fetched."""
        return frozenset(name for name, each in self._secrets.items() if each.data.get("enableLfs") == "true")

    def trusted(self) -> tuple[Mapping[str, str], str]:
        """Certificates by their hosts, as PEM, and the text of known SSH hosts."""
        return self._certificates, self._hosts

    def certificates(self, host: str) -> str:
        """The PEM certificates that are trusted for a host (``argocd-tls-certs-cm``); empty for the system's."""
        return self._certificates.get(host, "")

    def _find(self, url: str, project: str, exact: str, template: str) -> Credential | None:
        asked = parse_repository_url(url)
        own, inherited = self._chosen(asked, project, exact, template)
        if own is None and inherited is None:
            hosts, ca = self._hosts, self.certificates(asked.host)
            return Credential(known_hosts=hosts, ca=ca) if (hosts or ca) and exact == REPOSITORY else None
        data = {**(inherited.data if inherited else {}), **{k: v for k, v in (own.data if own else {}).items() if v}}
        return self._credential(asked, data, *(each for each in (own, inherited) if each))

    def _chosen(
        self, asked: RepositoryUrl, project: str, exact: str, template: str
    ) -> tuple[_Secret | None, _Secret | None]:
        """A repository's own Secret, and the template that it takes its credentials from, if it has none itself."""
        usable = [each for each in self._secrets.values() if each.project in ("", project)]
        usable.sort(key=lambda each: (each.project != project, each.name))
        own = next((each for each in usable if each.kind == exact and each.url.name == asked.name), None)
        if own is not None and _says_who(own.data):
            return own, None
        fitting = [each for each in usable if each.kind == template and asked.within(each.url)]
        return own, max(fitting, key=lambda each: len(each.url.name), default=None)

    def _credential(self, asked: RepositoryUrl, found: Mapping[str, str], *secrets: _Secret) -> Credential:
        """Of the data of some Secrets together, the first of which is named in errors. A URL says who asks where the
        data do not."""
        name, users = secrets[0].name, [each.url.user for each in secrets if each.url.scheme != "ssh"]
        for field in ("username", "password", "bearerToken", "proxy"):
            if any(ord(character) < 32 or ord(character) == 127 for character in found.get(field, "")):
                raise InvalidSpec(
                    f"Secret {self._namespace}/{name}: control character in {field}", hint="write it without a new line"
                )
        return Credential(
            # GitHub and others take any user name beside a token, but not an empty one.
            username=found.get("username", "") or (next(filter(None, users), "git") if found.get("password") else ""),
            password=found.get("password", ""),
            bearer_token=found.get("bearerToken", ""),
            ssh_private_key=found.get("sshPrivateKey", ""),
            tls_client_cert=found.get("tlsClientCertData", ""),
            tls_client_key=found.get("tlsClientCertKey", ""),
            insecure="true" in (found.get("insecure", ""), found.get("insecureIgnoreHostKey", "")),
            plain_http=found.get("insecureOCIForceHttp", "") == "true",
            ca=self.certificates(asked.host),
            known_hosts=self._hosts,
            proxy=found.get("proxy", ""),
            no_proxy=found.get("noProxy", ""),
            identity=identities.identity_of(found, f"{self._namespace}/{name}"),
            large_files=found.get("enableLfs", "") == "true",
            host=asked.host,
        )

    def _replaced(self, secrets: Sequence[LiveObject]) -> None:
        self._secrets.clear()
        self._scopes.clear()
        self.sops.clear()
        for live in secrets:
            self.take(live)
        self.changed.set()

    def _changed(self, live: LiveObject, gone: bool) -> None:
        if gone:
            self._secrets.pop(live.key.name, None)
            self.sops.put(live.key.name, None)
            self._scopes.clear()
        else:
            self.take(live)
        self.changed.set()

    async def _follow_maps(self) -> None:
        while True:
            try:
                listing = await self._client.list(CONFIG_MAP, self._namespace)
                for live in listing.objects:
                    self._take_map(live)
                events = self._client.watch(CONFIG_MAP, listing.resource_version, namespace=self._namespace)
                async with aclosing(events):
                    async for event in events:
                        if event.type == "DELETED":
                            self._take_map(event.object, gone=True)
                        elif event.type != "BOOKMARK":
                            self._take_map(event.object)
                continue
            except ApiError as error:
                log.debug("known hosts and certificates not followed", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    def _confidential(self) -> tuple[str, ...]:
        return (
            *(text for secret in self._secrets.values() for field in _CONFIDENTIAL if (text := secret.data.get(field))),
            *self.sops.confidential(),
        )

    def take(self, live: LiveObject) -> None:
        """Know a Secret, as it is now, or as if it were there."""
        secrecy.EVERYWHERE.learn("repositories", self._confidential)
        data, name, kind = decoded(live.object()), live.key.name, live.labels.get(LABEL, "")
        self._secrets.pop(name, None)
        self.sops.put(name, data if kind == SOPS else None)
        self._scopes.clear()
        if kind not in KINDS or not data.get("url", ""):
            return
        try:
            url = parse_repository_url(address_of(data["url"], data))
        except InvalidSpec as error:
            if data.get("type", "git") in ("", "git"):
                log.warning("a repository Secret is not used", secret=name, problem=str(error))
            return
        self._secrets[name] = _Secret(name, kind, url, data.get("project", ""), data)

    def _take_map(self, live: LiveObject, *, gone: bool = False) -> None:
        data: Mapping[str, str] = {} if gone else live.object().get("data") or {}
        if live.key.name == KNOWN_HOSTS:
            self._hosts = data.get("ssh_known_hosts", "")
        elif live.key.name == CERTIFICATES:
            self._certificates = dict(data)
        elif live.key.name == KEYRING:
            self.keyring = tuple(text for _, text in sorted(data.items()))
        if live.key.name in _MAPS:
            self.changed.set()


def decoded(secret: dict[str, Any]) -> dict[str, str]:
    """The data of a Secret as text; what is no base64 of UTF-8 text is left out."""
    found = dict(secret.get("stringData") or {})
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (ValueError, TypeError):
            log.warning("a Secret's value is no text", secret=secret["metadata"]["name"], key=key)
    return found


def address_of(url: str, data: Mapping[str, str]) -> str:
    """The URL that a Secret says, whole; that of a registry goes without a scheme in Argo CD.

    Args:
        data: of the Secret, its ``type`` and ``enableOCI`` among them.
    """
    is_registry = data.get("type", "") == "oci" or data.get("enableOCI", "") == "true"
    return registry_address(url) if is_registry else url


def _says_who(data: Mapping[str, str]) -> bool:
    return any(data.get(key, "") not in ("", "false") for key in _WHO)
