"""What argocd-cm says of signing in."""

import pytest
from tests.support.signing import House, stored

from trueup.model.subject import Principal
from trueup.server.session.settings import PASSWORD_PATTERN, SESSION_SECONDS, SignInSettings, read_sign_in, referenced

READ = {
    "nothing": ({}, SignInSettings()),
    "addresses": (
        {"url": "https://a/", "additionalUrls": "[https://b]"},
        SignInSettings(urls=("https://a", "https://b")),
    ),
    "anonymous": ({"users.anonymous.enabled": "true"}, SignInSettings(anonymous=True)),
    "anonymous, unreadably": ({"users.anonymous.enabled": "yes"}, SignInSettings()),
    "a duration": ({"users.session.duration": "90m"}, SignInSettings(session_seconds=5400.0)),
    "a pattern": ({"passwordPattern": "^.{12,}$"}, SignInSettings(password_pattern="^.{12,}$")),
}


@pytest.mark.parametrize(("data", "settings"), READ.values(), ids=READ.keys())
def test_settings_are_read(data: dict[str, str], settings: SignInSettings) -> None:
    assert read_sign_in(data) == settings


BAD = {
    "a duration": ({"users.session.duration": "long"}, "users.session.duration"),
    "no duration": ({"users.session.duration": "0s"}, "users.session.duration"),
    "an endless duration": ({"users.session.duration": "9000000h"}, "users.session.duration"),
    "an address": ({"url": "argo.example"}, "url"),
    "a script": ({"url": "javascript:alert(1)"}, "url"),
    "addresses": ({"additionalUrls": "https://b"}, "additionalUrls"),
    "a pattern": ({"passwordPattern": "("}, "passwordPattern"),
}


@pytest.mark.parametrize(("data", "key"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_named_and_permits_nothing_more(data: dict[str, str], key: str) -> None:
    settings = read_sign_in(data)
    assert settings.warnings[0].startswith(f"{key}: ")
    assert settings.urls == () and settings.session_seconds == SESSION_SECONDS
    assert key == "passwordPattern" or settings.password_pattern == PASSWORD_PATTERN


def test_a_value_may_be_in_a_secret() -> None:
    secrets = {"argocd-secret": {"a": "1\n", "x:y": "no"}, "other": {"b": "2"}}

    def secret(name: str) -> dict[str, str]:
        return secrets.get(name, {})

    told = [referenced(text, secret, "argocd-secret") for text in ("$a", "$other:b", "$ghost", "$other:c", "a", "$")]
    assert told == ["1", "2", "$ghost", "$other:c", "a", "$"]


def test_rights_are_read_anew_when_they_change_and_the_last_good_stay() -> None:
    house = House(policy={"policy.csv": "g, bob, role:readonly"})
    bob = Principal(name="bob")
    assert house.rights.may(bob, "applications", "get", "p/a")
    house.policy = stored("ConfigMap", "argocd-rbac-cm", {"data": {"policy.csv": "p, a"}}, "2")
    assert house.rights.may(bob, "applications", "get", "p/a")
    assert house.rights.config.refused
    house.policy = None
    assert not house.rights.may(bob, "applications", "get", "p/a")


def test_a_project_that_cannot_be_read_gives_no_rights() -> None:
    house = House()
    role = {"name": "ci", "policies": ["p, proj:team:ci, applications, get, team/*, allow"]}
    ci = Principal(name="proj:team:ci")
    house.projects["team"] = stored("AppProject", "team", {"spec": {"roles": [role]}})
    assert house.rights.may(ci, "applications", "get", "team/a")
    house.projects["team"] = stored("AppProject", "team", {"spec": {"roles": [role, "x"]}}, "2")
    assert not house.rights.may(ci, "applications", "get", "team/a")
    house.projects["team"] = stored("AppProject", "team", {"spec": {"roles": [role]}}, "3")
    assert house.rights.may(ci, "applications", "get", "team/a")
