"""``NotificationService``: the names of what ``argocd-notifications-cm`` holds."""

from collections.abc import Callable, Mapping

from trueup.server.request import Function, Functions, Json, Request

_PREFIXES = {"Triggers": "trigger.", "Services": "service.", "Templates": "template."}


def notification_functions(data: Callable[[], Mapping[str, str]]) -> Functions:
    """Functions of the service.

    Args:
        data: of the ConfigMap.
    """

    def listing(prefix: str) -> Function:
        async def listed(request: Request) -> Json:
            names = sorted(key.removeprefix(prefix) for key in data() if key.startswith(prefix))
            # A service is known by its name where it has one beside its type.
            return {"items": [{"name": name.partition(".")[2] or name} for name in names]}

        return listed

    return {f"NotificationService.List{noun}": listing(prefix) for noun, prefix in _PREFIXES.items()}
