"""Whose an object is: by its name, by what has made it, and only to those who may see the application."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.apiserver import ByHand
from tests.support.world import CONTROL, application

from trueup.kube.object import read_object
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.server.caller import Caller
from trueup.server.errors import Fault
from trueup.server.request import Json, Request
from trueup.server.resources.owned import FEWEST, MOST, ObjectOwner, OwnedObjects, find_functions

NAMES = st.sampled_from(["web", "web-1", "WEB", "api", "a", "db.web", "x" * 40, ""])


class Reads:
    """Applications with their objects, by (kind, namespace, name)."""

    control_namespace = CONTROL

    def __init__(self) -> None:
        self.lives: dict[str, LiveObject] = {}
        self.version = 0

    def put(self, name: str, project: str, objects: Iterable[tuple[str, str, str]], images: Iterable[str] = ()) -> None:
        self.version += 1
        body = application(project=project)
        body["metadata"] = {"name": name, "namespace": CONTROL, "resourceVersion": str(self.version), "uid": name}
        rows = [{"kind": kind, "namespace": namespace, "name": called} for kind, namespace, called in objects]
        body["status"] = {"resources": rows, "summary": {"images": list(images)}}
        self.lives[name] = read_object(msgspec.json.encode(body))

    def stored(self) -> list[LiveObject]:
        return list(self.lives.values())

    def live(self, key: str) -> LiveObject | None:
        return self.lives.get(key.partition("/")[2])

    def get(self, key: str) -> Any:
        raise NotImplementedError


@pytest.fixture
def reads() -> Reads:
    found = Reads()
    found.put(
        "shop", "shop", [("Deployment", "prod", "web"), ("Service", "prod", "web"), ("ConfigMap", "prod", "web-1")]
    )
    found.put("team", "team", [("Deployment", "dev", "my-web"), ("Secret", "dev", "keys")], ["r/web:1", "r/db:2"])
    found.put("broken", "shop", [])
    return found


async def ask(
    reads: Reads, caller: Caller | None = None, owners: Iterable[ObjectOwner] = (), method: str = "Find", **query: Any
) -> Json:
    functions = find_functions(reads, lambda _: owners)
    answer = await functions[f"TrueupService.{method}"](Request(caller or ByHand(), query))
    assert isinstance(answer, dict)
    return answer


def told(answer: Json) -> list[str]:
    return [f"{each['application']}: {each['kind']}/{each['name']}" for each in answer["items"]]


async def test_what_is_called_so_comes_before_what_begins_so_and_that_before_the_rest(reads: Reads) -> None:
    found = await ask(reads, q="WEB")
    assert told(found) == [
        "shop: Deployment/web",
        "shop: Service/web",
        "shop: ConfigMap/web-1",
        "team: Deployment/my-web",
    ]
    assert not found["more"]
    first = found["items"][0]
    assert (first["namespace"], first["project"], first["appNamespace"], first["via"]) == ("prod", "shop", CONTROL, "")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "web", "kind": "deployment"}, ["shop: Deployment/web", "team: Deployment/my-web"]),
        ({"q": "web", "namespace": "dev"}, ["team: Deployment/my-web"]),
        ({"kind": "Secret"}, ["team: Secret/keys"]),
        ({"q": "none"}, []),
        ({"q": "web\nkeys"}, []),
        ({"q": "web", "group": "apps"}, []),
    ],
)
async def test_an_object_is_chosen(reads: Reads, query: dict[str, Any], found: list[str]) -> None:
    assert told(await ask(reads, **query)) == found


async def test_what_may_not_be_seen_does_not_exist(reads: Reads) -> None:
    mine = ByHand(
        allowed=lambda resource, action, of: (resource, action) == ("applications", "get") and of == "team/team"
    )
    assert told(await ask(reads, mine, q="web")) == ["team: Deployment/my-web"]
    assert (await ask(reads, mine, method="Images"))["items"] != []
    nobody = ByHand(allowed=lambda *_: False)
    for method in ("Find", "Images"):
        assert await ask(reads, nobody, method=method, q="web") == {"items": [], "more": False}
    owner = ObjectOwner(f"{CONTROL}/shop", ResourceKey("apps", "Deployment", "prod", "web"))
    assert (await ask(reads, mine, [owner], q="web-x", kind="Pod"))["items"] == []


@pytest.mark.parametrize(
    ("mine", "text", "kind"),
    [(0, "web", ""), (3, "web", ""), (FEWEST, "", "Secret"), (FEWEST + 1, "WEB-1", "secret"), (40, "web", "")],
)
async def test_ones_own_are_found_behind_however_many_of_others(mine: int, text: str, kind: str) -> None:
    reads = Reads()
    reads.put("theirs", "theirs", [("Secret", "n", f"web-{each}") for each in range(1500)])
    reads.put("mine", "mine", [("Secret", "n", f"my-web-1{each}") for each in range(mine)])
    reads.put("after", "theirs", [("Secret", "n", "web")])
    asked: list[str] = []

    def allowed(resource: str, action: str, of: str) -> bool:
        asked.append(of)
        return of == "mine/mine"

    found = await ask(reads, ByHand(allowed=allowed), q=text, kind=kind)
    assert [each["application"] for each in found["items"]] == ["mine"] * min(mine, FEWEST)
    assert found["more"] == (mine > FEWEST), "of others, nothing is told"
    assert len(asked) == len(set(asked)), "rights are asked of an application, not of each object"


async def test_what_an_object_has_made_is_found_by_its_kind_and_name(reads: Reads) -> None:
    owner = ObjectOwner(f"{CONTROL}/shop", ResourceKey("apps", "Deployment", "prod", "web"))
    (found,) = (await ask(reads, owners=[owner], q="web-5d-x", kind="Pod", namespace="prod"))["items"]
    assert (found["application"], found["kind"], found["via"]) == ("shop", "Pod", "Deployment/web")
    assert (await ask(reads, owners=[owner], q="web-5d-x"))["items"] == [], "any kind could be meant"


async def test_a_change_of_an_application_is_seen(reads: Reads) -> None:
    functions = find_functions(reads, lambda _: ())

    async def names() -> list[str]:
        answer = await functions["TrueupService.Find"](Request(ByHand(), {"q": "new"}))
        assert isinstance(answer, dict)
        return told(answer)

    assert await names() == []
    reads.put("shop", "shop", [("Deployment", "prod", "new")])
    assert await names() == ["shop: Deployment/new"]
    del reads.lives["shop"]
    assert await names() == []


async def test_an_answer_is_as_long_as_is_asked_and_never_longer_than_is_sent(reads: Reads) -> None:
    reads.put("big", "big", [("ConfigMap", "n", f"item-{number}") for number in range(5000)])
    for limit, count in ((0, 20), (3, 3), (10**9, MOST)):
        found = await ask(reads, q="item", limit=limit)
        assert (len(found["items"]), found["more"]) == (count, True)
    with pytest.raises(Fault):
        await ask(reads, q="item", limit=-1)


async def test_images_are_told_with_who_runs_them(reads: Reads) -> None:
    reads.put("other", "team", [], ["r/web:1"])
    found = (await ask(reads, method="Images", q="WEB"))["items"]
    assert found == [{"image": "r/web:1", "applications": ["other", "team"]}]


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(NAMES, max_size=6), max_size=3), st.text("web1\n. a", max_size=4)
)
def test_the_index_finds_what_a_look_at_everything_finds(apps: dict[str, list[str]], text: str) -> None:
    reads = Reads()
    for name, objects in apps.items():
        reads.put(name, name, [("ConfigMap", str(number), each) for number, each in enumerate(objects)])
    owned = OwnedObjects(reads)
    owned.refreshed()
    found = [(known.name, row.namespace) for known, row in owned.search(text, {}, lambda _: True)]
    wanted = {
        (name, str(number))
        for name, objects in apps.items()
        for number, each in enumerate(objects)
        if text.lower() in each.lower()
    }
    assert len(found) == len(set(found))
    assert set(found) == wanted
