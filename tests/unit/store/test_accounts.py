"""Local accounts, as ConfigMap and Secret keep them."""

from datetime import UTC, datetime

import pytest

from trueup.store.accounts import Account, ApiToken, read_accounts, written_account

SETTINGS = {
    "accounts.ci": "apiKey, ,login,apiKey",
    "accounts.off": "login",
    "accounts.off.enabled": "false",
    "url": "https://x",
    "accountsx.y": "login",
}
SECRET = {
    "admin.password": "h1",
    "admin.passwordMtime": "2026-01-02T03:04:05Z",
    "accounts.ci.password": "h2",
    "accounts.ci.tokens": '[{"id":"a","iat":1,"exp":2},{"id":"b","iat":3}]',
    "accounts.ghost.password": "h3",
}
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_accounts_are_read_as_argo_cd_keeps_them() -> None:
    accounts, warnings = read_accounts(SETTINGS, SECRET)
    assert not warnings
    assert accounts == {
        "admin": Account(name="admin", capabilities=("login",), password_hash="h1", password_time=TIME),
        "ci": Account(
            name="ci",
            capabilities=("apiKey", "login"),
            password_hash="h2",
            tokens=(ApiToken("a", 1, 2), ApiToken("b", 3)),
        ),
        "off": Account(name="off", enabled=False, capabilities=("login",)),
    }


def test_what_is_written_is_what_was_read() -> None:
    for account in read_accounts(SETTINGS, SECRET)[0].values():
        written = {key: value for key, value in written_account(account).items() if value is not None}
        assert written.items() <= SECRET.items()


ODD = {
    "a name with a dot": ({"accounts.a.b": "login"}, {}, "accounts.a.b"),
    "no name": ({"accounts.": "login"}, {}, "accounts."),
    "a capability that is none": ({"accounts.a": "login, root"}, {}, "'root' is no capability"),
    "a switch that is none": ({"accounts.a.enabled": "no"}, {}, "neither true nor false; the account is disabled"),
    "a switch of admin that is none": ({"admin.enabled": ""}, {}, "neither true nor false; the account is disabled"),
    "a time that is none": ({}, {"admin.passwordMtime": "x", "admin.password": "h"}, "admin.passwordMtime is no time"),
    "tokens that are none": ({}, {"admin.tokens": "{"}, "admin.tokens is no list of tokens"),
}


@pytest.mark.parametrize(("settings", "secret", "problem"), ODD.values(), ids=ODD.keys())
def test_what_cannot_be_read_gives_nothing(settings: dict[str, str], secret: dict[str, str], problem: str) -> None:
    accounts, warnings = read_accounts(settings, secret)
    assert problem in warnings[0]
    assert not accounts["admin"].password_hash
    assert not accounts["admin"].tokens
    assert "is disabled" not in problem or not all(each.enabled for each in accounts.values())


@pytest.mark.parametrize(("text", "on"), [("true", True), ("1", True), ("T", True), ("false", False), ("F", False)])
def test_a_switch_is_spelt_as_go_spells_it(text: str, on: bool) -> None:
    assert read_accounts({"admin.enabled": text}, {})[0]["admin"].enabled is on


def test_an_accounts_secrets_are_not_in_its_picture() -> None:
    assert repr(read_accounts(SETTINGS, SECRET)[0]["ci"]) == "Account('ci')"
