"""Which type each refusal becomes. Bodies are what kube-apiserver 1.37 sent."""

from typing import Any

import msgspec
import pytest

from trueup.kube import errors
from trueup.kube.errors import ApiError, api_error
from trueup.kube.transport import may_repeat, pause_before

TYPED = "failed to create typed patch object (/a; apps/v1, Kind=Deployment): "


def status(code: int, reason: str = "", message: str = "refused", causes: list[dict[str, str]] | None = None) -> bytes:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    if reason:
        body["reason"] = reason
    if causes:
        body["details"] = {"causes": causes}
    return msgspec.json.encode(body)


def made(code: int, reason: str = "", message: str = "refused", **options: Any) -> ApiError:
    return api_error(code, status(code, reason, message), subject="apply Deployment a/b", **options)


TYPES: dict[str, tuple[int, str, str, type[ApiError]]] = {
    "400": (400, "BadRequest", "", errors.BadRequest),
    "401": (401, "Unauthorized", "", errors.Unauthorized),
    "403": (403, "Forbidden", "", errors.Forbidden),
    "404": (404, "NotFound", "", errors.NotFound),
    "409 of a create": (409, "AlreadyExists", "", errors.AlreadyExists),
    "409 of a precondition": (409, "Conflict", "", errors.Conflict),
    "410": (410, "Expired", "", errors.Gone),
    "422": (422, "Invalid", "", errors.Invalid),
    "429": (429, "TooManyRequests", "", errors.TooManyRequests),
    "500": (500, "InternalError", "", errors.ServerError),
    "503": (503, "ServiceUnavailable", "", errors.ServerError),
    "a code without a type of its own": (413, "RequestEntityTooLarge", "", ApiError),
    "500 for an unknown field": (
        500,
        "",
        TYPED + ".spec.replica: field not declared in schema",
        errors.UndeclaredField,
    ),
    "500 for a list entry that is there twice": (
        500,
        "",
        TYPED + 'errors:\n  .spec.containers[name="c"].env: duplicate entries for key [name="A"]',
        errors.DuplicateKey,
    ),
    "500 for a value of another type": (500, "", TYPED + ".spec.replicas: expected numeric", errors.TypedPatchRefused),
    "the same words with another code are not looked at": (
        503,
        "",
        TYPED + ".spec.replica: field not declared in schema",
        errors.ServerError,
    ),
}


@pytest.mark.parametrize(("code", "reason", "message", "type_"), TYPES.values(), ids=TYPES.keys())
def test_type_by_status_and_reason(code: int, reason: str, message: str, type_: type[ApiError]) -> None:
    error = made(code, reason, message or "refused")
    assert type(error) is type_
    assert (error.code, error.status_reason) == (code, reason)


FIELDS = {
    "one field": (".spec.replica: field not declared in schema", (".spec.replica",)),
    "several": (
        'errors:\n  .spec.containers[name="c"].env: duplicate entries for key [name="A"]\n'
        '  .spec.containers: duplicate entries for key [name="c"]',
        ('.spec.containers[name="c"].env', ".spec.containers"),
    ),
}


@pytest.mark.parametrize(("faults", "fields"), FIELDS.values(), ids=FIELDS.keys())
def test_a_typed_patch_error_names_the_fields(faults: str, fields: tuple[str, ...]) -> None:
    error = made(500, message=TYPED + faults)
    assert isinstance(error, errors.TypedPatchRefused)
    assert error.fields == fields


def test_plain_text_is_a_message_too() -> None:
    error = api_error(404, b"404 page not found\n", subject="GET /apis/nope")
    assert isinstance(error, errors.NotFound)
    assert error.message == "GET /apis/nope: 404 page not found"
    assert error.status_reason == ""


@pytest.mark.parametrize(
    "body", [b"", b"[" * 5000, b"\xff\xfe", b'{"kind":"Pod"}'], ids=["none", "deep", "bytes", "pod"]
)
def test_any_body_becomes_an_error_of_its_status(body: bytes) -> None:
    error = api_error(502, body, subject="GET /")
    assert isinstance(error, errors.ServerError)
    assert len(error.message) <= errors.MESSAGE_LIMIT


def test_a_long_message_is_cut() -> None:
    assert len(made(422, "Invalid", "x" * 5000).message) == errors.MESSAGE_LIMIT


SENT = b'{"kind":"Secret","metadata":{"name":"s"},"data":{"k":"aHVudGVyMg=="},"stringData":{"j":"a"}}'

SECRETS = {
    "422": (422, "Invalid", 'Secret "s" is invalid: data[k]: Invalid value: "hunter2": no'),
    "400": (400, "BadRequest", 'json: cannot unmarshal "hunter2"'),
    "500 of a typed patch": (
        500,
        "",
        'failed to create typed patch object (/s; /v1, Kind=Secret): .data.a: expected string, got {"x":"hunter2"}',
    ),
    "500 of a webhook": (500, "InternalError", 'admission webhook says "hunter2"'),
    "403 of a policy": (403, "Forbidden", 'admission webhook "w" denied the request: hunter2 is weak'),
    "413": (413, "RequestEntityTooLarge", "hunter2"),
}


@pytest.mark.parametrize(("code", "reason", "message"), SECRETS.values(), ids=SECRETS.keys())
def test_an_error_about_a_secret_holds_no_value(code: int, reason: str, message: str) -> None:
    causes = [{"reason": "FieldValueInvalid", "message": 'Invalid value: "hunter2"', "field": "data[k]"}]
    error = api_error(code, status(code, reason, message, causes), subject="apply Secret a/s", secret=True, sent=SENT)
    assert "hunter2" not in str(error) + repr(error) + repr(error.causes) + repr(error.args)
    assert "apply Secret a/s" in error.message


def test_an_error_about_a_secret_still_names_the_field() -> None:
    causes = [{"reason": "FieldValueInvalid", "message": "hunter2", "field": "data[k]"}]
    error = api_error(422, status(422, "Invalid", "hunter2", causes), subject="apply Secret a/s", secret=True)
    assert "data[k]" in error.message


@pytest.mark.parametrize(
    "sent",
    [b'{"stringData":{"k":"hunter2"}}', b'[{"op":"add","path":"/data/k","value":"aHVudGVyMg=="}]', SENT],
    ids=["a merge patch", "a JSON patch", "an object"],
)
def test_a_policy_that_quotes_a_value_of_a_secret_is_masked_and_its_reason_kept(sent: bytes) -> None:
    body = status(403, "Forbidden", "denied the request: hunter2 is weak")
    error = api_error(403, body, subject="apply Secret a/s", secret=True, sent=sent)
    assert error.message == "apply Secret a/s: denied the request: ****** is weak"


def test_what_names_no_value_is_told_of_a_secret_as_well() -> None:
    error = api_error(404, status(404, "NotFound", 'secrets "s" not found'), subject="get Secret a/s", secret=True)
    assert 'secrets "s" not found' in error.message


def test_retry_after_is_taken_from_header_or_details() -> None:
    body = msgspec.json.encode({"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 7}})
    assert api_error(429, body, subject="x").retry_after == 7
    assert api_error(429, body, subject="x", retry_after=3.0).retry_after == 3


def unreachable(*, connected: bool) -> ApiError:
    error = errors.Unreachable("x")
    error.connected = connected
    return error


REPEATED: dict[str, tuple[ApiError, bool, bool, bool]] = {
    "429 of anything": (made(429), False, False, True),
    "no connection stood: anything": (unreachable(connected=False), False, False, True),
    "a lost answer of a read": (unreachable(connected=True), True, False, True),
    "a lost answer of a create is not": (unreachable(connected=True), False, False, False),
    "503 of a read": (made(503), True, False, True),
    "503 of a create is not": (made(503), False, False, False),
    "500 of a read": (made(500), True, False, True),
    "500 of an apply is not": (made(500), True, True, False),
    "503 of an apply": (made(503), True, True, True),
    "an apply that cannot be typed is not": (
        made(500, message=TYPED + ".a: field not declared in schema"),
        True,
        True,
        False,
    ),
    "404 is not": (made(404), True, False, False),
    "409 is not": (made(409), True, False, False),
}


@pytest.mark.parametrize(("error", "repeatable", "applies", "again"), REPEATED.values(), ids=REPEATED.keys())
def test_sent_again(error: ApiError, repeatable: bool, applies: bool, again: bool) -> None:
    assert may_repeat(error, repeatable=repeatable, applies=applies) is again


def test_pauses_grow_have_jitter_and_an_end() -> None:
    firsts = {pause_before(1, 0) for _ in range(50)}
    assert len(firsts) > 1
    assert max(firsts) <= 0.1
    assert min(pause_before(4, 0) for _ in range(50)) > max(firsts)
    assert max(pause_before(60, 0) for _ in range(50)) <= 5.0


def test_a_pause_is_never_shorter_than_the_server_asked_for_and_never_endless() -> None:
    assert all(2.0 <= pause_before(1, 2.0) <= 2.3 for _ in range(50))
    assert pause_before(1, 86400.0) <= 33.1


@pytest.mark.parametrize(
    ("shown", "plain"),
    [("1", "1"), ("true", "true"), ('map[string]interface {}{"c":"d"}', "a mapping"), ("[]interface {}{1}", "a list")],
)
def test_a_value_is_told_as_people_write_it(shown: str, plain: str) -> None:
    text = TYPED + f".spec.a: expected string, got &value.valueUnstructured{{Value:{shown}}}"
    body = msgspec.json.encode({"kind": "Status", "message": text, "code": 500})
    assert api_error(500, body, subject="apply").message.endswith(f".spec.a: expected string, got {plain}")
