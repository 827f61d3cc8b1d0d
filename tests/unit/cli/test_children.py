"""What objects have made, and how it is drawn and chosen."""

import click
import msgspec
import pytest

from trueup.cli.app.children import ResourceTree, grown
from trueup.cli.app.logs import LogWish
from trueup.cli.app.resources import drawn
from trueup.cli.lazy import switches
from trueup.model.live import LiveObject, Owner
from trueup.model.resource import ResourceKey
from trueup.model.status import HealthStatus, ResourceStatus


def live(kind: str, name: str, *owners: str, status: str = "") -> LiveObject:
    body = msgspec.json.encode({"kind": kind, "status": {"phase": status}})
    key = ResourceKey("", kind, "web", name)
    owned = tuple(Owner(uid=owner) for owner in owners)
    return LiveObject(key=key, api_version="v1", uid=name, resource_version="1", body=body, owners=owned)


def declared(kind: str, name: str, health: str = "") -> ResourceStatus:
    told = HealthStatus(status=health) if health else None
    return ResourceStatus(kind=kind, namespace="web", name=name, status="Synced", health=told)


def lines(*objects: LiveObject) -> list[str]:
    roots = grown([declared("Deployment", "web", "Degraded"), declared("ConfigMap", "gone")], objects, {})
    return [f"{line.stem}{line.node.key.kind}/{line.node.key.name}" for line in drawn(ResourceTree(roots))]


def test_a_tree_is_drawn_with_what_each_owns() -> None:
    pods = [live("Pod", "web-1-b", "web-1"), live("Pod", "web-1-a", "web-1"), live("Pod", "other", "elsewhere")]
    found = lines(
        live("Deployment", "web"), live("ReplicaSet", "web-1", "web"), live("ReplicaSet", "web-0", "web"), *pods
    )
    assert found == [
        "Deployment/web",
        "├─ReplicaSet/web-0",
        "└─ReplicaSet/web-1",
        "  ├─Pod/web-1-a",
        "  └─Pod/web-1-b",
        "ConfigMap/gone",
    ]


def test_owners_in_a_ring_are_shown_once() -> None:
    ring = [live("Pod", "a", "web", "b"), live("Pod", "b", "a"), live("Deployment", "web", "b")]
    assert lines(*ring) == ["Deployment/web", "└─Pod/a", "  └─Pod/b", "ConfigMap/gone"]


def test_health_of_what_was_made_is_judged_here_and_that_of_what_is_declared_is_told() -> None:
    pod = live("Pod", "a", "web", status="Running")
    (deployment, _) = grown(
        [declared("Deployment", "web", "Degraded"), declared("ConfigMap", "gone")],
        [live("Deployment", "web"), pod],
        {"a": msgspec.structs.replace(pod, body=b'{"kind":"Pod","status":{"phase":"Failed"}}')},
    )
    assert deployment.health == "Degraded"
    failed = msgspec.structs.replace(pod, body=b'{"kind":"Pod","status":{"phase":"Failed"}}')
    (untold,) = grown([declared("Pod", "a")], [pod], {"a": failed})
    assert untold.health == "Degraded", "of what no engine has judged as well"
    assert [child.health for child in deployment.children] == ["Degraded"]


TAKEN = {
    "everything without a filter": ("", False, True),
    "the text in any case": ("ERROR", False, True),
    "the text in its case": ("ERROR", True, False),
    "without the text": ("!error", False, False),
    "without another text": ("!warn", True, True),
}


@pytest.mark.parametrize(("wanted", "exact", "taken"), TAKEN.values(), ids=TAKEN.keys())
def test_lines_of_a_log_are_filtered(wanted: str, exact: bool, taken: bool) -> None:
    wish = LogWish(None, "", "", "", "", follow=False, tail=0, since=0, previous=False, filter=wanted, match_case=exact)
    assert wish.takes("an error") is taken


@click.command()
@click.option("--validate/--no-validate", default=True)
@click.option("--prune", is_flag=True)
@click.option("--revision", default="")
def command() -> None:
    pass


SPELT = {
    "on": ("--validate=true --prune=1", "--validate --prune"),
    "off": ("--validate=false", "--no-validate"),
    "off where there is no such option": ("--prune=false x", "x"),
    "a value of another option": ("--revision=false", "--revision=false"),
    "no boolean": ("--prune=maybe", "--prune=maybe"),
    "what follows two dashes": ("-- --prune=false", "-- --prune=false"),
}


@pytest.mark.parametrize(("given", "read"), SPELT.values(), ids=SPELT.keys())
def test_switches_may_be_spelt_as_go_spells_them(given: str, read: str) -> None:
    assert switches(command, given.split()) == read.split()
