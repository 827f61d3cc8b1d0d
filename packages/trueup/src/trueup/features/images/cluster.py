"""What rounds need of the control cluster: policies, Secrets, settings, and changes of Applications."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from trueup.features.images.policies import GROUP, Key, policy_rules
from trueup.features.images.rounds import RoundPorts
from trueup.features.images.rule import ImageRule
from trueup.features.images.secrets import Secret
from trueup.features.images.settings import CONFIG_MAP, SIGNING_SECRET, ImageSettings, read_image_settings
from trueup.features.images.work import ImageSubject
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.kube.errors import ApiError, NotFound
from trueup.model.annotations import GROUP as OURS
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, Stalled
from trueup.model.repository import RepositoryOf
from trueup.model.tree import Tree
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.sources.signing import Signer, SshSigner
from trueup.store import credentials


class ImageCluster:
    """Reads and writes for image automation; nothing of it is kept.

    Args:
        namespace: the control namespace.
    """

    def __init__(self, client: Client, discovery: Discovery, namespace: str) -> None:
        self._client, self._discovery, self._namespace = client, discovery, namespace

    def ports(
        self,
        *,
        subjects: Callable[[], Sequence[ImageSubject]],
        tree: Callable[[Application, Source], Awaitable[Tree | None]],
        mirror: Callable[[RepositoryOf], Mirror],
        writing: Callable[[RepositoryOf], Credential | None],
        named: Callable[[str, RepositoryOf], Credential],
        admit: Callable[[Application, str], None],
        now: Callable[[], datetime],
    ) -> RoundPorts:
        """What rounds work with, where this cluster gives all that is not named.

        Args:
            writing: the credential for pushing to a repository.
            named: what a Secret of the control namespace, by its name, has for that.
        """

        async def credential(repository: RepositoryOf, secret: str) -> Credential | None:
            namespace, _, name = secret.partition("/")
            if secret and namespace != self._namespace:
                raise InvalidSpec(
                    f"write-back-method: Secrets of namespace {namespace} may not be used",
                    hint=f"put the Secret into {self._namespace}, as a repository Secret",
                )
            try:
                return named(name, repository) if secret else writing(repository)
            except InvalidSpec as error:
                raise InvalidSpec(f"write-back-method: {error.message}", hint=error.hint) from error

        return RoundPorts(
            subjects=subjects,
            policies=self.policies,
            tree=tree,
            mirror=mirror,
            credential=credential,
            patch=self.patch,
            settings=self.settings,
            signer=self.signer,
            now=now,
            admit=admit,
            control_namespace=self._namespace,
        )

    async def policies(self) -> tuple[Mapping[Key, ImageRule], Mapping[Key, str]]:
        """Flux's policies; none where the cluster does not have the kind, or does not let us read it."""
        found = []
        for kind in ("ImagePolicy", "ImageRepository"):
            type_ = self._discovery.find(GROUP, kind)
            if type_ is None:
                return {}, {}
            try:
                listing = await self._client.list(type_)
            except ApiError:
                return {}, {}
            found.append([live.object() for live in listing.objects])
        return policy_rules(*found)

    async def secret(self, namespace: str, name: str) -> Secret | None:
        """A Secret; None where there is none."""
        try:
            live = await self._client.get(credentials.SECRET, namespace, name)
        except NotFound:
            return None
        data = live.object().get("data") or {}
        return Secret(
            namespace=namespace,
            name=name,
            labels=live.labels,
            annotations=live.annotations,
            data={key: _decoded(value) for key, value in data.items()},
        )

    async def settings(self) -> ImageSettings:
        """The settings as the ConfigMap has them now."""
        try:
            live = await self._client.get(credentials.CONFIG_MAP, self._namespace, CONFIG_MAP)
        except NotFound:
            return ImageSettings()
        return read_image_settings(live.object().get("data") or {})

    async def signer(self) -> Signer | None:
        """Signs commits, where a key for that is there.

        Raises:
            InvalidSpec: it cannot be read.
        """
        secret = await self.secret(self._namespace, SIGNING_SECRET)
        return SshSigner(secret.data.get("sshPrivateKey", b"")) if secret is not None else None

    async def patch(self, key: str, change: dict[str, Any]) -> None:
        """Merge-patch an Application."""
        namespace, _, name = key.partition("/")
        type_ = self._discovery.find(OURS, "Application")
        if type_ is None:
            raise Stalled("this cluster does not know Applications", hint="run `trueup install` first")
        await self._client.patch(type_, namespace, name, msgspec.json.encode(change), kind="merge")


def running_images(status: Any) -> tuple[str, ...]:
    """The images of ``status.summary``."""
    return tuple(status.summary.images) if status.summary else ()


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except ValueError:
        return b""
