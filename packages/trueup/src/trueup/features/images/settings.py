"""Settings of image automation: the ConfigMap ``argocd-image-updater-config``, by Argo CD Image Updater's keys."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kubegrammar import yaml
from kubegrammar.duration import parse_duration
from kubegrammar.image import Image
from trueup.features.images.template import MESSAGE
from trueup.model.errors import InvalidSpec

CONFIG_MAP = "argocd-image-updater-config"
SIGNING_SECRET = "trueup-image-signing"  # noqa: S105 - a name
"""Holds ``sshPrivateKey`` in the control namespace, where commits are to be signed."""
INTERVAL = 120.0


class RegistryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of ``registries.conf``.

    Attributes:
        prefix: of the images it serves, as their names have it.
        host: where it is asked; empty for the prefix itself.
        credentials: ``namespace/name`` or ``namespace/name#field`` of a Secret; empty for none.
        namespace: put before names of one part.
        servers: token servers, beside the registry's own, that may see the credentials.
        named: an operator has named it.
    """

    prefix: str
    host: str = ""
    credentials: str = ""
    namespace: str = ""
    plain_http: bool = False
    insecure: bool = False
    servers: tuple[str, ...] = ()
    named: bool = False


class ImageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Typed settings. ``interval``: seconds between two looks at the registries."""

    interval: float = INTERVAL
    registries: tuple[RegistryEntry, ...] = ()
    user: str = "Trueup"
    email: str = "trueup@localhost"
    message: str = MESSAGE
    sign_off: bool = False
    warnings: tuple[str, ...] = ()

    def registry(self, image: Image) -> RegistryEntry:
        """The registry of an image; one that nobody configured is itself."""
        for known in self.registries:
            if known.prefix == image.registry or (known.prefix in ("", "docker.io") and image.registry == "docker.io"):
                return known
        return RegistryEntry(prefix=image.registry)


def read_image_settings(data: Mapping[str, str]) -> ImageSettings:
    """Settings from the ConfigMap's data; what cannot be read keeps its default, with a warning."""
    warnings: list[str] = []
    defaults = ImageSettings()
    interval = defaults.interval
    if text := data.get("interval", "").strip():
        try:
            interval = max(parse_duration(text), 1.0)
        except ValueError as error:
            warnings.append(f"{CONFIG_MAP}: interval: {error}")
    registries: tuple[RegistryEntry, ...] = ()
    try:
        registries = _registries(data.get("registries.conf", ""))
    except InvalidSpec as error:
        warnings.append(str(error))
    return ImageSettings(
        interval=interval,
        registries=registries,
        user=data.get("git.user", "").strip() or defaults.user,
        email=data.get("git.email", "").strip() or defaults.email,
        message=data.get("git.commit-message-template", "") or defaults.message,
        sign_off=data.get("git.commit-sign-off", "").strip() == "true",
        warnings=tuple(warnings),
    )


def _registries(text: str) -> tuple[RegistryEntry, ...]:
    origin = f"{CONFIG_MAP}: registries.conf"
    try:
        found: Any = yaml.load(text.encode(), origin) if text.strip() else None
    except yaml.YamlError as error:
        raise InvalidSpec(str(error), hint="correct the ConfigMap") from error
    entries = (found or {}).get("registries") or [] if isinstance(found or {}, dict) else None
    if not isinstance(entries, list):
        raise InvalidSpec(f"{origin}: registries is not a list", hint="correct the ConfigMap")
    return tuple(_registry(entry, f"{origin}: registries[{number}]") for number, entry in enumerate(entries))


def _registry(entry: Any, origin: str) -> RegistryEntry:
    if not isinstance(entry, dict):
        raise InvalidSpec(f"{origin} is not a mapping", hint="correct the ConfigMap")
    url = str(entry.get("api_url") or "")
    try:
        parts = urlsplit(url)
        host, user = parts.netloc, parts.username
    except ValueError:
        host, user = "", None
    if url and (parts.scheme not in ("http", "https") or not host or user):
        raise InvalidSpec(f"{origin}: api_url is no https:// URL", hint="write it without user and password")
    kind, _, rest = str(entry.get("credentials") or "").partition(":")
    if kind not in ("", "pullsecret", "secret"):
        raise InvalidSpec(
            f"{origin}: credentials of kind {kind[:20]!r} are not supported",
            hint="write pullsecret:NAMESPACE/NAME or secret:NAMESPACE/NAME#FIELD",
        )
    prefix = str(entry.get("prefix") or "") or ("" if entry.get("default") else host)
    return RegistryEntry(
        prefix=prefix or "docker.io",
        host="" if host in ("registry-1.docker.io", "index.docker.io") else host,
        credentials=rest,
        namespace=str(entry.get("defaultns") or ""),
        plain_http=url.startswith("http://"),
        insecure=entry.get("insecure") is True,
        servers=tuple(each.strip().lower() for each in str(entry.get("token_server") or "").split(",") if each.strip()),
        named=True,
    )
