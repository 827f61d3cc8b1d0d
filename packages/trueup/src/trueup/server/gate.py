"""The one place where rights are asked for: about the object as it is stored, after it was loaded."""

from trueup.server.caller import Caller
from trueup.server.errors import denied


def require(caller: Caller, resource: str, action: str, of: str) -> None:
    """Go on only where the caller may.

    Raises:
        Fault: they may not. It says what is not there as well.
    """
    if not caller.may(resource, action, of):
        raise denied()


def may(caller: Caller, resource: str, action: str, of: str) -> bool:
    """Whether the caller may; what they may not see is left out of lists."""
    return caller.may(resource, action, of)


def application_object(namespace: str, name: str, project: str, control_namespace: str) -> str:
    """An application as policies name it: with its namespace where that is not the control namespace."""
    return f"{project}/{name}" if namespace == control_namespace else f"{project}/{namespace}/{name}"
