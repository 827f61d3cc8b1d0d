"""Reading Applications: what is found, and what a caller may know of it."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.support.apiserver import ByHand

from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.server.changes.log import AGAIN, Changes
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request, Stream, plain
from trueup.server.resources.application_watch import application_watch
from trueup.server.resources.applications import application_reads
from trueup.store.applications import StoredApplication, decode, key_of


def application(name: str, version: int = 1, project: str = "shop", **metadata: Any) -> LiveObject:
    """An Application as a cache has it."""
    body = {
        "metadata": {"name": name, "namespace": "argocd", "resourceVersion": str(version), **metadata},
        "spec": {"project": project, "source": {"repoURL": f"https://git.example.com/{name}.git", "path": "."}},
    }
    return LiveObject(
        key=ResourceKey("argoproj.io", "Application", "argocd", name),
        api_version="argoproj.io/v1alpha1",
        uid=name,
        resource_version=str(version),
        body=msgspec.json.encode(body),
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
    )


class Stored:
    """Applications by hand, and their log."""

    control_namespace = "argocd"

    def __init__(self, *lives: LiveObject) -> None:
        self.lives = {key_of(each): each for each in lives}
        self.changes = Changes("e")

    def get(self, key: str) -> StoredApplication | None:
        live = self.lives.get(key)
        return decode(key, live) if live else None

    def live(self, key: str) -> LiveObject | None:
        return self.lives.get(key)

    def stored(self) -> list[LiveObject]:
        return list(self.lives.values())

    def put(self, live: LiveObject) -> None:
        self.changes.append(key_of(live), self.lives.get(key_of(live)), live)
        self.lives[key_of(live)] = live

    def drop(self, key: str) -> None:
        self.changes.append(key, self.lives.pop(key), None)


def project_of(*names: str) -> ByHand:
    """A caller who may get what is in some projects."""
    return ByHand("ada", lambda resource, action, of: action == "get" and of.partition("/")[0] in names)


@pytest.fixture
def stored() -> Stored:
    return Stored(
        application("web", 3, labels={"tier": "front"}), application("api", 9), application("bank", 5, "vault")
    )


async def no_refresh(key: str, hard: bool) -> None:
    raise AssertionError(key)


async def ask(stored: Stored, method: str, message: Json, caller: ByHand | None = None) -> Any:
    functions = application_reads(stored, stored.changes, no_refresh)
    found = await functions[f"ApplicationService.{method}"](Request(caller or ByHand(), message))
    return plain(found) if isinstance(found, dict) else found


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["api", "bank", "web"]),
        ({"name": "web"}, ["web"]),
        ({"projects": ["vault"]}, ["bank"]),
        ({"project": ["vault"]}, ["bank"]),
        ({"selector": "tier in (front, back)"}, ["web"]),
        ({"selector": "tier!=front"}, ["api", "bank"]),
        ({"selector": "!tier"}, ["api", "bank"]),
        ({"repo": "https://git.example.com/WEB"}, ["web"]),
        ({"appNamespace": "elsewhere"}, []),
    ],
)
async def test_lists(stored: Stored, query: Json, names: list[str]) -> None:
    found = await ask(stored, "List", query)
    assert [each["metadata"]["name"] for each in found["items"]] == names


async def test_a_list_has_what_the_caller_may_see(stored: Stored) -> None:
    found = await ask(stored, "List", {}, project_of("shop"))
    assert [each["metadata"]["name"] for each in found["items"]] == ["api", "web"]
    assert found["metadata"] == {"resourceVersion": "9"}
    assert await ask(stored, "List", {}, project_of()) == {"metadata": {"resourceVersion": ""}, "items": []}


@pytest.mark.parametrize("text", ["a in (b", "=x", "a b", "a in b"])
async def test_a_selector_that_is_none(stored: Stored, text: str) -> None:
    with pytest.raises(Fault, match="unable to parse the selector"):
        await ask(stored, "List", {"selector": text})


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"name": "web"}, None),
        ({"name": "web", "project": ["shop"]}, None),
        ({"name": "bank"}, Code.PERMISSION_DENIED),
        ({"name": "missing"}, Code.PERMISSION_DENIED),
        ({}, Code.PERMISSION_DENIED),
        ({"name": "missing", "project": ["shop"]}, Code.NOT_FOUND),
        ({"name": "bank", "project": ["shop"]}, Code.NOT_FOUND),
        ({"name": "bank", "project": ["vault"]}, Code.PERMISSION_DENIED),
        ({"name": "web", "appNamespace": "elsewhere"}, Code.PERMISSION_DENIED),
        ({"name": "../x"}, Code.PERMISSION_DENIED),
        ({"name": "missing", "project": ["vault"]}, Code.PERMISSION_DENIED),
    ],
    ids=[
        "what may be seen is answered",
        "in its project too",
        "what is forbidden does not exist",
        "Q01 what does not exist is forbidden",
        "no name is none",
        "in a permitted project it may be known that there is none",
        "Q03 as of what is in another project",
        "in a forbidden project nothing is known of what is there",
        "Q05 a namespace that is not allowed",
        "Q07 a name that is a path",
        "nor of what is not",
    ],
)
async def test_what_may_not_be_seen_does_not_exist(stored: Stored, message: Json, code: Code | None) -> None:
    try:
        found = await ask(stored, "Get", message, project_of("shop"))
    except Fault as fault:
        assert fault.code is code
    else:
        assert code is None
        assert found["metadata"]["name"] == "web"


async def test_an_application_that_cannot_be_read_is_shown(stored: Stored) -> None:
    broken = msgspec.structs.replace(application("odd"), body=b'{"metadata":{"name":"odd"},"spec":{"project":7}}')
    stored.put(broken)
    assert (await ask(stored, "Get", {"name": "odd"}))["spec"] == {"project": 7}


async def test_a_refresh_is_waited_for(stored: Stored) -> None:
    asked = []

    async def refresh(key: str, hard: bool) -> None:
        asked.append((key, hard))
        stored.put(application("web", 10, annotations={"argocd.argoproj.io/refresh": "hard"}))

    functions = application_reads(stored, stored.changes, refresh)
    message = {"name": "web", "refresh": "hard"}
    waiting = asyncio.ensure_future(functions["ApplicationService.Get"](Request(ByHand(), message)))
    while not asked:
        await asyncio.sleep(0)
    stored.put(application("web", 11))
    found = await waiting
    assert asked == [("argocd/web", True)]
    assert isinstance(found, dict)
    assert found["metadata"]["resourceVersion"] == "11"


async def watching(stored: Stored, message: Json, caller: ByHand, resume: str = "") -> Stream:
    watch = application_watch(stored, stored.changes)["ApplicationService.Watch"]
    found = await watch(Request(caller, message, resume))
    assert isinstance(found, Stream)
    return found


async def some(stream: Stream, count: int) -> list[tuple[str, str]]:
    found = []
    for _ in range(count):
        item = plain(await anext(stream.items))
        found.append((item["type"], item["application"]["metadata"]["name"]))
    return found


async def test_a_watch_begins_with_what_is_there(stored: Stored) -> None:
    stream = await watching(stored, {}, project_of("shop"))
    assert await some(stream, 2) == [("ADDED", "web"), ("ADDED", "api")]
    stored.put(application("bank", 10, "vault"))
    stored.put(application("web", 11))
    assert await some(stream, 1) == [("MODIFIED", "web")]
    stored.put(application("web", 12, "vault"))
    stored.put(application("bank", 13, "shop"))
    assert await some(stream, 2) == [("DELETED", "web"), ("ADDED", "bank")]
    stored.drop("argocd/bank")
    assert await some(stream, 1) == [("DELETED", "bank")]


async def test_a_watch_goes_on_after_a_version_or_a_token(stored: Stored) -> None:
    later = await watching(stored, {"resourceVersion": "5"}, ByHand())
    assert await some(later, 1) == [("ADDED", "api")]
    # Who is cut off before all was told has no place to go on from.
    assert later.token() == ""
    stored.put(application("web", 10))
    assert await some(later, 1) == [("MODIFIED", "web")]
    token = later.token()
    stored.put(application("web", 11))
    again = await watching(stored, {}, ByHand(), token)
    assert again.token() == token
    assert await some(again, 1) == [("MODIFIED", "web")]
    with pytest.raises(Fault, match=AGAIN):
        await watching(stored, {}, ByHand(), "another.3")


async def test_q09_a_version_that_is_none_is_no_version(stored: Stored) -> None:
    assert await some(await watching(stored, {"resourceVersion": "abc"}, ByHand()), 1) == [("ADDED", "web")]


async def test_who_falls_behind_lists_again() -> None:
    changes = Changes("e", keep=2)
    for version in range(3):
        changes.append("a", None, application("a", version))
    assert [each.number for each in await changes.after(1)] == [3]
    with pytest.raises(Fault, match=AGAIN):
        await changes.after(0)


async def test_a_server_that_stops_ends_its_streams(stored: Stored) -> None:
    waiting = asyncio.ensure_future(stored.changes.after(0))
    await asyncio.sleep(0)
    stored.changes.close()
    with pytest.raises(Fault, match="the server stops"):
        await waiting
