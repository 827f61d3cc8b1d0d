"""The audit trail to those who may see what it is about."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.apiserver import ByHand
from tests.support.world import CONTROL, application

from trueup.kube.object import read_object
from trueup.model.audit import Action, Actor, AuditRecord
from trueup.model.live import LiveObject
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request
from trueup.server.resources.trail import trail_functions
from trueup.store.applications import StoredApplication, decode
from trueup.store.audit.search import Filter


def live(name: str, project: str) -> LiveObject:
    body = application(project=project)
    body["metadata"] = {"name": name, "namespace": CONTROL, "resourceVersion": "1", "uid": name}
    return read_object(msgspec.json.encode(body))


class Reads:
    control_namespace = CONTROL

    def __init__(self) -> None:
        self.lives = {f"{CONTROL}/{name}": live(name, project) for name, project in (("web", "shop"), ("api", "team"))}

    def live(self, key: str) -> LiveObject | None:
        return self.lives.get(key)

    def get(self, key: str) -> StoredApplication | None:
        return decode(key, self.lives[key]) if key in self.lives else None

    def stored(self) -> list[LiveObject]:
        return list(self.lives.values())


PROJECTS = {"web": "shop", "api": "team", "gone": "shop"}


def record(number: int, application: str, action: Action = Action.HEALTH, **more: Any) -> AuditRecord:
    more.setdefault("project", PROJECTS.get(application.partition("/")[2], ""))
    return AuditRecord(
        id=number, at=f"2026-01-01T00:00:{number:02}.000000Z", action=action, application=application, **more
    )


WEB, API, GONE = f"{CONTROL}/web", f"{CONTROL}/api", f"{CONTROL}/gone"
ENTRIES = [
    record(1, WEB, Action.FINISHED, result="Succeeded", revision="a" * 40),
    record(2, API, result="Healthy"),
    record(
        3, "", Action.REQUEST, by=Actor(name="mallory"), message="ApplicationService.Get", result="permission_denied"
    ),
    record(4, GONE, Action.DELETED),
    record(5, WEB, result="Degraded", message="it crashes"),
]
MEMBER = ByHand(
    "member", allowed=lambda resource, action, of: (resource, action, of) == ("applications", "get", "shop/web")
)


async def ask(method: str, caller: Caller | None = None, *, of: Iterable[AuditRecord] = ENTRIES, **query: Any) -> Json:
    def entries(wanted: Filter) -> Iterator[AuditRecord]:
        found = [each for each in of if wanted.takes(each)]
        return iter(found[-wanted.limit :] if wanted.limit else found)

    functions = trail_functions(Reads(), entries)
    answer = await functions[f"TrueupService.{method}"](Request(caller or ByHand(), query))
    assert isinstance(answer, dict)
    return answer


def ids(answer: Json) -> list[int]:
    return [each["id"] for each in answer["entries"]]


ASKED: dict[str, tuple[dict[str, Any], Iterable[int], bool]] = {
    "everything": ({}, (1, 2, 3, 4, 5), False),
    "the newest": ({"limit": 2}, (4, 5), True),
    "an application": ({"application": "web"}, (1, 5), False),
    "by its namespace too": ({"application": WEB}, (1, 5), False),
    "one that is gone": ({"application": "gone"}, (4,), False),
    "an action": ({"action": "request"}, (3,), False),
    "somebody": ({"by": "MALL"}, (3,), False),
    "a commit": ({"revision": "aaaa"}, (1,), False),
    "a time": ({"since": "2026-01-01T00:00:02Z", "until": "2026-01-01T00:00:04Z"}, (2, 3), False),
}


@pytest.mark.parametrize("row", ASKED)
async def test_the_trail_is_asked(row: str) -> None:
    query, found, more = ASKED[row]
    answer = await ask("Audit", **query)
    assert (ids(answer), answer["more"]) == (list(found), more)


async def test_who_may_see_one_application_reads_what_happened_to_it_and_nothing_of_requests() -> None:
    assert ids(await ask("Audit", MEMBER)) == [1, 5]
    assert ids(await ask("Audit", MEMBER, limit=1)) == [5]
    assert ids(await ask("Audit", MEMBER, application="web")) == [1, 5]
    assert ids(await ask("Audit", MEMBER, application=WEB)) == [1, 5]
    for name in ("api", "gone", "none", "elsewhere/web", "elsewhere/gone", f"{CONTROL}/", f"{WEB}/web", f"web/{WEB}"):
        with pytest.raises(Fault) as raised:
            await ask("Audit", MEMBER, application=name)
        assert (raised.value.code, raised.value.message) == (Code.PERMISSION_DENIED, "permission denied")
    nobody = ByHand("nobody", allowed=lambda *_: False)
    assert await ask("Audit", nobody) == {"entries": [], "more": False}


@pytest.mark.parametrize("query", [{"action": "none"}, {"since": "yesterday"}, {"until": "1"}, {"limit": -1}])
async def test_what_cannot_be_asked_is_said(query: dict[str, Any]) -> None:
    with pytest.raises(Fault) as raised:
        await ask("Audit", **query)
    assert raised.value.code is Code.INVALID_ARGUMENT
    assert next(iter(query)) in raised.value.message


async def test_a_timeline_is_the_story_of_one_application() -> None:
    lines = (await ask("Timeline", MEMBER, name="web"))["lines"]
    assert [(each["text"], each["tone"]) for each in lines] == [
        ("synced to aaaaaaaa", "good"),
        ("Degraded: it crashes", "bad"),
    ]
    assert len((await ask("Timeline", MEMBER, name="web", limit=1))["lines"]) == 1
    with pytest.raises(Fault):
        await ask("Timeline", MEMBER, name="api")


@given(
    st.lists(
        st.tuples(st.sampled_from([WEB, API, GONE, ""]), st.sampled_from(["shop", "team", "lab", ""])), max_size=8
    ),
    st.frozensets(st.sampled_from([f"{project}/{name}" for project in ("shop", "team") for name in ("web", "api")])),
    st.integers(1, 4),
)
async def test_what_another_project_did_under_a_name_is_seen_by_who_may_see_both(
    told: list[tuple[str, str]], allowed: frozenset[str], limit: int
) -> None:
    entries = [record(number, application, project=project) for number, (application, project) in enumerate(told, 1)]
    somebody = ByHand("x", allowed=lambda resource, _, of: resource == "applications" and of in allowed)
    now = {WEB: "shop/web", API: "team/api"}

    def of(application: str) -> list[int]:
        """By the rights to the application as it is, and to what had its name when the entry was written."""
        name = application.partition("/")[2]
        mine = [each for each in entries if each.application == application and f"{each.project}/{name}" in allowed]
        return [each.id for each in mine] if now.get(application) in allowed else []

    wanted = sorted(of(WEB) + of(API))
    answer = await ask("Audit", somebody, of=entries, limit=limit)
    assert (ids(answer), answer["more"]) == (wanted[-limit:], len(wanted) > limit)
    for key, seen_as in now.items():
        if seen_as in allowed:
            assert ids(await ask("Audit", somebody, of=entries, application=key)) == of(key)
            story = await ask("Timeline", somebody, of=entries, name=key.partition("/")[2], limit=limit)
            assert len(story["lines"]) == min(limit, len(of(key)))
