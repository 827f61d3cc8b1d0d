"""What an API server's refusals become: one type for each meaning, chosen by HTTP status and Status reason.

The single place that reads an error's text is :func:`_typed_patch_error`: server-side apply reports a manifest it
cannot type as a 500 without a reason (seen on kube-apiserver 1.37), and only the text tells it from a broken server.
"""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from kubegrammar import pattern
from kubegrammar.hidden import SHORTEST, Hidden
from kubegrammar.named_secrets import MASK
from trueup.model.errors import Stalled, TrueupError
from trueup.model.resource import ResourceKey

MESSAGE_LIMIT = 1024
"""Characters kept of a server's message."""
NOTHING = Hidden(())


class ConfigError(Stalled):
    """A kubeconfig, or a credential it names, cannot be used. The message names the file and the field."""

    reason = "KubeconfigError"


class Cause(msgspec.Struct, frozen=True, gc=False):
    """One entry of ``status.details.causes``: a machine-readable reason, the field and what is wrong with it."""

    reason: str = ""
    message: str = ""
    field: str = ""


class ApiError(TrueupError):
    """An API server refused or could not answer.

    Attributes:
        code: HTTP status; 0 when there was no answer.
        status_reason: the Status object's ``reason`` (``NotFound``, ``Conflict``, …), empty when it gave none.
        causes: the Status object's causes.
        retry_after: seconds the server asked to wait, 0 when it did not.
        key: the object that the request was about, None for lists, watches and discovery.
    """

    reason = "ApiError"

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        status_reason: str = "",
        causes: Sequence[Cause] = (),
        retry_after: float = 0.0,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status_reason = status_reason
        self.causes = tuple(causes)
        self.retry_after = retry_after
        self.key: ResourceKey | None = None

    def subject_is(self, key: ResourceKey) -> bool:
        """Whether the request was about this object, and not about another that the same work touched."""
        return self.key == key

    def has_cause(self, reason: str) -> bool:
        """Whether a cause has this reason: ``NamespaceTerminating``, ``FieldManagerConflict``, …"""
        return any(cause.reason == reason for cause in self.causes)


class BadRequest(ApiError):
    """400: the request itself is malformed."""

    reason = "BadRequest"


class Unauthorized(ApiError):
    """401: the credential is missing, wrong or expired."""

    reason = "Unauthorized"


class Forbidden(ApiError):
    """403: RBAC or admission refuses, or the namespace is being deleted (cause ``NamespaceTerminating``)."""

    reason = "Forbidden"


class NotFound(ApiError):
    """404: no such object, or no such kind (then ``status_reason`` is empty: the server answers in plain text)."""

    reason = "NotFound"


class AlreadyExists(ApiError):
    """409 with reason AlreadyExists."""

    reason = "AlreadyExists"


class Conflict(ApiError):
    """409: a precondition failed, or another field manager owns a field (cause ``FieldManagerConflict``)."""

    reason = "Conflict"


class Gone(ApiError):
    """410: the resource version or continue token is too old. Only a new list helps."""

    reason = "Expired"


class Invalid(ApiError):
    """422: the object breaks a rule of its kind; ``causes`` name the fields."""

    reason = "Invalid"


class TooManyRequests(ApiError):
    """429: the server sheds load, or an eviction must wait."""

    reason = "TooManyRequests"


class ServerError(ApiError):
    """5xx: the server, its storage or a webhook failed."""

    reason = "ServerError"


class Unreachable(ApiError):
    """No answer: connection refused or lost, TLS failure, deadline passed.

    Attributes:
        connected: the request may have reached the server, which is not known to have acted on it.
    """

    reason = "Unreachable"
    # A cluster that is back is to be caught up with within seconds, however long it was away.
    longest_retry = 5.0
    connected: bool = True


class Silent(Unreachable):
    """A stream stood and said nothing for longer than the deadline."""


class ResponseTooLarge(ApiError):
    """The answer went past the size limit and was dropped."""

    reason = "ResponseTooLarge"


class TypedPatchRefused(ApiError):
    """Server-side apply could not type the manifest; sending it again cannot help.

    Attributes:
        fields: paths at fault as the server spells them: ``.spec.replica``.
    """

    reason = "TypedPatchRefused"
    fields: tuple[str, ...] = ()


class UndeclaredField(TypedPatchRefused):
    """The manifest sets a field that the kind's schema does not have."""

    reason = "UndeclaredField"


class DuplicateKey(TypedPatchRefused):
    """A list of the manifest holds two entries with one key: two ``env`` of one name, two equal ports."""

    reason = "DuplicateKey"


class _Details(msgspec.Struct, gc=False):
    causes: list[Cause] | None = None
    retry_after_seconds: float = msgspec.field(default=0, name="retryAfterSeconds")


class ApiStatus(msgspec.Struct, gc=False):
    """The ``Status`` object of the API, as far as it is read."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: _Details | None = None


_BY_CODE: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}

_QUOTING_NO_VALUES = frozenset((401, 403, 404, 409, 410, 429))
"""Answers in which the server itself names objects and fields only. What an admission plug-in adds is masked."""
_VALUE_FIELDS = ("data", "stringData", "value")

_HINTS: dict[type[ApiError], str] = {
    Unauthorized: "renew the credential of this cluster",
    Forbidden: "where a right is missing, give it in a Role or ClusterRole to the user that the message names",
    UndeclaredField: "remove or correct the field",
    DuplicateKey: "keep one of the entries",
}

_TYPED_PATCH = pattern.compile(r"(?s)failed to create typed patch object \([^)]*\): (?P<faults>.*)")
_GO_VALUE = pattern.compile(r"&value\.valueUnstructured\{Value:(.*)\}")
_FAULT = pattern.compile(
    r"(?m)^\s*(?P<path>\.\S.*?): (?P<fault>field not declared in schema|duplicate entries for key|.+)"
)


def api_error(
    code: int,
    body: bytes,
    *,
    subject: str,
    shown: Hidden = NOTHING,
    retry_after: float = 0.0,
    secret: bool = False,
    sent: bytes = b"",
) -> ApiError:
    """The typed error of an answer.

    Args:
        code: HTTP status, or that of an ERROR event.
        body: a Status object, or text.
        subject: what was asked for whom, to open messages that do not say it: ``get Pod default/web``.
        shown: credentials that the server was shown; it may repeat them.
        retry_after: of the Retry-After header, in seconds.
        secret: the request was about Secrets: what the server quotes of their values is left out.
        sent: the request's body, which says what those values are.
    """
    status = _read_status(body)
    message = status.message or body[:MESSAGE_LIMIT].decode(errors="replace").strip() or f"HTTP status {code}"
    causes = tuple((status.details and status.details.causes) or ())
    message = shown.hide(message)
    causes = tuple(Cause(cause.reason, shown.hide(cause.message), shown.hide(cause.field)) for cause in causes)
    wait = retry_after or (status.details.retry_after_seconds if status.details else 0.0)
    kind = _kind_of(code, status.reason)
    fields: tuple[str, ...] = ()
    if code == 500 and (typed := _typed_patch_error(message)):
        kind, fields = typed
        message = _GO_VALUE.sub(_plainly, message)
    if secret:
        if code not in _QUOTING_NO_VALUES:
            message, causes = _without_values(code, status.reason, causes, fields)
        values = sorted(set(_values(sent)), key=len, reverse=True)
        hidden = Hidden(values)
        message = _masked(hidden.hide(message), values)
        causes = tuple(
            msgspec.structs.replace(cause, message=_masked(hidden.hide(cause.message), values)) for cause in causes
        )
    error = kind(
        _trimmed(f"{subject}: {message}"),
        code=code,
        status_reason=status.reason,
        causes=causes,
        retry_after=wait,
        hint=_HINTS.get(kind, ""),
    )
    if isinstance(error, TypedPatchRefused):
        error.fields = fields
    return error


def _kind_of(code: int, reason: str) -> type[ApiError]:
    if code == 409 and reason == "AlreadyExists":
        return AlreadyExists
    if code >= 500:
        return ServerError
    return _BY_CODE.get(code, ApiError)


def _typed_patch_error(message: str) -> tuple[type[TypedPatchRefused], tuple[str, ...]] | None:
    """Type and field paths when a 500 says that an apply's body could not be typed, else None."""
    found = _TYPED_PATCH.search(message)
    if found is None:
        return None
    faults = [(match["path"], match["fault"]) for match in _FAULT.finditer(found["faults"])]
    fields = tuple(path for path, _ in faults)
    texts = {fault for _, fault in faults}
    if "field not declared in schema" in texts:
        return UndeclaredField, fields
    if "duplicate entries for key" in texts:
        return DuplicateKey, fields
    return TypedPatchRefused, fields


def _plainly(match: pattern.Match[str]) -> str:
    """What Go shows of a value, as people write it."""
    if match[1].startswith("map["):
        return "a mapping"
    return "a list" if match[1].startswith("[]") else match[1]


def _read_status(body: bytes) -> ApiStatus:
    try:
        status = msgspec.json.decode(body, type=ApiStatus)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return ApiStatus()
    return status if status.kind == "Status" else ApiStatus()


def _without_values(
    code: int, reason: str, causes: tuple[Cause, ...], fields: tuple[str, ...]
) -> tuple[str, tuple[Cause, ...]]:
    """Message and causes that name fields only: a Secret's own values are quoted in what the server says of it."""
    named = ", ".join(fields) or ", ".join(cause.field for cause in causes if cause.field)
    message = f"{reason or f'HTTP status {code}'}{f' in {named}' if named else ''} (the server's words may hold values)"
    return message, tuple(Cause(reason=cause.reason, field=cause.field) for cause in causes)


def _masked(text: str, values: list[str]) -> str:
    """Without the short values too, which are no secrets anywhere but here: the answer is about one Secret."""
    for value in values:
        if len(value) < SHORTEST:
            text = text.replace(value, MASK)
    return text


def _values(sent: bytes) -> Iterator[str]:
    """The values of a Secret, or of a patch to one, in both their spellings; the shortest would mask plain words."""
    try:
        document = msgspec.json.decode(sent or b"null")
    except (msgspec.DecodeError, RecursionError):
        return
    operations = document if isinstance(document, list) else [document]
    pending = [value for entry in operations if isinstance(entry, dict) for value in map(entry.get, _VALUE_FIELDS)]
    while pending:
        match pending.pop():
            case str() as text:
                spellings = [text]
                with suppress(ValueError):
                    spellings.append(b64decode(text, validate=True).decode())
                yield from (spelling for spelling in spellings if len(spelling) > 2)
            case dict() as values:
                pending += values.values()
            case list() as values:
                pending += values


def _trimmed(message: str) -> str:
    """What is too long loses its middle: a refusal quotes the value first, and says at the end what is wrong."""
    if len(message) <= MESSAGE_LIMIT:
        return message
    half = MESSAGE_LIMIT // 2
    return f"{message[: half - 1]}…{message[len(message) - half :]}"
