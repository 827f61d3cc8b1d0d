"""The one place where rights are asked for: about the object as it is stored, after it was loaded."""

from datetime import UTC, datetime

from kubegrammar.time import format_time
from trueup.runtime.secrecy import told
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault, denied

LONGEST = 400
"""Letters of an object's name that a refusal repeats."""
NO_TIME = 253_402_300_800
"""Seconds since 1970 of the year 10000: a token may say when it was made in other units."""


def require(caller: Caller, resource: str, action: str, of: str) -> None:
    """Go on only where the caller may.

    Raises:
        Fault: they may not. It says what is not there as well.
    """
    if not caller.may(resource, action, of):
        raise refused(caller, resource, action, of)


def refused(caller: Caller, resource: str, action: str, of: str) -> Fault:
    """Why the caller is refused: in Argo CD's words where they may see the object, else as of what is not there.

    Rights alone decide, not whether the object exists.
    """
    if not caller.may("applications" if resource == "logs" else resource, "get", of):
        return denied()
    # A repository's address may hold a password, and whoever asks may have given it.
    asked = [resource, action, told(of)[:LONGEST]]
    if caller.name:
        asked.append(f"sub: {caller.name}")
    if 0 < caller.issued_at < NO_TIME:
        asked.append(f"iat: {format_time(datetime.fromtimestamp(caller.issued_at, UTC))}")
    return Fault(Code.PERMISSION_DENIED, f"permission denied: {', '.join(asked)}")


def may(caller: Caller, resource: str, action: str, of: str) -> bool:
    """Whether the caller may; what they may not see is left out of lists."""
    return caller.may(resource, action, of)


def application_object(namespace: str, name: str, project: str, control_namespace: str) -> str:
    """An application as policies name it: with its namespace where that is not the control namespace."""
    return f"{project}/{name}" if namespace == control_namespace else f"{project}/{namespace}/{name}"
