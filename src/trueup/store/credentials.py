"""Repository credentials: Secrets and ConfigMaps by Argo CD's names, followed in the control namespace alone."""

import asyncio
import base64
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import structlog

from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.sources.credential import Credential

log = structlog.get_logger("trueup.credentials")

LABEL = "argocd.argoproj.io/secret-type"
REPOSITORY, TEMPLATE = "repository", "repo-creds"
WRITE, WRITE_TEMPLATE = "repository-write", "repo-write-creds"
KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
CERTIFICATES = "argocd-tls-certs-cm"
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
RETRY_SECONDS = 5.0

_UNSUPPORTED = ("githubAppPrivateKey", "gcpServiceAccountKey", "useAzureWorkloadIdentity")


class Credentials:
    """What is known about repositories: those Secrets in the control namespace that carry Argo CD's label.

    Only they are read, by a watch with a label selector: no other Secret's values come here.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._secrets: dict[str, dict[str, str]] = {}
        self._kinds: dict[str, str] = {}
        self._hosts = ""
        self._certificates: dict[str, str] = {}
        self.changed = asyncio.Event()

    async def load(self) -> None:
        """Read everything once. What may not be read counts as absent.

        Raises:
            ApiError: the cluster does not answer.
        """
        await self._load_secrets()
        for name in (KNOWN_HOSTS, CERTIFICATES):
            try:
                self._take_map(await self._client.get(CONFIG_MAP, self._namespace, name))
            except ApiError as error:
                log.debug("not read", configmap=name, error=str(error))

    async def run(self) -> None:
        """Follow changes until cancelled."""
        await asyncio.gather(self._follow_secrets(), self._follow_maps())

    def of(self, url: str) -> Credential | None:
        """What to show when a repository is read; None for nothing. The repository's own Secret wins, then the longest
        template that its URL begins with.

        Raises:
            InvalidSpec: its Secret asks for something that is not supported.
        """
        return self._find(url, REPOSITORY, TEMPLATE)

    def for_writing(self, url: str) -> Credential | None:
        """The same when a repository is pushed to: write credentials first, then those that read."""
        return self._find(url, WRITE, WRITE_TEMPLATE) or self.of(url)

    def certificates(self, host: str) -> str:
        """The PEM certificates that are trusted for a host (``argocd-tls-certs-cm``); empty for the system's."""
        return self._certificates.get(host, "")

    def _find(self, url: str, exact: str, template: str) -> Credential | None:
        wanted = normalised(url)
        own = self._of_kind(exact)
        found = next((data for data in own if normalised(data.get("url", "")) == wanted), None)
        if found is None or not _says_who(found):
            # Argo CD: a repository's Secret without credentials of its own takes those of the template.
            fitting = [data for data in self._of_kind(template) if _covers(data.get("url", ""), wanted)]
            inherited = max(fitting, key=lambda data: len(data["url"]), default=None)
            if inherited is not None:
                found = {**inherited, **{k: v for k, v in (found or {}).items() if v}, "url": url}
        hosts, ca = self._hosts, self.certificates(_host(url))
        if found is None:
            return Credential(known_hosts=hosts, ca=ca) if (hosts or ca) and exact == REPOSITORY else None
        for field in _UNSUPPORTED:
            if found.get(field, "") not in ("", "false"):
                raise InvalidSpec(
                    f"the Secret of repository {_shown(url)}: {field} is not supported",
                    hint="use username and password, bearerToken or sshPrivateKey",
                )
        return Credential(
            # GitHub and others take any user name beside a token, but not an empty one.
            username=found.get("username", "") or ("git" if found.get("password") else ""),
            password=found.get("password", ""),
            bearer_token=found.get("bearerToken", ""),
            ssh_private_key=found.get("sshPrivateKey", ""),
            tls_client_cert=found.get("tlsClientCertData", ""),
            tls_client_key=found.get("tlsClientCertKey", ""),
            insecure="true" in (found.get("insecure", ""), found.get("insecureIgnoreHostKey", "")),
            ca=ca,
            known_hosts=hosts,
            proxy=found.get("proxy", ""),
            no_proxy=found.get("noProxy", ""),
        )

    def _of_kind(self, kind: str) -> Iterable[dict[str, str]]:
        return (self._secrets[name] for name in sorted(self._secrets) if self._kinds[name] == kind)

    async def _load_secrets(self) -> str:
        selector = f"{LABEL} in ({REPOSITORY},{TEMPLATE},{WRITE},{WRITE_TEMPLATE})"
        try:
            listing = await self._client.list(SECRET, self._namespace, label_selector=selector)
        except ApiError as error:
            log.info("repository Secrets cannot be read", error=str(error))
            return ""
        self._secrets.clear()
        self._kinds.clear()
        for live in listing.objects:
            self._take(live)
        self.changed.set()
        return listing.resource_version

    async def _follow_secrets(self) -> None:
        selector = f"{LABEL} in ({REPOSITORY},{TEMPLATE},{WRITE},{WRITE_TEMPLATE})"
        while True:
            version = await self._load_secrets()
            if version:
                try:
                    events = self._client.watch(SECRET, version, namespace=self._namespace, label_selector=selector)
                    async with aclosing(events):
                        async for event in events:
                            if event.type == "DELETED":
                                self._secrets.pop(event.object.key.name, None)
                            elif event.type != "BOOKMARK":
                                self._take(event.object)
                            if event.type != "BOOKMARK":
                                self.changed.set()
                    continue
                except ApiError as error:
                    log.debug("repository Secrets not followed", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)

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

    def _take(self, live: LiveObject) -> None:
        self._secrets[live.key.name] = decoded(live.object())
        self._kinds[live.key.name] = live.labels.get(LABEL, "")

    def _take_map(self, live: LiveObject, *, gone: bool = False) -> None:
        data: Mapping[str, str] = {} if gone else live.object().get("data") or {}
        if live.key.name == KNOWN_HOSTS:
            self._hosts = data.get("ssh_known_hosts", "")
        elif live.key.name == CERTIFICATES:
            self._certificates = dict(data)


def decoded(secret: dict[str, Any]) -> dict[str, str]:
    """The data of a Secret as text; what is no base64 of UTF-8 text is left out."""
    found = dict(secret.get("stringData") or {})
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (ValueError, TypeError):
            log.warning("a Secret's value is no text", secret=secret["metadata"]["name"], key=key)
    return found


def normalised(url: str) -> str:
    """A URL as Argo CD compares it (``NormalizeGitURL``): in lower case, without ``.git``, ssh in one notation."""
    text = url.strip().lower().rstrip("/").removesuffix(".git")
    if "://" not in text and ":" in text and "@" in text:
        text = "ssh://" + text.replace(":", "/", 1)
    return text


def _covers(template: str, url: str) -> bool:
    """Whether a URL begins with a template's, on the very same host: a prefix alone would also fit a longer name."""
    prefix = normalised(template)
    return bool(prefix) and url.startswith(prefix) and _place(url) == _place(prefix)


def _place(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _says_who(data: Mapping[str, str]) -> bool:
    return any(data.get(key) for key in ("username", "password", "bearerToken", "sshPrivateKey", "tlsClientCertData"))


def _host(url: str) -> str:
    text = normalised(url)
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def _shown(url: str) -> str:
    return url.rpartition("@")[2] if "://" not in url else url.partition("://")[0] + "://" + url.rpartition("@")[2]
