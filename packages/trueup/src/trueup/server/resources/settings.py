"""``SettingsService``: what user interfaces and command lines ask of an installation before anything else."""

from collections.abc import Callable, Mapping

from trueup.server.request import Functions, Json, Request

_TEXTS = {
    "url": "url",
    "statusBadgeRootUrl": "statusbadge.url",
    "uiCssURL": "ui.cssurl",
    "uiBannerContent": "ui.bannercontent",
    "uiBannerURL": "ui.bannerurl",
    "uiBannerPosition": "ui.bannerposition",
    "passwordPattern": "passwordPattern",
}
_FLAGS = {"statusBadgeEnabled": "statusbadge.enabled", "uiBannerPermanent": "ui.bannerpermanent"}
_HELP = {"chatUrl": "help.chatUrl", "chatText": "help.chatText"}


def settings_functions(
    data: Callable[[], Mapping[str, str]], namespace: str, label: Callable[[], str], logins: Callable[[], bool]
) -> Functions:
    """Functions of the service.

    Args:
        data: of ``argocd-cm``.
        namespace: of the Applications.
        label: the one that says to which of them an object belongs.
        logins: whether there is an account that signs in by a password.
    """

    async def get(request: Request) -> Json:
        known = data()
        found: Json = {name: known[key] for name, key in _TEXTS.items() if key and known.get(key)}
        found |= {name: True for name, key in _FLAGS.items() if known.get(key) == "true"}
        found |= {
            "appLabelKey": label(),
            "trackingMethod": known.get("application.resourceTrackingMethod", "annotation"),
            "controllerNamespace": namespace,
            "appsInAnyNamespaceEnabled": False,
            "execEnabled": False,
            "hydratorEnabled": False,
            "userLoginsDisabled": not logins(),
        }
        shown = {name: known[key] for name, key in _HELP.items() if known.get(key)}
        return found | ({"help": shown} if shown else {})

    async def plugins(request: Request) -> Json:
        return {"plugins": []}

    return {"SettingsService.Get": get, "SettingsService.GetPlugins": plugins}
