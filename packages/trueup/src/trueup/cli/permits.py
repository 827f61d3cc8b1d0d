"""What the engine may do on a cluster, by the API server's own word."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kubegrammar import json
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.store.kinds import LEASE_NAME
from trueup.store.rights import CLUSTER, NAMESPACED

_REVIEW = ResourceType(
    "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False
)
_AT_ONCE = 16
_READ, _WRITE = ("list", "watch"), ("create", "patch", "delete")


class ClusterRight(NamedTuple):
    """A verb on a kind; an empty namespace is the whole cluster, an empty name every object.

    A role may give a right over one object alone: who asks without the name is told no.
    """

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}{f'.{self.group}' if self.group else ''}"
        return f"{self.verb} {kind}{f' {self.name}' if self.name else ''}{_where(self.namespace)}"


def needed(namespace: str) -> list[ClusterRight]:
    """Without these there is no engine of a control namespace."""
    return [
        *(ClusterRight(verb, "argoproj.io", "applications", namespace) for verb in (*_READ, "patch")),
        *(ClusterRight(verb, "argoproj.io", "appprojects", namespace) for verb in _READ),
        # Nobody can be allowed to create an object by its name.
        ClusterRight("create", "coordination.k8s.io", "leases", namespace),
        *(ClusterRight(verb, "coordination.k8s.io", "leases", namespace, LEASE_NAME) for verb in ("get", "patch")),
        *(ClusterRight(verb, "", resource, namespace) for verb in _READ for resource in ("secrets", "configmaps")),
    ]


def anything() -> list[ClusterRight]:
    """What an administrator may do."""
    return [ClusterRight(verb, "*", "*") for verb in (*_READ, *_WRITE)]


def usual(namespaces: Iterable[str] = (), *, writing: bool = True) -> list[ClusterRight]:
    """The kinds that applications usually consist of: in some namespaces, or in the whole cluster.

    Args:
        writing: the engine writes with its own rights.
    """
    places = tuple(dict.fromkeys(namespaces))
    tables: tuple[Mapping[str, list[str]], ...] = (NAMESPACED,) if places else (NAMESPACED, CLUSTER)
    return [
        ClusterRight(verb, group, resource, place)
        for verb in (*_READ, *(_WRITE if writing else ()))
        for table in tables
        for group, resources in table.items()
        for resource in resources
        for place in places or ("",)
    ]


async def refused(client: Client, rights: Iterable[ClusterRight]) -> list[ClusterRight]:
    """Those of some rights that whoever asks has not.

    Raises:
        ApiError: the cluster does not answer.
    """
    wanted, places = list(rights), asyncio.Semaphore(_AT_ONCE)

    async def may(right: ClusterRight) -> bool:
        async with places:
            review = {
                "apiVersion": _REVIEW.api_version,
                "kind": _REVIEW.kind,
                "spec": {"resourceAttributes": right._asdict()},
            }
            answer = await client.create(_REVIEW, "", json.canonical(review))
            return bool((answer.object().get("status") or {}).get("allowed"))

    answers = await asyncio.gather(*map(may, wanted))
    return [right for right, allowed in zip(wanted, answers, strict=True) if not allowed]


def summary(rights: Iterable[ClusterRight]) -> str:
    """Rights that are lacking, in a few words: ``create, patch deployments.apps and 7 other kinds in team-a``."""
    lacking = list(rights)
    verbs = ", ".join(dict.fromkeys(right.verb for right in lacking))
    kinds = list(dict.fromkeys(right.resource + (f".{right.group}" if right.group else "") for right in lacking))
    others = f" and {len(kinds) - 1} other kinds" if len(kinds) > 1 else ""
    places = list(dict.fromkeys(right.namespace for right in lacking))
    return f"{verbs} {kinds[0]}{others}{_where(', '.join(places))}"


def _where(namespace: str) -> str:
    return f" in {namespace}" if namespace else ""
