"""Badges: what they show, whom they tell nothing, and that a name is text in them."""

import asyncio
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.world import CONTROL, application

from trueup.kube.object import read_object
from trueup.server.badge import KIND, BadgePorts, Badges, BadgeVerdict, picture
from trueup.server.endpoint import Knock
from trueup.store.applications import StoredApplication, decode

SHA = "7b9cc1e1d2a0a4d8f63bd6f4dcd0ee3c3b0a7a11"


def stored(name: str, project: str, health: str, sync: str, revision: str = "") -> StoredApplication:
    body = application(project=project)
    body["metadata"] = {"name": name, "namespace": CONTROL, "resourceVersion": "1", "uid": name}
    body["status"] = {"health": {"status": health}, "sync": {"status": sync}}
    if revision:
        source = body["spec"]["source"]
        state = {"operation": {"sync": {}}, "phase": "Succeeded", "message": "", "startedAt": "2026-01-01T00:00:00Z"}
        body["status"]["operationState"] = state | {"syncResult": {"revision": revision, "source": source}}
    return decode(f"{CONTROL}/{name}", read_object(msgspec.json.encode(body)))


APPS = {
    each.key: each
    for each in (
        stored("web", "shop", "Healthy", "Synced", SHA),
        stored("api", "shop", "Degraded", "OutOfSync"),
        stored("odd", "odd", "Sleepy", "Sometimes"),
    )
}
ON = {"statusbadge.enabled": "true"}


def ask(_settings: Mapping[str, str] = ON, /, **query: str) -> str:
    ports = BadgePorts(lambda: _settings, APPS.get, APPS.values, CONTROL)
    answer = asyncio.run(Badges(ports).answer(Knock("GET", query=query)))
    assert (answer.status, answer.kind) == (200, KIND)
    return answer.body.decode()


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


ASKED: dict[str, tuple[dict[str, str], list[str]]] = {
    "an application": ({"name": "web"}, ["Healthy", "Synced"]),
    "its revision": ({"name": "web", "revision": "true"}, ["Healthy", "Synced", f"({SHA[:7]})"]),
    "its whole revision": (
        {"name": "web", "revision": "true", "keepFullRevision": "true"},
        ["Healthy", "Synced", f"({SHA})"],
    ),
    "its name": ({"name": "web", "showAppName": "true"}, ["web", "Healthy", "Synced"]),
    "its namespace": ({"name": "web", "namespace": CONTROL}, ["Healthy", "Synced"]),
    "one that has no revision": ({"name": "api", "revision": "true"}, ["Degraded", "OutOfSync"]),
    "the worst of a project": ({"project": "shop"}, ["Degraded", "OutOfSync"]),
    "states that nobody has": ({"name": "odd"}, ["Unknown", "Unknown"]),
}


@pytest.mark.parametrize("row", ASKED)
def test_a_badge_shows(row: str) -> None:
    query, shown = ASKED[row]
    assert texts(ask(**query)) == shown


def test_who_is_not_there_is_as_who_may_not_be_shown() -> None:
    nothing = ask()
    assert texts(nothing) == ["Unknown", "Unknown"]
    queries: tuple[dict[str, str], ...] = (
        {"name": "none"},
        {"name": "../web"},
        {"name": "web", "namespace": "other"},
        {"project": "none"},
    )
    for query in queries:
        assert ask(**query, showAppName="true", revision="true") == nothing
    for said in ({}, {"statusbadge.enabled": "false"}, {"statusbadge.enabled": "yes"}):
        assert ask(said, name="web", showAppName="true") == nothing


WIDTHS = {"": None, "300": "300", "1": "20", "9999": "2000", "-1": None, "x": None}


@pytest.mark.parametrize(("width", "found"), WIDTHS.items())
def test_a_badge_is_as_wide_as_is_asked(width: str, found: str | None) -> None:
    natural = ElementTree.fromstring(ask(name="web")).attrib["width"]
    assert ElementTree.fromstring(ask(name="web", width=width)).attrib["width"] == (found or natural)


LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")


@given(st.text(LETTERS, max_size=30))
def test_whatever_a_name_holds_is_text(name: str) -> None:
    shown: Any = texts(picture(BadgeVerdict("Healthy", "Synced", name, name)))
    assert shown == ([name] if name else []) + ["Healthy", "Synced"] + ([f"({name})"] if name else [])
