"""``oidc.config`` of ``argocd-cm``, or the Dex of ``dex.config``."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from kubegrammar.duration import parse_duration
from kubegrammar.yaml import YamlError, load
from trueup.model.errors import InvalidSpec
from trueup.server.session.settings import referenced
from trueup.store.accounts import SECRET_NAME, SIGNING_KEY

OIDC, DEX, URL, UNVERIFIED = "oidc.config", "dex.config", "url", "oidc.tls.insecure.skip.verify"
SCOPES: Final = ("openid", "profile", "email", "groups")
DEX_CLIENT, DEX_CLI_CLIENT = "argo-cd", "argo-cd-cli"
_DEX_PATH: Final = "/api/dex"
_DEX_SECRET_LENGTH: Final = 40
_INFO_SECONDS: Final = 300.0


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An identity provider, and what it knows this installation by.

    Attributes:
        issuer: as its tokens name it.
        audiences: clients whose tokens are taken.
        without_audience: a token that is for nobody in particular is taken.
        requested_claims: claims that are asked for by name (``requestedIDTokenClaims``).
        root_ca: PEM certificates to trust in place of the system's; empty for those.
        unverified: certificates are not looked at.
        user_info: groups are asked for beside the token, at this path of the issuer, for so many seconds.
        logout_url: where a session is left; ``{{token}}`` and ``{{logoutRedirectURL}}`` stand for their values.
        refresh_before: a session that ends within so many seconds is renewed; 0 for never.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = ""
    cli_client_id: str = ""
    scopes: tuple[str, ...] = SCOPES
    audiences: frozenset[str] = frozenset()
    without_audience: bool = False
    requested_claims: Mapping[str, Any] = {}
    root_ca: str = ""
    unverified: bool = False
    pkce: bool = True
    user_info: bool = False
    user_info_path: str = "/userinfo"
    user_info_seconds: float = _INFO_SECONDS
    logout_url: str = ""
    refresh_before: float = 0.0
    domain_hint: str = ""
    dex: bool = False

    def __repr__(self) -> str:
        return f"ProviderConfig({self.issuer!r})"


class _Written(msgspec.Struct, rename="camel", kw_only=True):
    """``oidc.config`` as it is written."""

    name: str = ""
    issuer: str
    client_id: str = msgspec.field(name="clientID")
    client_secret: str = ""
    cli_client_id: str = msgspec.field(name="cliClientID", default="")
    requested_scopes: list[str] | None = None
    requested_claims: dict[str, Any] | None = msgspec.field(name="requestedIDTokenClaims", default=None)
    logout_url: str = msgspec.field(name="logoutURL", default="")
    root_ca: str = msgspec.field(name="rootCA", default="")
    allowed_audiences: list[str] | None = None
    skip_audience_check_when_token_has_no_audience: bool | None = None
    enable_user_info_groups: bool = False
    user_info_path: str = ""
    user_info_cache_expiration: str = ""
    enable_pkce: bool = msgspec.field(name="enablePKCEAuthentication", default=True)
    domain_hint: str = ""
    refresh_token_threshold: str = ""
    azure: Any = None


def read_provider(settings: Mapping[str, str], secret: Callable[[str], Mapping[str, str]]) -> ProviderConfig | None:
    """The identity provider; None where there is none.

    Raises:
        InvalidSpec: naming the key, and nothing of a secret.
    """
    unverified = settings.get(UNVERIFIED, "").strip() == "true"
    if text := settings.get(OIDC, "").strip():
        return _oidc(text, secret, unverified=unverified)
    if settings.get(DEX, "").strip():
        return _dex(settings.get(URL, "").strip().rstrip("/"), secret, unverified=unverified)
    return None


def _oidc(text: str, secret: Callable[[str], Mapping[str, str]], *, unverified: bool) -> ProviderConfig:
    try:
        said = msgspec.convert(load(text.encode(), OIDC), _Written)
        renew, info = (
            parse_duration(each) if each else default
            for each, default in ((said.refresh_token_threshold, 0.0), (said.user_info_cache_expiration, _INFO_SECONDS))
        )
    except YamlError as error:
        raise InvalidSpec(f"argocd-cm: {OIDC} is no YAML: {error}", hint="correct it") from None
    except ValueError as error:
        raise InvalidSpec(f"argocd-cm: {OIDC}: {error}", hint="correct that field") from None
    said.issuer, said.client_id, said.client_secret, said.cli_client_id = (
        referenced(each, secret, SECRET_NAME)
        for each in (said.issuer, said.client_id, said.client_secret, said.cli_client_id)
    )
    _check_url("issuer", said.issuer)
    if not said.client_id:
        raise InvalidSpec(f"argocd-cm: {OIDC}: clientID is empty", hint="name the client that the provider knows")
    if said.logout_url:
        _check_url("logoutURL", said.logout_url)
    if said.user_info_path and not said.user_info_path.startswith("/"):
        raise InvalidSpec(f"argocd-cm: {OIDC}: userInfoPath begins with a slash", hint="correct that field")
    own = frozenset(filter(None, (said.client_id, said.cli_client_id)))
    return ProviderConfig(
        name=said.name,
        issuer=said.issuer,
        client_id=said.client_id,
        client_secret=said.client_secret,
        cli_client_id=said.cli_client_id,
        scopes=tuple(said.requested_scopes or SCOPES),
        audiences=frozenset(said.allowed_audiences or own),
        without_audience=bool(said.skip_audience_check_when_token_has_no_audience),
        requested_claims=said.requested_claims or {},
        root_ca=said.root_ca,
        unverified=unverified,
        pkce=said.enable_pkce,
        user_info=said.enable_user_info_groups,
        user_info_path=said.user_info_path or "/userinfo",
        user_info_seconds=info,
        logout_url=said.logout_url,
        refresh_before=renew,
        domain_hint=said.domain_hint,
    )


def _dex(url: str, secret: Callable[[str], Mapping[str, str]], *, unverified: bool) -> ProviderConfig:
    if not url:
        raise InvalidSpec(f"argocd-cm: {DEX} needs the key {URL}", hint="set url to where people reach the server")
    _check_url(URL, url)
    key = secret(SECRET_NAME).get(SIGNING_KEY, "")
    return ProviderConfig(
        name="Dex",
        issuer=url + _DEX_PATH,
        client_id=DEX_CLIENT,
        client_secret=dex_secret(key) if key else "",
        cli_client_id=DEX_CLI_CLIENT,
        scopes=("openid", "profile", "email", "groups", "federated:id"),
        audiences=frozenset((DEX_CLIENT, DEX_CLI_CLIENT)),
        unverified=unverified,
        dex=True,
    )


def dex_secret(key: str) -> str:
    """What Dex knows the server by: made of the key that tokens are signed with, as Argo CD makes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()[:_DEX_SECRET_LENGTH]


def _check_url(field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise InvalidSpec(f"argocd-cm: {field} is no URL of http or https", hint="as in https://idp.example")
