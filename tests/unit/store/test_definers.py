"""Who declares a definition."""

from typing import Any

import msgspec

from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.store.definers import Definers

GROUP = "apiextensions.k8s.io"


def app(name: str, *definitions: str, **status: Any) -> LiveObject:
    lines = [{"group": GROUP, "kind": "CustomResourceDefinition", "name": each} for each in definitions]
    body = {"status": {"resources": [*lines, {"kind": "CustomResourceDefinition", "name": "other"}], **status}}
    key = ResourceKey("argoproj.io", "Application", "argocd", name)
    return LiveObject(key=key, api_version="", uid="u", resource_version="1", body=msgspec.json.encode(body))


def test_who_declares_a_definition_is_kept_up() -> None:
    definers = Definers(list)
    assert definers.take(None, app("b", "boats", "ships")) == set()
    assert definers.take(None, app("a", "boats")) == {"argocd/b"}
    assert definers.of("boats") == ["argocd/a", "argocd/b"]
    assert definers.take(app("a", "boats"), app("a", "boats")) == set(), "the others hear of changes alone"
    assert definers.take(app("b", "boats", "ships"), app("b", "ships")) == {"argocd/a"}
    assert (definers.of("boats"), definers.of("ships"), definers.of("other")) == (["argocd/a"], ["argocd/b"], [])
    assert definers.take(app("a", "boats"), None) == set()
    assert definers.of("boats") == []


def test_what_is_stored_is_known_without_an_event() -> None:
    assert Definers(lambda: [app("a", "boats"), app("b", "boats")]).of("boats") == ["argocd/a", "argocd/b"]


def test_a_status_that_cannot_be_read_declares_nothing() -> None:
    definers = Definers(list)
    definers.take(None, app("a", "boats"))
    definers.take(None, app("a", "boats", resources='"CustomResourceDefinition"'))
    assert definers.of("boats") == []
