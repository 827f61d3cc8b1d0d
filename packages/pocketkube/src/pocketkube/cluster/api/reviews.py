"""Who one is and what one may do: here everybody who is known may do everything."""

from typing import Any, Final, Protocol

from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.request import User
from pocketkube.cluster.api.update import track
from pocketkube.cluster.failure import Failure, invalid
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.resource import Object

_AUTHORIZATION: Final = "authorization.k8s.io"
_RULES: Final[Object] = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}


class Tokens(Protocol):
    """Bearer tokens."""

    def user_of(self, token: str) -> User | None:
        """Who has a token; None where it is not valid."""
        ...

    def issue(self, user: User, seconds: int, audiences: list[str]) -> tuple[str, str]:
        """A new token, and the time (RFC 3339) at which it expires."""
        ...


def review(core: Core, call: VerbCall, tokens: Tokens, obj: Object) -> Object:
    """Answers one of the reviews, which are never stored.

    Raises:
        Failure: Invalid, BadRequest.
    """
    track(core, call, None, obj)
    spec: dict[str, Any] = obj.get("spec") or {}
    match call.resource.kind:
        case "SelfSubjectReview":
            obj["metadata"]["creationTimestamp"] = core.now_text()
            obj["status"] = {"userInfo": user_info(call.request.user)}
        case "SelfSubjectRulesReview":
            obj["spec"], obj["status"] = {}, _RULES
        case "TokenReview":
            obj["status"] = _token_status(spec, tokens)
        case "SelfSubjectAccessReview":
            _check(spec, subject=False)
            obj["status"] = {"allowed": True}
        case _:
            _check(spec, subject=True)
            obj["status"] = {"allowed": True}
    return obj


def request_token(core: Core, call: VerbCall, tokens: Tokens, obj: Object) -> Object:
    """A token for a ServiceAccount.

    Raises:
        Failure: NotFound, Invalid.
    """
    account = core.storage.get("serviceaccounts", call.namespace, call.name)
    if account is None:
        raise Failure("NotFound", f'serviceaccounts "{call.name}" not found', name=call.name, kind="serviceaccounts")
    spec: dict[str, Any] = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds") or 3600
    if not isinstance(seconds, int) or seconds < 600:
        problems = Problems()
        problems.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise invalid("TokenRequest", "authentication.k8s.io", "", problems)
    audiences = spec.get("audiences") or ["https://kubernetes.default.svc"]
    name = f"system:serviceaccount:{call.namespace}:{call.name}"
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{call.namespace}", "system:authenticated")
    token, expires = tokens.issue(User(name, groups, account.uid), seconds, audiences)
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": call.name,
            "namespace": call.namespace,
            "uid": account.uid,
            "creationTimestamp": core.now_text(),
        },
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        },
        "status": {"token": token, "expirationTimestamp": expires},
    }


def user_info(user: User) -> Object:
    """A user as authentication.k8s.io shows it."""
    info: Object = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


def _token_status(spec: dict[str, Any], tokens: Tokens) -> Object:
    token = spec.get("token")
    if not token:
        raise Failure("BadRequest", "token is required for TokenReview in authentication")
    user = tokens.user_of(str(token))
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": user_info(user), "audiences": ["https://kubernetes.default.svc"]}


def _check(spec: dict[str, Any], *, subject: bool) -> None:
    problems = Problems()
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        problems.invalid("spec", None, text)
    if subject and not spec.get("user") and not spec.get("groups"):
        problems.invalid("spec.user", "", "at least one of user or group must be specified")
    if problems:
        raise invalid("", _AUTHORIZATION, "", problems)
