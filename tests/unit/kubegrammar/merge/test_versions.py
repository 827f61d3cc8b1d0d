"""Who owns what where a kind has several versions, loses one, or gets another schema."""

from collections.abc import Mapping
from typing import Any

import pytest

from kubegrammar.merge import Conflicts, Type, apply, compile_type, track_update

NOW = "2026-01-01T00:00:00Z"
V1, V2, GONE = "example.com/v1", "example.com/v2", "example.com/v1alpha1"
NAMES = {V1: "size", V2: "amount"}
"""The one field that the versions name differently."""


def spec_type(properties: Mapping[str, Any]) -> Type:
    spec = {"type": "object", "properties": dict(properties)}
    return compile_type({"type": "object", "properties": {"spec": spec}}, {})


INTEGER, TEXT = {"type": "integer"}, {"type": "string"}
TYPES = {version: spec_type({name: INTEGER, "text": TEXT}) for version, name in NAMES.items()}


class TwoVersions:
    def type_of(self, api_version: str) -> Type:
        return TYPES[api_version]

    def serves(self, api_version: str) -> bool:
        return api_version in NAMES

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        old, new = NAMES[obj["apiVersion"]], NAMES[api_version]
        spec = {new if name == old else name: value for name, value in obj.get("spec", {}).items()}
        return {**obj, "apiVersion": api_version, **({"spec": spec} if "spec" in obj else {})}


def widget(version: str = V1, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": "Widget", "metadata": {"name": "a", "uid": "u"}, "spec": spec}


def applied(
    live: dict[str, Any] | None, config: dict[str, Any], manager: str = "one", *, force: bool = False
) -> dict[str, Any]:
    versions = TwoVersions()
    current = versions.convert(live, config["apiVersion"]) if live else None
    return apply(current, config, versions, manager=manager, force=force, now=NOW)


def owned(obj: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Version and fields of the spec, by manager."""
    return {
        entry["manager"]: (entry["apiVersion"], sorted(entry["fieldsV1"].get("f:spec", {})))
        for entry in obj["metadata"].get("managedFields", ())
    }


def test_another_value_in_another_version_is_a_conflict_by_the_owners_name_of_the_field() -> None:
    live = applied(None, widget(V1, size=1))
    with pytest.raises(Conflicts, match=r'conflict with "one": \.spec\.size$'):
        applied(live, widget(V2, amount=2), "two")


def test_the_same_value_in_another_version_is_shared() -> None:
    live = applied(applied(None, widget(V1, size=1)), widget(V2, amount=1), "two")
    assert owned(live) == {"one": (V1, ["f:size"]), "two": (V2, ["f:amount"])}


def test_force_takes_it_whatever_its_owner_calls_it() -> None:
    live = applied(applied(None, widget(V1, size=1, text="x")), widget(V2, amount=2), "two", force=True)
    assert live["spec"] == {"amount": 2, "text": "x"}
    assert owned(live) == {"one": (V1, ["f:text"]), "two": (V2, ["f:amount"])}


def test_who_goes_on_in_another_version_owns_the_same_there() -> None:
    live = applied(applied(None, widget(V1, size=1)), widget(V2, amount=1))
    assert live["spec"] == {"amount": 1}
    assert owned(live) == {"one": (V2, ["f:amount"])}


def test_what_is_no_longer_declared_in_another_version_goes() -> None:
    live = applied(applied(None, widget(V1, size=1, text="x")), widget(V2, text="x"))
    assert live["spec"] == {"text": "x"}


def test_what_others_own_in_another_version_stays() -> None:
    live = applied(applied(None, widget(V1, size=1, text="x")), widget(V2, amount=1), "two")
    assert applied(live, widget(V1, text="x"))["spec"] == {"size": 1, "text": "x"}


def test_an_update_in_another_version_takes_what_it_changes() -> None:
    versions = TwoVersions()
    live = versions.convert(applied(None, widget(V1, size=1, text="x")), V2)
    new = {**live, "metadata": dict(live["metadata"]), "spec": {"amount": 2, "text": "x"}}
    track_update(live, new, versions, manager="two", now=NOW)
    assert owned(new) == {"one": (V1, ["f:text"]), "two": (V2, ["f:amount"])}


# --- a version that is no longer served ------------------------------------------------------------------------------


def of_the_past(live: dict[str, Any], manager: str) -> dict[str, Any]:
    """The object, of which a manager wrote in a version that is gone."""
    entries = [
        {**entry, "apiVersion": GONE} if entry["manager"] == manager else entry
        for entry in live["metadata"]["managedFields"]
    ]
    return {**live, "metadata": {**live["metadata"], "managedFields": entries}}


def test_a_manager_of_a_version_that_is_gone_stands_in_nobodys_way() -> None:
    live = applied(applied(None, widget(V1, size=1)), widget(V1, text="x"), "two")
    live = applied(of_the_past(live, "one"), widget(V1, size=2, text="x"), "two")
    assert live["spec"] == {"size": 2, "text": "x"}
    assert owned(live) == {"two": (V1, ["f:size", "f:text"])}


def test_what_was_applied_in_a_version_that_is_gone_stays_when_it_is_no_longer_declared() -> None:
    live = applied(applied(None, widget(V1, size=1, text="x")), widget(V1, text="x"), "two")
    assert applied(of_the_past(live, "one"), widget(V1, text="x"))["spec"] == {"size": 1, "text": "x"}


def test_with_nobody_left_what_is_there_has_the_owner_of_before() -> None:
    live = of_the_past(applied(None, widget(V1, size=1)), "one")
    assert set(owned(applied(live, widget(V1, text="x")))) == {"before-first-apply", "one"}


def test_an_update_forgets_it_too() -> None:
    live = of_the_past(applied(applied(None, widget(V1, size=1)), widget(V1, text="x"), "two"), "one")
    new = {**live, "metadata": dict(live["metadata"]), "spec": {"size": 3, "text": "x"}}
    track_update(live, new, TwoVersions(), manager="three", now=NOW)
    assert owned(new) == {"two": (V1, ["f:text"]), "three": (V1, ["f:size"])}
