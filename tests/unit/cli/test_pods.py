"""Which Pods are an application's: those below what it declares, however many stand between."""

from tests.unit.cli.test_children import live

from trueup.cli.app.pods import lineages
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey

DECLARED = {ResourceKey("", "Deployment", "web", "web"), ResourceKey("", "Pod", "web", "bare")}


def names(pods: list[LiveObject], *above: LiveObject) -> dict[str, list[str]]:
    found = lineages(pods, {each.uid: each for each in above}, DECLARED)
    return {each.pod.key.name: sorted(key.name for key in each.keys) for each in found}


def test_a_pod_belongs_to_what_its_owners_belong_to() -> None:
    pods = [live("Pod", "a", "web-1"), live("Pod", "bare"), live("Pod", "other", "elsewhere"), live("Pod", "lone")]
    above = (live("ReplicaSet", "web-1", "web"), live("Deployment", "web"), live("ReplicaSet", "elsewhere"))
    assert names(pods, *above) == {"a": ["a", "web", "web-1"], "bare": ["bare"]}


def test_owners_in_a_ring_and_owners_that_nobody_may_read_end_the_line() -> None:
    ring = (live("ReplicaSet", "r", "s"), live("ReplicaSet", "s", "r", "web"), live("Deployment", "web", "gone"))
    assert names([live("Pod", "a", "r"), live("Pod", "b", "gone")], *ring) == {"a": ["a", "r", "s", "web"]}
