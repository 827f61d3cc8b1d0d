"""Application health: which objects count (Argo CD ``controller/health.go``)."""

from typing import NamedTuple

import pytest

from trueup.health import roll_up
from trueup.model.annotations import IGNORE_HEALTHCHECK
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode

OWN = ResourceKey("argoproj.io", "Application", "argocd", "self")
H, S, P, M, D, U = HealthCode


class Entry(NamedTuple):
    """An object of an application, and its health; None where its kind has no check."""

    health: HealthCode | None
    live: bool = True
    hook: bool = False
    key: ResourceKey | None = None
    annotations: dict[str, str] = {}


def rolled_up(entries: list[Entry]) -> Health:
    resources, verdicts = [], {}
    for number, item in enumerate(entries):
        key = item.key or ResourceKey("apps", "Deployment", "shop", f"web{number}")
        found = LiveObject(
            key=key, api_version="v1", uid="u", resource_version="1", body=b"{}", annotations=item.annotations
        )
        resources.append(
            ComparedResource(
                key=key, target=None, live=found if item.live else None, status=SyncCode.SYNCED, hook=item.hook
            )
        )
        verdicts[key] = Health(item.health, "because") if item.health else None
    return roll_up(Comparison(status=SyncCode.SYNCED, resources=tuple(resources)), verdicts, own=OWN)


CHILD = ResourceKey("argoproj.io", "Application", "argocd", "child")
IGNORED = {IGNORE_HEALTHCHECK: "true"}
TABLE = {
    "no objects are healthy": ([], H),
    "the worst object decides": ([Entry(H), Entry(D), Entry(P)], D),
    "unknown is worse than degraded": ([Entry(D), Entry(U)], U),
    "suspended is worse than healthy only": ([Entry(H), Entry(S)], S),
    "a kind without a check counts as healthy": ([Entry(None)], H),
    "hooks do not count": ([Entry(H), Entry(D, hook=True)], H),
    "hooks alone are no objects": ([Entry(D, hook=True)], H),
    "a missing object does not count while another lives": ([Entry(None, live=False), Entry(H)], H),
    "a missing object does not hide a worse one": ([Entry(None, live=False), Entry(D)], D),
    "all missing is Missing": ([Entry(None, live=False), Entry(None, live=False)], M),
    "a living object without a check keeps the others from being Missing": ([Entry(None, live=False), Entry(None)], H),
    "an ignored object still lives": ([Entry(None, live=False), Entry(D, annotations=IGNORED)], H),
    "ignore-healthcheck takes an object out": ([Entry(H), Entry(D, annotations=IGNORED)], H),
    "ignore-healthcheck of another value does not": ([Entry(D, annotations={IGNORE_HEALTHCHECK: "yes"})], D),
    "the application itself does not count": ([Entry(H), Entry(D, key=OWN)], H),
    "a child application that is missing does not count": ([Entry(M, key=CHILD)], H),
    "a child application that is unknown does not count": ([Entry(U, key=CHILD)], H),
    "a degraded child application counts": ([Entry(D, key=CHILD)], D),
}


@pytest.mark.parametrize("rule", TABLE)
def test_roll_up(rule: str) -> None:
    entries, expected = TABLE[rule]
    assert rolled_up(entries).status is expected


def test_the_message_names_the_object_that_decided() -> None:
    assert rolled_up([Entry(H), Entry(D)]).message == "apps/Deployment shop/web1: because"


def test_the_order_of_the_codes_is_argo_cds() -> None:
    codes = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]
    assert [str(code) for code in sorted(HealthCode, key=lambda code: code.rank)] == codes
