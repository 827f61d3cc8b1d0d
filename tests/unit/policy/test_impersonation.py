"""As whom an application's objects are written."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.often import often

from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.policy import Impersonation, acting_account
from trueup.store.settings import read_settings

SERVER = "https://kubernetes.default.svc"
ON = Impersonation(enabled=True)


def entry(account: str, server: str = "*", namespace: str = "*") -> dict[str, str]:
    return {"server": server, "namespace": namespace, "defaultServiceAccount": account}


def account_of(*entries: dict[str, str], namespace: str = "shop", setting: Impersonation = ON) -> str:
    app = msgspec.convert(
        {
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"destination": {"server": SERVER, "namespace": namespace}},
        },
        Application,
    )
    spec: dict[str, Any] = {"destinationServiceAccounts": list(entries)}
    team = msgspec.convert({"metadata": {"name": "team", "namespace": "argocd"}, "spec": spec}, Project)
    return acting_account(app, team, SERVER, setting)


ACCOUNTS: dict[str, tuple[str, tuple[dict[str, str], ...], str]] = {
    # rule: destination namespace, entries, user
    "a name is of the destination's namespace": ("shop", (entry("bot"),), "system:serviceaccount:shop:bot"),
    "a name may bring its namespace": ("shop", (entry("ops:bot"),), "system:serviceaccount:ops:bot"),
    "without one it is of the Application's": ("", (entry("bot"),), "system:serviceaccount:argocd:bot"),
    "the first that matches counts": ("shop", (entry("a", namespace="s*"), entry("b")), "system:serviceaccount:shop:a"),
    "one of another cluster does not": ("shop", (entry("a", "https://b"), entry("b")), "system:serviceaccount:shop:b"),
    "one of another namespace does not": (
        "shop",
        (entry("a", namespace="till"), entry("b")),
        "system:serviceaccount:shop:b",
    ),
    "a server is a glob": ("shop", (entry("a", server="https://kubernetes.*"),), "system:serviceaccount:shop:a"),
    "a dotted name is a name": ("shop", (entry("build.bot-1"),), "system:serviceaccount:shop:build.bot-1"),
}


@pytest.mark.parametrize(("namespace", "entries", "user"), ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_the_account_is_the_projects_for_the_destination(
    namespace: str, entries: tuple[dict[str, str], ...], user: str
) -> None:
    assert account_of(*entries, namespace=namespace) == user
    assert account_of(*entries, namespace=namespace, setting=Impersonation()) == "", "switched off: the engine itself"


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a user's full name": (entry("system:serviceaccount:kube-system:admin"), "invalid chars"),
    "a colon too many": (entry("a:b:c"), "invalid chars"),
    "no name behind the colon": (entry("shop:"), "invalid chars"),
    "no namespace before the colon": (entry(":bot"), "invalid chars"),
    "blank": (entry("  "), "invalid chars"),
    "empty": (entry(""), "invalid chars"),
    "a line break, and a header behind it": (entry("bot\r\nImpersonate-Group: system:masters"), "invalid chars"),
    "a trailing line break": (entry("bot\n"), "invalid chars"),
    "a glob": (entry("b*t"), "invalid chars"),
    "a path": (entry("../bot"), "invalid chars"),
    "upper case": (entry("Bot"), "invalid chars"),
    "letters that only look alike": (entry("bоt"), "invalid chars"),
    "a name over 253 characters": (entry("a" * 254), "invalid chars"),
    "a namespace over 63 characters": (entry("a" * 64 + ":bot"), "invalid chars"),
    "a namespace with a dot": (entry("a.b:bot"), "invalid chars"),
    "a broken glob of servers": (entry("bot", server="["), "invalid glob pattern for destination server"),
    "a broken glob of namespaces": (entry("bot", namespace="["), "invalid glob pattern for destination namespace"),
}


@pytest.mark.parametrize(("bad", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_service_account_is_refused_by_its_place(bad: dict[str, str], named: str) -> None:
    for setting in (ON, Impersonation(enabled=True, enforced=False)):
        with pytest.raises(InvalidSpec, match=named) as refused:
            account_of(bad, entry("good"), setting=setting)
        assert "destinationServiceAccounts[0]" in str(refused.value)


def test_without_a_match_nothing_is_done_unless_that_is_allowed() -> None:
    told = f"no matching service account found for destination server {SERVER} and namespace shop"
    with pytest.raises(InvalidSpec, match=told):
        account_of(entry("bot", namespace="till"))
    assert account_of(entry("bot", namespace="till"), setting=Impersonation(enabled=True, enforced=False)) == ""


NAMES = st.from_regex(r"([a-z0-9]([a-z-]{0,3}[a-z0-9])?:)?[a-z0-9]([a-z.-]{0,3}[a-z0-9])?", fullmatch=True)
TEXTS = st.text(max_size=12) | st.text("ab:.-*\n A0", max_size=12)


@given(often(NAMES, TEXTS), st.sampled_from(["", "shop"]))
def test_whoever_it_is_it_is_one_service_account(account: str, namespace: str) -> None:
    try:
        user = account_of(entry(account), namespace=namespace)
    except InvalidSpec:
        return
    parts = user.split(":")
    assert parts[:2] == ["system", "serviceaccount"] and len(parts) == 4 and all(parts)
    assert user.isascii() and user.isprintable() and " " not in user


SETTINGS: dict[str, tuple[dict[str, str], Impersonation, int]] = {
    "nothing said": ({}, Impersonation(enabled=False, enforced=True), 0),
    "on": ({"enabled": "true"}, Impersonation(enabled=True, enforced=True), 0),
    "on, not enforced": ({"enabled": "true", "enforced": "False"}, Impersonation(enabled=True, enforced=False), 0),
    "off": ({"enabled": "false"}, Impersonation(enabled=False, enforced=True), 0),
    "a slip gives nobody the engine's rights": (
        {"enabled": "yes", "enforced": "flase"},
        Impersonation(enabled=True, enforced=True),
        2,
    ),
}


@pytest.mark.parametrize(("said", "setting", "warnings"), SETTINGS.values(), ids=SETTINGS.keys())
def test_the_settings_are_those_of_argocd_cm(said: dict[str, str], setting: Impersonation, warnings: int) -> None:
    settings = read_settings({f"application.sync.impersonation.{key}": value for key, value in said.items()})
    assert settings.impersonation == setting and len(settings.warnings) == warnings
