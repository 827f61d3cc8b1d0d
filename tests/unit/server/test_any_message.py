"""Whatever a client sends to whichever method: it is answered or refused, and never an error that nobody foresaw."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.apiserver import ByHand
from tests.unit.server.resources.test_application_changes import Asks as Requests
from tests.unit.server.resources.test_application_changes import Writes, with_
from tests.unit.server.resources.test_application_objects import BEGIN, rollout
from tests.unit.server.resources.test_applications import Stored
from tests.unit.server.resources.test_cluster_writes import CLUSTER
from tests.unit.server.resources.test_cluster_writes import Room as Clusters
from tests.unit.server.resources.test_projects import WEB, Objects, Reads, admit, no_events, stored_object
from tests.unit.server.resources.test_repository_visits import Room as Repositories
from tests.unit.server.resources.test_trust import Maps, read

from trueup.model.application import Application
from trueup.runtime.clock import SystemClock
from trueup.server.api import as_fault
from trueup.server.codec.accept import accept
from trueup.server.codec.forms import FORMS
from trueup.server.codec.wire import encode
from trueup.server.description.read import description
from trueup.server.description.values import FieldOf, MethodOf
from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Request, Stream, plain
from trueup.server.resources.application_actions import application_actions
from trueup.server.resources.application_edits import ApplicationEdits
from trueup.server.resources.application_logs import application_logs
from trueup.server.resources.application_objects import application_objects
from trueup.server.resources.application_requests import application_requests
from trueup.server.resources.application_tree import application_tree
from trueup.server.resources.applications import application_reads
from trueup.server.resources.certificates import CertificateResources
from trueup.server.resources.gpgkeys import GpgKeyResources
from trueup.server.resources.notifications import notification_functions
from trueup.server.resources.projects import ProjectResources

DESCRIBED = description()
METHODS = {method.key: method for method in DESCRIBED.methods() if method.bindings}
DEEPEST = 3
WORDS = st.sampled_from(
    [
        *(
            "",
            "web",
            "shop",
            "argocd",
            WEB,
            "https://east.example.com",
            "default",
            "*",
            "ssh",
            "https",
            "merge",
            "json",
        ),
        *("{}", "[]", "Deployment", "apps", "scale", "restart", "name", "\x00", "é" * 300, "-1", "a/b", "null", "%zz"),
    ]
)
TIMES: st.SearchStrategy[Any] = st.sampled_from(("2026-01-01T00:00:00Z", None, "never", 3, {}))


def scalars(kind: str) -> st.SearchStrategy[Any]:
    if kind == "bool":
        return st.booleans()
    if kind == "bytes":
        return st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode())
    if kind == "string":
        return WORDS
    return st.sampled_from((0, 1, -1, 3, 2**31 - 1, -(2**31)))


def field_of(field: FieldOf, depth: int) -> st.SearchStrategy[Any]:
    if field.scalar:
        one = scalars(field.type)
    elif field.type in FORMS:
        one = st.one_of(TIMES, WORDS, st.just({"a": [1]}))
    elif depth >= DEEPEST:
        one = st.just({})
    else:
        one = message_of(field.type, depth + 1)
    if field.label == "repeated":
        return st.lists(one, max_size=2)
    return st.dictionaries(WORDS, one, max_size=2) if field.label == "map" else one


def later(field: FieldOf, depth: int) -> st.SearchStrategy[Any]:
    """A field's values, found where they are drawn: messages hold messages of their own kind."""
    return st.deferred(lambda: field_of(field, depth))


def message_of(name: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Messages by the description: what is inline, with its own fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    pending = list(DESCRIBED.messages[name].fields)
    while pending:
        field = pending.pop()
        if field.inline:
            pending += DESCRIBED.messages[field.type].fields
        else:
            fields[field.json] = later(field, depth)
    return st.fixed_dictionaries({}, optional=fields)


async def functions() -> Functions:
    """All that can be made over ports by hand, with something in each of them."""
    history = [{"id": 3, "revision": "abc", "deployedAt": "2026-01-01T00:00:00Z", "source": {"repoURL": WEB}}]
    stored, place = Stored(with_("web", status={"history": history})), rollout()
    projects, maps = Objects(stored_object("AppProject", "shop", spec={"sourceRepos": [WEB]})), Maps()
    clusters, repositories = Clusters(), Repositories()
    await clusters.ask("Create", {"cluster": CLUSTER})
    await repositories.ask("Create", {"repo": {"repo": WEB}})

    async def at(_: object) -> Any:
        return place

    async def nothing(*_: object) -> None:
        return None

    def admitted(app: Application) -> None:
        return None

    return {
        **application_reads(stored, stored.changes, nothing),
        **application_requests(stored, Requests(stored)),
        **ApplicationEdits(stored, Writes(stored), admitted).functions(),
        **application_tree(stored, at, nothing),
        **application_objects(stored, at, lambda: ()),
        **application_logs(stored, at),
        **application_actions(stored, at, lambda: BEGIN, dict),
        **ProjectResources(Reads(projects, with_("web")), projects, admit, no_events, SystemClock().now).functions(),
        **clusters.functions,
        **repositories.functions,
        **CertificateResources(maps.trusted, maps.change).functions(),
        **GpgKeyResources(lambda: ("AAAA",), read, maps.change).functions(),
        **notification_functions(lambda: {"trigger.on-sync": ""}),
    }


async def answered(method: MethodOf, body: Mapping[str, Any], ask: Callable[[Request], Awaitable[Any]]) -> None:
    """Ask as a transport does.

    Raises:
        Fault: it is refused.
    """
    try:
        answer = await ask(Request(ByHand(), accept(method.request, body)))
    except Exception as error:
        raise as_fault(error, method.key) from error
    if isinstance(answer, Stream):
        close = getattr(answer.items, "aclose", None)
        if close is not None:
            await close()
        return
    # What is answered fits the description: the wire takes it, and JSON does.
    encode(method.response, plain(answer))


async def refused(key: str, body: Mapping[str, Any]) -> Fault | None:
    """Why a method gives no answer. Who waits for what somebody else does is left alone: nobody is there."""
    known = await functions()
    try:
        async with asyncio.timeout(2):
            await answered(METHODS[key], body, known[key])
    except TimeoutError:
        return None
    except Fault as fault:
        return fault
    return None


BUILT = sorted(set(asyncio.run(functions())) & set(METHODS))


@given(st.sampled_from(BUILT).flatmap(lambda key: st.tuples(st.just(key), message_of(METHODS[key].request))))
def test_whatever_is_sent_is_answered_or_refused(example: tuple[str, dict[str, Any]]) -> None:
    fault = asyncio.run(refused(*example))
    assert fault is None or fault.code is not Code.INTERNAL, fault.__cause__


@pytest.mark.parametrize("key", BUILT)
def test_an_empty_message_is_answered_or_refused(key: str) -> None:
    fault = asyncio.run(refused(key, {}))
    assert fault is None or fault.code is not Code.INTERNAL, fault.__cause__
