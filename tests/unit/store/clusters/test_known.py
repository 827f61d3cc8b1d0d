"""Which cluster a destination means: by server, by name, on behalf of a project."""

import base64
import json

import msgspec
import pytest

from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.object import read_object
from trueup.model.application import Destination
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.policy.sharding import Sharding
from trueup.store.clusters.known import OWN, ClustersUnread, KnownClusters
from trueup.store.settings import Settings

FAR = "https://far.example"
OWN_SERVER = "https://kubernetes.default.svc"


def secret(called: str, /, uid: str = "", **fields: str) -> LiveObject:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in {"server": FAR, **fields}.items()}
    metadata = {"name": called, "namespace": "argocd", "uid": uid}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    return read_object(json.dumps(body).encode(), "v1", "Secret")


def known(*secrets: LiveObject) -> KnownClusters:
    found = KnownClusters(Client(ClusterConfig(server="http://127.0.0.1:1")), "argocd", settings=Settings)
    found.replaced(secrets)
    return found


FOUND = {
    "the own cluster by its server": ((), {"server": OWN_SERVER}, ""),
    "the own cluster by its server, spelt otherwise": ((), {"server": OWN_SERVER + "/"}, ""),
    "the own cluster by its name": ((), {"name": "in-cluster"}, ""),
    "the own cluster by both its names": (
        (secret("own", name="home", server=OWN_SERVER),),
        {"name": "in-cluster"},
        "own",
    ),
    "the own cluster by the name of its Secret": (
        (secret("own", name="home", server=OWN_SERVER),),
        {"name": "home"},
        "own",
    ),
    "another by its server": ((secret("far"),), {"server": "https://FAR.example/"}, "far"),
    "another by its name": ((secret("far", name="north"),), {"name": "north"}, "far"),
    "one without a name by its server as a name": ((secret("far"),), {"name": FAR}, "far"),
    "the project's own before what is for all": (
        (secret("all"), secret("theirs", project="team")),
        {"server": FAR},
        "theirs",
    ),
    "what is for all where the other is another project's": (
        (secret("all"), secret("theirs", project="others")),
        {"server": FAR},
        "all",
    ),
}


@pytest.mark.parametrize(("secrets", "destination", "expected"), FOUND.values(), ids=FOUND)
def test_a_destination_means(secrets: tuple[LiveObject, ...], destination: dict[str, str], expected: str) -> None:
    assert known(*secrets).of(Destination(**destination), "team").secret == expected


REFUSED = {
    "A09 no such server": ((), {"server": "https://nowhere"}, "there is no cluster 'https://nowhere'"),
    "A09 no such name": ((), {"name": "North"}, "there is no cluster 'North'"),
    "names differ by case": ((secret("far", name="north"),), {"name": "North"}, "there is no cluster"),
    "K09 two of one name": (
        (secret("a", name="x"), secret("b", name="x", server="https://b")),
        {"name": "x"},
        "there are 2 clusters with the same name: a, b",
    ),
    "two of one server": ((secret("a"), secret("b")), {"server": FAR}, "there are 2 clusters with the same server"),
    "a name that poses as the own cluster's": (
        (secret("a", name="in-cluster"),),
        {"name": "in-cluster"},
        "there are 2 clusters with the same name",
    ),
    "another project's": ((secret("a", project="others"),), {"server": FAR}, f"there is no cluster {FAR!r} for"),
    "another project's, whose Secret is broken": (
        (secret("a", name="north", project="others", config="{"),),
        {"name": "north"},
        "there is no cluster 'north' for applications of project 'team'",
    ),
    "one whose Secret is broken": (
        (secret("a", name="north", config="{"),),
        {"name": "north"},
        "cluster Secret a: could not unmarshal",
    ),
}


@pytest.mark.parametrize(("secrets", "destination", "text"), REFUSED.values(), ids=REFUSED)
def test_a_destination_that_means_none_or_two_is_refused(
    secrets: tuple[LiveObject, ...], destination: dict[str, str], text: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        known(*secrets).of(Destination(**destination), "team")
    assert text in str(caught.value)


def test_a_broken_secret_leaves_the_others() -> None:
    found = known(secret("a", config="{"), secret("b", server="https://b"))
    assert [entry.server for entry in found.all()] == [OWN_SERVER, "https://b"]
    assert list(found.faults()) == ["a"]


@pytest.mark.parametrize("fields", [{"server": OWN_SERVER, "name": "mine"}, {"name": "in-cluster"}])
def test_a_secret_of_a_project_does_not_displace_the_own_cluster(fields: dict[str, str]) -> None:
    found = known(secret("a", project="team", **fields))
    assert found.all() == [OWN]
    assert "is for every project" in str(found.faults()["a"])
    for project in ("team", "other"):
        for destination in (Destination(name="in-cluster"), Destination(server=OWN_SERVER)):
            assert found.of(destination, project) == OWN


def test_a_secret_that_is_gone_is_no_cluster_any_more() -> None:
    found = known(secret("far"))
    found.take(secret("far"), gone=True)
    assert found.all() == [OWN]


def test_only_a_change_is_told() -> None:
    told: list[int] = []
    found = KnownClusters(
        Client(ClusterConfig(server="http://127.0.0.1:1")), "argocd", settings=Settings, changed=lambda: told.append(1)
    )
    for _ in range(2):
        found.replaced([secret("far")])
    found.take(secret("far", name="north"))
    found.take(secret("far", name="north", config="{"))
    assert len(told) == 3


def test_the_own_cluster_can_be_disabled() -> None:
    found = KnownClusters(
        Client(ClusterConfig(server="http://127.0.0.1:1")), "argocd", settings=lambda: Settings(in_cluster=False)
    )
    with pytest.raises(InvalidSpec, match=r"is disabled by cluster\.inClusterEnabled"):
        found.of(Destination(name="in-cluster"), "team")


def test_before_the_secrets_are_read_an_unknown_cluster_is_waited_for_and_not_missing() -> None:
    found = KnownClusters(Client(ClusterConfig(server="http://127.0.0.1:1")), "argocd", settings=Settings)
    with pytest.raises(ClustersUnread):
        found.of(Destination(name="far"), "team")
    assert found.of(Destination(name="in-cluster"), "team") == OWN


class Shared:
    """What each of some engines that share the clusters looks after.

    Attributes:
        told: the engines that have heard of a change.
    """

    def __init__(self, replicas: int, settings: Settings | None = None) -> None:
        self.settings, self.told = settings or Settings(), list[int]()
        self.engines = [
            KnownClusters(
                Client(ClusterConfig(server="http://127.0.0.1:1")),
                "argocd",
                settings=lambda: self.settings,
                sharding=Sharding(shard, replicas),
                changed=lambda shard=shard: self.told.append(shard),  # type: ignore[misc]
            )
            for shard in range(replicas)
        ]

    def replaced(self, *secrets: LiveObject) -> None:
        for engine in self.engines:
            engine.replaced(secrets)

    def of(self, **destination: str) -> list[int]:
        """The engines that look after a destination."""
        return [at for at, engine in enumerate(self.engines) if engine.mine(Destination(**destination), "team")]


MANY = [secret(f"c{number}", uid=f"uid-{number}", server=f"https://c{number}") for number in range(20)]


@pytest.mark.parametrize("method", ["legacy", "round-robin"])
def test_each_cluster_has_one_engine_and_each_engine_some_clusters(method: str) -> None:
    shared = Shared(3, msgspec.convert({"sharding_method": method}, Settings))
    shared.replaced(*MANY)
    found = [shared.of(name=f"https://c{number}") for number in range(20)]
    assert all(len(engines) == 1 for engines in found)
    assert {engines[0] for engines in found} == {0, 1, 2}


def test_what_names_no_cluster_is_the_first_engines_and_so_is_their_own() -> None:
    shared = Shared(3)
    shared.replaced(*MANY)
    for destination in ({}, {"name": "nowhere"}, {"server": OWN_SERVER}, {"name": "in-cluster"}):
        assert shared.of(**destination) == [0]


def test_before_the_secrets_are_read_nobody_acts_on_another_cluster() -> None:
    assert Shared(2).of(name="far") == []


def test_an_engine_alone_has_every_cluster_whatever_its_shard() -> None:
    shared = Shared(1)
    shared.replaced(secret("far", shard="3"))
    assert shared.of(server=FAR) == [0]


def test_who_shares_is_told_of_another_shard_and_of_another_method() -> None:
    shared = Shared(2)
    shared.replaced(secret("far", uid="u", shard="0"))
    shared.told.clear()
    shared.replaced(secret("far", uid="u", shard="1"))
    assert shared.of(server=FAR) == [1]
    assert shared.told == [0, 1]
    shared.replaced(*MANY)
    shared.told.clear()
    shared.settings = Settings(sharding_method="round-robin")
    for engine in shared.engines:
        engine.reread()
    assert shared.told == [0, 1]
