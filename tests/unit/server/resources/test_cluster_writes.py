"""Clusters made known, changed and forgotten through the API."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_projects import Objects, ask, may_see

from trueup.server.errors import Code, Fault
from trueup.server.request import Json
from trueup.server.resources.cluster_writes import ClusterWrites
from trueup.server.resources.clusters import ClusterFinding, ClusterState, cluster_functions
from trueup.store.clusters.known import OWN
from trueup.store.clusters.secret import ClusterEntry, read_entry
from trueup.store.credentials import decoded

EAST = "https://east.example.com"
CLUSTER: Json = {
    "server": EAST,
    "name": "east",
    "config": {"bearerToken": "hunter2", "tlsClientConfig": {"caData": base64.b64encode(b"ca").decode()}},
    "namespaces": ["shop"],
    "labels": {"env": "prod"},
}


class Room:
    """Clusters by hand."""

    def __init__(self) -> None:
        self.secrets, self.reopened, self.renewed = Objects(), list[str](), list[str]()
        finding = ClusterFinding(self, lambda entry: ClusterState())
        writes = ClusterWrites(finding, self.secrets, "argocd", lambda: {"aws"}, self.renew, self.reopen)
        self.functions = {**cluster_functions(finding), **writes.functions()}

    def all(self) -> list[ClusterEntry]:
        lives = self.secrets.lives.values()
        return [OWN, *(read_entry(each, decoded(each.object()), programs=None) for each in lives)]

    async def renew(self, entry: ClusterEntry, keep: Callable[[str], Awaitable[None]]) -> None:
        self.renewed.append(entry.name)
        await keep('{"bearerToken":"fresh"}')

    def reopen(self, entry: ClusterEntry) -> None:
        self.reopened.append(entry.name)

    async def ask(self, method: str, message: Json, caller: ByHand | None = None) -> Any:
        return await ask(self.functions, f"ClusterService.{method}", message, caller)

    def data(self) -> dict[str, str]:
        (secret,) = self.secrets.lives.values()
        return decoded(secret.object())

    def config(self) -> Json:
        found: Json = json.loads(self.data()["config"])
        return found


async def test_a_cluster_is_made_known_without_being_shown() -> None:
    room = Room()
    made = await room.ask("Create", {"cluster": CLUSTER})
    assert (made["server"], made["namespaces"], made["labels"]) == (EAST, ["shop"], {"env": "prod"})
    assert "hunter2" not in repr(made)
    assert room.config()["bearerToken"] == "hunter2"
    assert next(iter(room.secrets.lives)).startswith("cluster-east.example.com-")
    assert await room.ask("Create", {"cluster": CLUSTER}) == made
    with pytest.raises(Fault, match="use upsert flag to force update"):
        await room.ask("Create", {"cluster": CLUSTER | {"name": "other"}})
    found = await room.ask("Create", {"cluster": CLUSTER | {"name": "other"}, "upsert": True})
    assert found["name"] == "other"
    for method in ("Get", "List"):
        assert "hunter2" not in repr(await room.ask(method, {"id": {"value": EAST}}))
    assert await room.ask("Delete", {"id": {"value": "other", "type": "name"}}) == {}
    assert not room.secrets.lives


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"name": "other"}, True),
        ({"config": {"tlsClientConfig": {"caData": base64.b64encode(b"ca").decode()}}}, True),
        ({"config": {"tlsClientConfig": {"caData": base64.b64encode(b"evil").decode()}}}, False),
        ({"config": {"tlsClientConfig": {"insecure": True}}}, False),
        ({"config": {"proxyUrl": "http://192.0.2.1", **CLUSTER["config"], "bearerToken": ""}}, False),
        ({"config": {"bearerToken": "new", "tlsClientConfig": {"insecure": True}}}, False),
    ],
    ids=["what is not sent stays", "by the same way", "no other authority", "nobody unproven", "no proxy", "sent anew"],
)
async def test_a_credential_goes_the_way_that_it_was_given_for(change: Json, kept: bool) -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER})
    fields = list(change)
    await room.ask("Update", {"cluster": {"server": EAST, **change}, "updatedFields": fields})
    assert (room.config().get("bearerToken") == "hunter2") is kept
    assert room.data()["namespaces"] == "shop"


async def test_an_update_without_fields_replaces_all_but_the_credential() -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER})
    shown = await room.ask("Get", {"id": {"value": EAST}})
    config = {"tlsClientConfig": {"caData": base64.b64encode(b"ca").decode()}}
    await room.ask("Update", {"cluster": {**shown, "namespaces": [], "config": config}, "id": {"value": EAST}})
    assert room.config()["bearerToken"] == "hunter2"
    assert "namespaces" not in room.data()


async def test_rights_are_asked_about_where_a_cluster_is_and_where_it_goes() -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER | {"project": "shop"}})

    def allowed(resource: str, action: str, of: str) -> bool:
        return resource == "clusters" and of.startswith("shop/")

    ada, stranger = ByHand("ada", allowed), may_see()
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("Create", {"cluster": CLUSTER}, ada)
    move = {"cluster": {"server": EAST, "project": ""}, "updatedFields": ["project"]}
    with pytest.raises(Fault, match="permission denied"):
        await room.ask("Update", move, ada)
    for method in ("Update", "Delete", "RotateAuth", "InvalidateCache"):
        message = {"id": {"value": EAST}, "cluster": {"server": EAST}}
        with pytest.raises(Fault) as refused:
            await room.ask(method, message, stranger)
        assert refused.value.message == "permission denied"
        with pytest.raises(Fault, match="permission denied: clusters"):
            await room.ask(method, message, may_see(f"shop/{EAST}"))
    assert room.data()["project"] == "shop"
    assert (await room.ask("Update", {"cluster": {"server": EAST, "name": "n"}, "updatedFields": ["name"]}, ada))[
        "name"
    ]


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        ({"server": ""}, "server required"),
        ({"server": EAST, "config": {"execProviderConfig": {"command": "sh"}}}, "exec command not in allow-list"),
        ({"server": EAST, "config": {"awsAuthConfig": {"clusterName": "x"}}}, "tokens are not asked of AWS"),
        ({"server": EAST, "config": {"tlsClientConfig": {"caData": "!"}}}, "caData is not base64"),
        ({"server": EAST, "namespaces": ["a,b", "../c"]}, "invalid namespace"),
        ({"server": EAST, "name": 'a"b'}, "invalid cluster name"),
    ],
    ids=["no server", "a program", "AWS", "no base64", "no namespace", "no name"],
)
async def test_what_could_not_be_used_is_not_written(cluster: Json, text: str) -> None:
    room = Room()
    with pytest.raises(Fault, match=text) as refused:
        await room.ask("Create", {"cluster": cluster})
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert not room.secrets.lives
    await room.ask("Create", {"cluster": CLUSTER})
    before = room.data()
    if cluster.get("server"):
        with pytest.raises(Fault, match=text):
            await room.ask("Update", {"cluster": cluster})
    with pytest.raises(Fault, match="cannot be updated"):
        await room.ask("Update", {"cluster": CLUSTER, "updatedFields": ["server"]})
    assert room.data() == before


async def test_the_servers_own_cluster_has_no_secret_until_it_gets_one() -> None:
    room = Room()
    own = {"value": "in-cluster", "type": "name"}
    for method in ("Delete", "RotateAuth"):
        with pytest.raises(Fault):
            await room.ask(method, {"id": own})
    found = await room.ask("Update", {"id": own, "cluster": {"name": "home"}, "updatedFields": ["name"]})
    assert found["name"] == "home"
    assert room.data() == {"name": "home", "server": OWN.server, "config": "{}"}


async def test_q33_a_cluster_is_not_changed_by_the_name_of_another() -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER})
    before = room.data()
    other = {"server": "https://west.example.com", "name": "west"}
    for id_ in ({"value": EAST}, {"value": "east", "type": "name"}):
        with pytest.raises(Fault, match="server in body does not match") as refused:
            await room.ask("Update", {"cluster": other, "id": id_})
        assert refused.value.code is Code.INVALID_ARGUMENT
    assert room.data() == before


async def test_a_token_is_renewed_and_a_cluster_is_listed_anew() -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER})
    assert await room.ask("RotateAuth", {"id": {"value": EAST}}) == {}
    assert (room.renewed, room.config()) == (["east"], {"bearerToken": "fresh"})
    assert (await room.ask("InvalidateCache", {"id": {"value": EAST}}))["server"] == EAST
    assert room.reopened == ["east"]


async def test_labels_do_not_make_another_kind_of_secret() -> None:
    room = Room()
    label = "argocd.argoproj.io/secret-type"
    await room.ask("Create", {"cluster": CLUSTER | {"labels": {label: "repository"}}})
    fields = {"cluster": {"server": EAST, "labels": {label: "repo-creds", "a": "b"}}, "updatedFields": ["labels"]}
    assert (await room.ask("Update", fields))["labels"] == {"a": "b"}
    (secret,) = room.secrets.lives.values()
    assert secret.labels[label] == "cluster"
    assert msgspec.json.decode(secret.body)["metadata"]["name"] == secret.key.name


def of_shop(resource: str, action: str, of: str) -> bool:
    """A tenant's rights: every one over the clusters of a project."""
    return resource == "clusters" and of.startswith("shop/")


@pytest.mark.parametrize(
    "cluster",
    [
        {"server": OWN.server, "name": "mine"},
        {"server": OWN.server + "/", "name": ""},
        {"server": "HTTPS://Kubernetes.Default.SVC", "name": "mine"},
        {"name": "in-cluster"},
        {"name": " in-cluster "},
        {"server": "shop/https://x.example.com", "project": "", "name": "east"},
        {"project": "shop/x"},
    ],
)
async def test_a_project_takes_the_own_cluster_from_nobody(cluster: Json) -> None:
    room, ada = Room(), ByHand("ada", of_shop)
    given = {**CLUSTER, "project": "shop", **cluster}
    for caller in (ada, None):
        with pytest.raises(Fault) as refused:
            await room.ask("Create", {"cluster": given, "upsert": True}, caller)
        assert refused.value.code is Code.INVALID_ARGUMENT
    assert not room.secrets.lives


async def test_the_own_cluster_does_not_become_a_projects_nor_another_one_the_own() -> None:
    room = Room()
    await room.ask("Create", {"cluster": CLUSTER | {"project": "shop"}})
    before = room.data()
    own = {"id": {"value": OWN.server}, "cluster": {"project": "shop"}, "updatedFields": ["project"]}
    name = {"cluster": {"server": EAST, "name": "in-cluster"}, "updatedFields": ["name"]}
    for message in (own, name):
        with pytest.raises(Fault) as refused:
            await room.ask("Update", message)
        assert refused.value.code is Code.INVALID_ARGUMENT
    assert room.data() == before


@pytest.mark.parametrize("theirs", ["", "team"], ids=["for all", "another project's"])
async def test_a_server_gets_a_second_secret_from_who_may_change_the_first(theirs: str) -> None:
    room, ada = Room(), ByHand("ada", of_shop)
    await room.ask("Create", {"cluster": CLUSTER | {"project": theirs}})
    mine = CLUSTER | {"project": "shop", "name": "other", "server": EAST + "/"}
    for upsert in (False, True):
        with pytest.raises(Fault) as refused:
            await room.ask("Create", {"cluster": mine, "upsert": upsert}, ada)
        assert refused.value.message == "permission denied"
    assert room.data()["name"] == "east"
    assert (await room.ask("Create", {"cluster": mine}))["project"] == "shop"
    assert len(room.secrets.lives) == 2


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("labels", "app.kubernetes.io/part-of"),
        ("labels", "app.kubernetes.io/instance"),
        ("labels", "argocd.argoproj.io/instance"),
        ("annotations", "argocd.argoproj.io/tracking-id"),
        ("annotations", "trueup.dev/namespace-of"),
    ],
)
async def test_a_clusters_secret_is_made_no_more_than_that(field: str, key: str) -> None:
    room = Room()
    with pytest.raises(Fault, match="is not for clusters"):
        await room.ask("Create", {"cluster": CLUSTER | {field: {key: "argocd"}}})
    assert not room.secrets.lives
    skipped = {"argocd.argoproj.io/skip-reconcile": "true"}
    await room.ask("Create", {"cluster": CLUSTER | {"annotations": skipped}})
    with pytest.raises(Fault, match="is not for clusters"):
        await room.ask("Update", {"cluster": CLUSTER | {field: {key: "argocd"}}, "updatedFields": [field]})
    (secret,) = room.secrets.lives.values()
    assert key not in {**secret.labels, **secret.annotations}
