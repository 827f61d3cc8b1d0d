"""Who has sent a delivery, and whether they have: hosts by their headers, and what each shows of its secret."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping

import msgspec

from trueup.server.webhooks.form import payload_of
from trueup.server.webhooks.git_hosts import (
    read_azure,
    read_bitbucket_cloud,
    read_bitbucket_server,
    read_gitlab,
    read_push,
)
from trueup.server.webhooks.news import Delivery, News
from trueup.server.webhooks.registries import read_docker_hub, read_ghcr, read_harbor

Secrets = Callable[[str], str]
"""From a key of ``argocd-secret`` to its value; empty where there is none."""


class Sender(msgspec.Struct, frozen=True):
    """A kind of host.

    Attributes:
        name: for people.
        sends: whether a delivery with these headers is one of its own.
        proven: whether a delivery shows what the secrets ask for; true where none is set.
        read: what a delivery says; raises BadDelivery.
    """

    name: str
    sends: Callable[[Mapping[str, str]], bool]
    proven: Callable[[Delivery, Secrets], bool]
    read: Callable[[Delivery], list[News]]


def sender_of(headers: Mapping[str, str]) -> Sender | None:
    """The kind of host that a delivery is of; None for none that is known."""
    return next((each for each in SENDERS if each.sends(headers)), None)


def _read_github(delivery: Delivery) -> list[News]:
    event, body = delivery.headers.get("x-github-event", ""), delivery.body
    if delivery.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        # So GitHub sends unless it is asked for JSON.
        body = payload_of(body)
    return read_ghcr(body) if event in ("package", "registry_package") else read_push(event, body)


def _read_gogs(delivery: Delivery) -> list[News]:
    return read_push(delivery.headers.get("x-gogs-event", ""), delivery.body)


def _with(*names: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda headers: any(name in headers for name in names)


def _signed(key: str, header: str, prefix: str = "") -> Callable[[Delivery, Secrets], bool]:
    """A header has the body's HMAC by SHA-256, in hexadecimal."""

    def proven(delivery: Delivery, secrets: Secrets) -> bool:
        secret = secrets(key)
        if not secret:
            return True
        shown = delivery.headers.get(header, "")
        made = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        return _same(shown, prefix + made)

    return proven


def _shown(key: str, header: str) -> Callable[[Delivery, Secrets], bool]:
    """A header has the secret itself."""

    def proven(delivery: Delivery, secrets: Secrets) -> bool:
        secret = secrets(key)
        return not secret or _same(delivery.headers.get(header, ""), secret)

    return proven


def _basic(delivery: Delivery, secrets: Secrets) -> bool:
    """User and password, where one of both is set."""
    user, password = secrets("webhook.azuredevops.username"), secrets("webhook.azuredevops.password")
    if not (user or password):
        return True
    kind, _, text = delivery.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        shown = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return _same(shown, f"{user}:{password}")


def _asked(delivery: Delivery, secrets: Secrets) -> bool:
    """The query has it: Docker Hub shows nothing else."""
    secret = secrets("webhook.dockerhub.secret")
    return not secret or _same(delivery.query.get("secret", ""), secret)


def _harbor(delivery: Delivery, secrets: Secrets) -> bool:
    """The header has the secret itself; nobody is believed where there is none, as in Argo CD."""
    secret = secrets("webhook.harbor.secret")
    return bool(secret) and _same(delivery.headers.get("authorization", ""), secret)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _docker_hub(headers: Mapping[str, str]) -> bool:
    """It has no header of its own."""
    return headers.get("content-type", "").lower().startswith("application/json") and "authorization" not in headers


SENDERS = (
    # Gogs, Gitea and Forgejo send GitHub's headers beside their own.
    Sender("Azure DevOps", _with("x-vss-activityid"), _basic, read_azure),
    Sender("Gogs", _with("x-gogs-event"), _signed("webhook.gogs.secret", "x-gogs-signature"), _read_gogs),
    Sender(
        "GitHub",
        _with("x-github-event"),
        _signed("webhook.github.secret", "x-hub-signature-256", "sha256="),
        _read_github,
    ),
    Sender("GitLab", _with("x-gitlab-event"), _shown("webhook.gitlab.secret", "x-gitlab-token"), read_gitlab),
    Sender("Bitbucket", _with("x-hook-uuid"), _shown("webhook.bitbucket.uuid", "x-hook-uuid"), read_bitbucket_cloud),
    Sender(
        "Bitbucket Server",
        _with("x-event-key"),
        _signed("webhook.bitbucketserver.secret", "x-hub-signature", "sha256="),
        read_bitbucket_server,
    ),
    Sender("Docker Hub", _docker_hub, _asked, read_docker_hub),
    Sender("Harbor", _with("authorization"), _harbor, read_harbor),
)
