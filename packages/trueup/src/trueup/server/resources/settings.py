"""``SettingsService``: what a client has to know before anybody has signed in, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Final

from trueup.server.errors import Fault
from trueup.server.request import Functions, Json, Request
from trueup.server.session.caller import SignedIn
from trueup.server.session.oidc.person import People
from trueup.server.session.signin import SignIn

_LABEL: Final = "app.kubernetes.io/instance"
_SHOWN: Final = {
    "ui.cssurl": "uiCssURL",
    "ui.bannercontent": "uiBannerContent",
    "ui.bannerurl": "uiBannerURL",
    "ui.bannerposition": "uiBannerPosition",
    "ui.loginButtonText": "uiLoginButtonText",
}
_HELP: Final = {"help.chatUrl": "chatUrl", "help.chatText": "chatText"}
_LINKS: Final = ("ui.bannerurl", "ui.cssurl", "help.chatUrl")


def settings_functions(
    sign_in: SignIn, people: People, settings: Callable[[], Mapping[str, str]], control_namespace: str
) -> Functions:
    """Functions of the service. Each field is named here: a new setting is shown to nobody by itself."""

    async def get(request: Request) -> Json:
        data = settings()
        known = isinstance(request.caller, SignedIn) and bool(request.caller.principal.name or request.caller.shown)
        said: Json = {
            "url": next(iter(sign_in.settings.urls), ""),
            "appLabelKey": data.get("application.instanceLabelKey", "").strip() or _LABEL,
            "trackingMethod": data.get("application.resourceTrackingMethod", "").strip() or "annotation",
            "userLoginsDisabled": not any(
                account.enabled and "login" in account.capabilities for account in sign_in.accounts.all().values()
            ),
            "statusBadgeEnabled": data.get("statusbadge.enabled", "").strip() == "true",
            "controllerNamespace": control_namespace,
            "appsInAnyNamespaceEnabled": False,
            "execEnabled": False,
            "impersonationEnabled": data.get("application.sync.impersonation.enabled", "").strip() == "true",
            "hydratorEnabled": False,
            "syncWithReplaceAllowed": True,
            "uiBannerPermanent": data.get("ui.bannerpermanent", "").strip() == "true",
            "help": {name: _link(data, key) for key, name in _HELP.items() if data.get(key)},
            **{name: _link(data, key) for key, name in _SHOWN.items() if data.get(key)},
        }
        if more := sign_in.settings.urls[1:]:
            said["additionalUrls"] = list(more)
        if known:
            said["passwordPattern"] = sign_in.settings.password_pattern
        return said | _provider(people)

    async def plugins(request: Request) -> Json:
        return {}

    return {"SettingsService.Get": get, "SettingsService.GetPlugins": plugins}


def _provider(people: People) -> Json:
    """How to sign in by the identity provider: what a browser is shown anyway."""
    try:
        provider = people.provider()
    except Fault:
        return {}
    if provider is None:
        return {}
    config = provider.config
    if config.dex:
        return {"dexConfig": {"connectors": [{"name": config.name, "type": "oidc"}]}}
    said: Json = {
        "name": config.name,
        "issuer": config.issuer,
        "clientID": config.client_id,
        "scopes": list(config.scopes),
        "enablePKCEAuthentication": config.pkce,
    }
    if config.cli_client_id:
        said["cliClientID"] = config.cli_client_id
    if config.requested_claims:
        said["idTokenClaims"] = {
            name: claim for name, claim in config.requested_claims.items() if isinstance(claim, dict)
        }
    return {"oidcConfig": said}


def _link(data: Mapping[str, str], key: str) -> str:
    """A setting; one that is to be a link is one of the web, or a path here, or nothing."""
    text = data.get(key, "").strip()
    if key not in _LINKS:
        return text
    return text if text.lower().startswith(("https://", "http://", "./", "/")) and not text.startswith("//") else ""
