"""``VersionService``."""

from collections.abc import Mapping

from trueup.server.request import Functions, Json, Request


def version_functions(version: str, details: Mapping[str, str]) -> Functions:
    """Functions of the service.

    Args:
        version: of this program; clients compare it with their own.
        details: further fields, for those who have signed in.
    """

    async def get(request: Request) -> Json:
        found = {"Version": f"v{version}"}
        return found | dict(details) if request.caller.name else found

    return {"VersionService.Version": get}
