"""What all transports ask: who is it, may they, and what is the answer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec

from trueup.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unreachable,
)
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.policy.requests import Refusal, RequestRefused
from trueup.runtime.logger import Logger
from trueup.runtime.secrecy import told
from trueup.server.caller import ASKING, Authenticator, Caller
from trueup.server.description.values import MethodOf
from trueup.server.errors import Code, Fault, unbuilt
from trueup.server.lasting import closed, lasting
from trueup.server.names import bounded
from trueup.server.request import PEER, Functions, Json, Request, Stream

log = Logger("trueup.server")

OPEN = ("SessionService.", "SettingsService.Get", "VersionService.")
"""Beginnings of methods that ask for nobody: who signs in has not yet done so."""
_CODES: tuple[tuple[type[TrueupError], Code], ...] = (
    (NotFound, Code.NOT_FOUND),
    (AlreadyExists, Code.ALREADY_EXISTS),
    (Invalid, Code.INVALID_ARGUMENT),
    (BadRequest, Code.FAILED_PRECONDITION),
    (Forbidden, Code.PERMISSION_DENIED),
    (Conflict, Code.ABORTED),
    (TooManyRequests, Code.RESOURCE_EXHAUSTED),
    (Unreachable, Code.UNAVAILABLE),
    (ApiError, Code.INTERNAL),
    (InvalidSpec, Code.INVALID_ARGUMENT),
    (TrueupError, Code.FAILED_PRECONDITION),
)


_REFUSALS = {
    Refusal.IDLE: Code.INVALID_ARGUMENT,
    Refusal.REVISIONS: Code.INVALID_ARGUMENT,
    Refusal.NO_SOURCE: Code.INVALID_ARGUMENT,
    Refusal.WINDOW: Code.PERMISSION_DENIED,
    Refusal.WINDOW_FAULT: Code.PERMISSION_DENIED,
    Refusal.CHANGING: Code.ABORTED,
}
"""What of policy's refusals is no precondition."""
_BLOCKED = "cannot sync: blocked by sync window"
"""Argo CD's text, which clients look for."""


class Asked(msgspec.Struct, frozen=True):
    """A request that has been answered, for the audit trail.

    Attributes:
        subject: who asked; empty for nobody that is known.
        code: how it ended; None where it was answered.
        writes: whether it asked for a change.
    """

    subject: str
    method: MethodOf
    message: Json
    code: Code | None
    writes: bool


Audit = Callable[[Asked], Awaitable[None]]


class _Stranger(msgspec.Struct, frozen=True):
    """Nobody that is known."""

    name: str = ""
    issued_at: int = 0

    def may(self, resource: str, action: str, of: str) -> bool:
        return False


class Api:
    """Answers requests, whatever way they have come.

    Args:
        functions: what is built; other methods say that they are not.
        audit: is told of each request, refused ones too, before it is answered.
    """

    def __init__(self, authenticator: Authenticator, functions: Functions, audit: Audit) -> None:
        self._authenticator, self._functions, self._audit = authenticator, functions, audit

    async def call(
        self, method: MethodOf, headers: Mapping[str, str], read: Callable[[], Awaitable[Json]], resume: str = ""
    ) -> Json | Stream:
        """The answer to a request.

        Args:
            headers: by their names in small letters.
            read: the message; asked only once it is known who sends it, so that strangers' bodies are not read.
            resume: see :class:`~trueup.server.request.Request`.

        Raises:
            Fault: there is none.
        """
        subject, message = "", Json()
        try:
            caller = await self._caller(method, headers)
            subject = caller.name
            ASKING.set(subject)
            message = bounded(await read())
            function = self._functions.get(method.key)
            if function is None:
                raise unbuilt(method.key)
            answer = await function(Request(caller, message, resume, headers.get(PEER, "")))
        except Exception as error:
            fault = as_fault(error, method.path)
            await self._audit(Asked(subject, method, message, fault.code, _writes(method)))
            raise fault from error
        await self._audit(Asked(subject, method, message, None, _writes(method)))
        if not isinstance(answer, Stream):
            return answer
        items = lasting(answer.items, lambda: self._caller(method, headers))
        return Stream(_guarded(items, method.path), answer.token)

    async def _caller(self, method: MethodOf, headers: Mapping[str, str]) -> Caller:
        is_open = method.key.startswith(OPEN)
        try:
            caller = await self._authenticator.authenticate(headers)
        except Fault:
            if not is_open:
                raise
            caller = None
        if caller is None and not is_open:
            raise Fault(Code.UNAUTHENTICATED, "no session information")
        return caller or _Stranger()


def as_fault(error: Exception, where: str) -> Fault:
    """What is told of an error: of one that nobody foresaw, nothing."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, RequestRefused):
        code = _REFUSALS.get(error.refusal, Code.FAILED_PRECONDITION)
        # The same is not said twice.
        window = error.message.removeprefix("cannot sync: blocked by ")
        return Fault(code, f"{_BLOCKED}: {window}" if code is Code.PERMISSION_DENIED else error.message)
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Fault(code, told(str(error)))
    log.error("request failed", method=where, exc_info=error)
    return Fault(Code.INTERNAL, "internal error")


async def _guarded(items: AsyncIterator[Json], where: str) -> AsyncIterator[Json]:
    try:
        async for item in items:
            yield item
    except Exception as error:
        raise as_fault(error, where) from error
    finally:
        await closed(items)


def _writes(method: MethodOf) -> bool:
    return any(each.verb != "GET" for each in method.bindings)
