"""Sessions, accounts, and tokens of projects, asked as the API asks them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.signing import KEY, House, Secrets, hashed, stored

from trueup.model.project import Project
from trueup.model.subject import Principal
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Request
from trueup.server.resources.accounts import account_functions
from trueup.server.resources.project_tokens import Tokens, project_token_functions
from trueup.server.resources.sessions import claimed, session_functions
from trueup.server.resources.settings import settings_functions
from trueup.server.session.caller import SignedIn
from trueup.server.session.oidc.person import People
from trueup.store.projects import read_project

SETTINGS = {"accounts.ci": "apiKey", "accounts.ann": "login, apiKey", "passwordPattern": "^.{8,}$"}
POLICY = {"policy.csv": "g, eve, role:readonly\np, team-lead, projects, update, team, allow"}
ROLES = [{"name": "ci", "groups": ["builders", '"CN=a, O=b"']}, {"name": "cd"}]


class Projects:
    """Projects by name."""

    def __init__(self, house: House) -> None:
        self._house = house

    def get(self, project: str) -> Project | None:
        live = self._house.projects.get(project)
        return None if live is None else read_project(live)

    async def change(self, project: str, role: str, decide: Callable[[Project], Tokens]) -> None:
        live = self._house.projects[project]
        body, tokens = live.object(), decide(read_project(live))
        body["status"] = {"jwtTokensByRole": {role: {"items": tokens}}}
        self._house.projects[project] = stored("AppProject", project, body, live.resource_version + "1")


class Desk:
    """An installation, asked by whom a test says."""

    def __init__(self) -> None:
        secret = {"server.secretkey": KEY, "admin.password": hashed("right password")}
        self.house = House(
            {**SETTINGS, "url": "https://argo.example"},
            Secrets(argocd_secret={**secret, "accounts.ann.password": hashed("password of ann")}),
            POLICY,
        )
        self.house.projects["team"] = stored("AppProject", "team", {"spec": {"roles": ROLES}})
        sign_in, now = self.house.sign_in, self.house.time
        people = People(self.house.accounts, self.house.rights, now, now)
        self.functions: dict[str, Any] = {
            **session_functions(sign_in),
            **account_functions(sign_in, now, "argocd"),
            **project_token_functions(sign_in, Projects(self.house), now),
            **settings_functions(sign_in, people, lambda: self.house.settings, "argocd"),
        }

    def who(self, name: str, *groups: str, issuer: str = "argocd", **more: Any) -> SignedIn:
        principal = Principal(name=name, groups=groups, issuer=issuer)
        return SignedIn(principal=principal, rights=self.house.rights, **more)

    async def ask(self, caller: Any, method: str, **message: Any) -> Json:
        answer: Json = await self.functions[method](Request(caller, message))
        return answer

    async def refused(self, caller: Any, method: str, **message: Any) -> tuple[Code, str]:
        with pytest.raises(Fault) as caught:
            await self.ask(caller, method, **message)
        return caught.value.code, caught.value.message

    async def by_token(self, token: str) -> SignedIn:
        found = await self.house.sign_in.authenticate({"authorization": f"Bearer {token}"})
        assert found is not None
        return found


class Stranger:
    """Nobody."""

    name = ""
    issued_at = 0

    def may(self, resource: str, action: str, of: str) -> bool:
        return False


DENIED = (Code.PERMISSION_DENIED, "permission denied")


async def test_a_session_from_its_begin_to_its_end() -> None:
    desk = Desk()
    token = (await desk.ask(Stranger(), "SessionService.Create", username="ann", password="password of ann"))["token"]
    caller = await desk.by_token(token)
    info = await desk.ask(caller, "SessionService.GetUserInfo")
    assert info == {"loggedIn": True, "username": "ann", "iss": "argocd"}
    assert await desk.ask(caller, "SessionService.Delete") == {"token": ""}
    with pytest.raises(Fault, match="token is revoked"):
        await desk.by_token(token)
    assert await desk.ask(Stranger(), "SessionService.GetUserInfo") == {"loggedIn": False}
    assert await desk.ask(Stranger(), "SessionService.Delete") == {"token": ""}
    assert await desk.ask(desk.who(""), "SessionService.GetUserInfo") == {"loggedIn": False}


def test_who_asks_to_sign_in_is_on_record_where_it_is_an_account() -> None:
    accounts = Desk().house.accounts.all()
    assert claimed("SessionService.Create", {"username": "ann", "password": "x"}, accounts) == "ann"
    assert claimed("SessionService.Create", {"username": "a password in the wrong field"}, accounts) == ""
    assert claimed("SessionService.Create", {"username": ["ann"]}, accounts) == ""
    assert claimed("AccountService.GetAccount", {"username": "ann"}, accounts) == ""


@pytest.mark.parametrize(
    "message", [{}, {"username": "ann"}, {"password": "x"}, {"username": "ann", "password": "no"}, {"token": "x"}]
)
async def test_who_does_not_know_the_password_gets_no_session(message: dict[str, str]) -> None:
    assert (await Desk().refused(Stranger(), "SessionService.Create", **message))[0] is Code.UNAUTHENTICATED


async def test_everybody_sees_their_own_account_and_others_by_right() -> None:
    desk = Desk()

    async def names(caller: Any) -> list[str]:
        return [each["name"] for each in (await desk.ask(caller, "AccountService.ListAccounts"))["items"]]

    assert await names(desk.who("admin")) == ["admin", "ann", "ci"]
    assert await names(desk.who("eve")) == ["admin", "ann", "ci"]
    assert await names(desk.who("ann")) == ["ann"]
    assert await names(desk.who("ann", issuer="https://idp")) == []
    assert await names(Stranger()) == []
    assert await desk.ask(desk.who("ann"), "AccountService.GetAccount", name="ann") == {
        "name": "ann",
        "enabled": True,
        "capabilities": ["login", "apiKey"],
    }


async def test_advisory_15_an_account_that_is_not_there_is_one_that_may_not_be_seen() -> None:
    desk = Desk()
    for name in ("ci", "ghost", "", "*", "ci/x"):
        assert await desk.refused(desk.who("ann"), "AccountService.GetAccount", name=name) == DENIED
        assert await desk.refused(desk.who("ann"), "AccountService.CreateToken", name=name) == DENIED
        assert await desk.refused(desk.who("ann"), "AccountService.DeleteToken", name=name, id="x") == DENIED
    assert (await desk.refused(desk.who("admin"), "AccountService.GetAccount", name="ghost"))[0] is Code.NOT_FOUND


CAN = {
    "admin": ("admin", {"resource": "applications", "action": "sync", "subresource": "p/a"}, "yes"),
    "somebody": ("ann", {"resource": "applications", "action": "sync", "subresource": "p/a"}, "no"),
    "a reader": ("eve", {"resource": "applications", "action": "get", "subresource": "p/argocd/a"}, "yes"),
    "one object": (
        "admin",
        {"resource": "applications", "action": "delete/apps/Deployment/n/x", "subresource": "p/a"},
        "yes",
    ),
}


@pytest.mark.parametrize(("name", "message", "answer"), CAN.values(), ids=CAN.keys())
async def test_what_i_may_do(name: str, message: dict[str, str], answer: str) -> None:
    desk = Desk()
    assert await desk.ask(desk.who(name), "AccountService.CanI", **message) == {"value": answer}


async def test_what_there_is_not_cannot_be_done() -> None:
    desk = Desk()
    code, text = await desk.refused(desk.who("admin"), "AccountService.CanI", resource="logs", action="delte")
    assert (code, text[:35]) == (Code.INVALID_ARGUMENT, "[get create update delete sync roll")
    assert text.endswith("does not contain delte")
    assert (await desk.refused(desk.who("admin"), "AccountService.CanI", resource="x", action="get"))[0] is code


async def changed(desk: Desk, caller: Any, **message: Any) -> Json:
    return await desk.ask(caller, "AccountService.UpdatePassword", **message)


async def test_somebody_changes_their_password() -> None:
    desk = Desk()
    token = await desk.house.sign_in.login("ann", "password of ann")
    await changed(desk, desk.who("ann"), currentPassword="password of ann", newPassword="a new password")
    with pytest.raises(Fault, match="account password has changed since token issued"):
        await desk.by_token(token)
    assert await desk.house.sign_in.login("ann", "a new password")
    with pytest.raises(Fault):
        await desk.house.sign_in.login("ann", "password of ann")


async def test_admin_sets_the_password_of_another() -> None:
    desk = Desk()
    new = {"name": "ann", "newPassword": "a new password"}
    await changed(desk, desk.who("admin"), currentPassword="right password", **new)
    assert await desk.house.sign_in.login("ann", "a new password")
    sso = desk.who("boss", "lead", issuer="https://idp", issued_at=int(desk.house.time.at))
    assert await desk.refused(sso, "AccountService.UpdatePassword", **new) == DENIED
    desk.house.policy = stored("ConfigMap", "x", {"data": {"policy.csv": "g, lead, role:admin"}}, "9")
    await changed(desk, sso, **new)
    desk.house.time.at += 301
    assert "relogin" in (await desk.refused(sso, "AccountService.UpdatePassword", **new))[1]


PASSWORDS = {
    "the current one is wrong": ({"currentPassword": "x"}, "current password does not match"),
    "no current one": ({}, "current password does not match"),
    "too short": ({"currentPassword": "password of ann", "newPassword": "short"}, "following expression: ^.{8,}$"),
    "too long": ({"currentPassword": "password of ann", "newPassword": "a" * 73}, "1 to 72 bytes"),
    "another account's": ({"name": "admin", "currentPassword": "password of ann"}, "permission denied"),
    "nobody's": ({"name": "ghost", "currentPassword": "password of ann"}, "permission denied"),
}


@pytest.mark.parametrize(("message", "why"), PASSWORDS.values(), ids=PASSWORDS.keys())
async def test_a_password_that_is_not_changed(message: dict[str, str], why: str) -> None:
    desk = Desk()
    message = {"newPassword": "a new password", **message}
    assert why in (await desk.refused(desk.who("ann"), "AccountService.UpdatePassword", **message))[1]
    assert await desk.house.sign_in.login("ann", "password of ann")


async def test_a_role_of_a_project_has_no_password() -> None:
    desk = Desk()
    code, text = await desk.refused(desk.who("proj:team:ci"), "AccountService.UpdatePassword", newPassword="x" * 9)
    assert (code, text.startswith("password can only be changed for local users")) == (Code.INVALID_ARGUMENT, True)


async def test_guessing_the_current_password_is_counted() -> None:
    desk = Desk()
    for _ in range(5):
        await desk.refused(desk.who("ann"), "AccountService.UpdatePassword", currentPassword="x", newPassword="y" * 9)
    with pytest.raises(Fault):
        await desk.house.sign_in.login("ann", "password of ann")


async def test_tokens_of_an_account() -> None:
    desk = Desk()
    admin = desk.who("admin")
    token = (await desk.ask(admin, "AccountService.CreateToken", name="ci", id="build", expiresIn=60))["token"]
    caller = await desk.by_token(token)
    assert (caller.account, caller.expires) == ("ci", int(desk.house.time.at) + 60)
    (listed,) = (await desk.ask(caller, "AccountService.GetAccount", name="ci"))["tokens"]
    assert listed == {"id": "build", "issuedAt": caller.issued_at, "expiresAt": caller.expires}
    assert (await desk.refused(admin, "AccountService.CreateToken", name="ci", id="build"))[0] is Code.ALREADY_EXISTS
    forever = (await desk.ask(caller, "AccountService.CreateToken", name="ci"))["token"]
    desk.house.time.at += 61
    with pytest.raises(Fault, match="token is expired"):
        await desk.by_token(token)
    assert (await desk.by_token(forever)).expires == 0
    await desk.ask(admin, "AccountService.DeleteToken", name="ci", id="build")
    assert (await desk.refused(admin, "AccountService.DeleteToken", name="ci", id="build"))[0] is Code.NOT_FOUND
    secret = json.dumps(desk.house.secrets.data["argocd-secret"])
    assert token not in secret and forever not in secret


TOKENS = {
    "an account that has none": ({"name": "admin"}, Code.FAILED_PRECONDITION),
    "an account that is not there": ({"name": "ghost"}, Code.NOT_FOUND),
    "an end before its begin": ({"name": "ci", "expiresIn": -1}, Code.INVALID_ARGUMENT),
    "an end beyond all times": ({"name": "ci", "expiresIn": 2**62}, Code.INVALID_ARGUMENT),
    "an id of two lines": ({"name": "ci", "id": "a\nb"}, Code.INVALID_ARGUMENT),
    "an id that is too long": ({"name": "ci", "id": "a" * 300}, Code.INVALID_ARGUMENT),
}


@pytest.mark.parametrize(("message", "code"), TOKENS.values(), ids=TOKENS.keys())
async def test_a_token_that_is_not_made(message: dict[str, Any], code: Code) -> None:
    desk = Desk()
    assert (await desk.refused(desk.who("admin"), "AccountService.CreateToken", **message))[0] is code


async def test_who_makes_tokens_all_the_time_fills_no_secret_and_no_project() -> None:
    desk = Desk()
    listed = [{"id": f"{number}", "iat": 1} for number in range(200)]
    secret = desk.house.secrets.data["argocd-secret"]
    desk.house.secrets.data["argocd-secret"] = {**secret, "accounts.ci.tokens": json.dumps(listed)}
    full = {"spec": {"roles": ROLES}, "status": {"jwtTokensByRole": {"ci": {"items": listed}}}}
    desk.house.projects["team"] = stored("AppProject", "team", full, "2")
    for method, message in (
        ("AccountService.CreateToken", {"name": "ci"}),
        ("ProjectService.CreateToken", {"project": "team", "role": "ci"}),
    ):
        code, text = await desk.refused(desk.who("admin"), method, **message)
        assert (code, text[-11:]) == (Code.RESOURCE_EXHAUSTED, "delete some")


async def test_tokens_of_a_role() -> None:
    desk = Desk()
    asked = {"project": "team", "role": "ci"}
    for caller in (desk.who("admin"), desk.who("team-lead"), desk.who("x", "CN=a, O=b", issuer="https://idp")):
        token = (await desk.ask(caller, "ProjectService.CreateToken", **asked))["token"]
        assert (await desk.by_token(token)).name == "proj:team:ci"
    token = (await desk.ask(desk.who("admin"), "ProjectService.CreateToken", id="x", expiresIn=60, **asked))["token"]
    assert "has been used" in (await desk.refused(desk.who("admin"), "ProjectService.CreateToken", id="x", **asked))[1]
    issued = (await desk.by_token(token)).issued_at
    await desk.ask(desk.who("admin"), "ProjectService.DeleteToken", id="x", iat=issued, **asked)
    with pytest.raises(Fault, match="does not exist in project"):
        await desk.by_token(token)


STRANGERS = {
    "somebody": ("ann", [], {"project": "team", "role": "ci"}, DENIED),
    "a reader": ("eve", [], {"project": "team", "role": "ci"}, DENIED),
    "the role itself": ("proj:team:ci", [], {"project": "team", "role": "ci"}, DENIED),
    "who has another role": ("x", ["builders"], {"project": "team", "role": "cd"}, DENIED),
    "no such project": ("ann", [], {"project": "ghost", "role": "ci"}, DENIED),
    "no such role": ("ann", [], {"project": "team", "role": "ghost"}, DENIED),
}


@pytest.mark.parametrize(("name", "groups", "asked", "answer"), STRANGERS.values(), ids=STRANGERS.keys())
async def test_who_gets_no_token_of_a_role(name: str, groups: list[str], asked: Any, answer: Any) -> None:
    desk = Desk()
    for method in ("CreateToken", "DeleteToken"):
        assert await desk.refused(desk.who(name, *groups), f"ProjectService.{method}", **asked) == answer


async def test_what_is_not_there_is_told_to_who_may_know() -> None:
    desk = Desk()
    for asked in ({"project": "ghost", "role": "ci"}, {"project": "team", "role": "ghost"}):
        code, _ = await desk.refused(desk.who("admin"), "ProjectService.CreateToken", **asked)
        assert code is Code.NOT_FOUND


async def test_advisory_14_a_stranger_sees_what_a_sign_in_page_needs() -> None:
    desk = Desk()
    desk.house.settings = {
        **desk.house.settings,
        "oidc.config": '{"issuer": "https://idp.example", "clientID": "c", "clientSecret": "CANARY", "name": "SSO"}',
        "ui.bannerurl": "javascript:alert(1)",
        "ui.bannercontent": "hello",
        "webhook.github.secret": "CANARY",
        "repositories": "CANARY",
        "help.chatUrl": "https://chat.example",
    }
    said = await desk.ask(Stranger(), "SettingsService.Get")
    assert "CANARY" not in json.dumps(said)
    assert set(said) == {
        *("url", "appLabelKey", "trackingMethod", "userLoginsDisabled", "statusBadgeEnabled", "controllerNamespace"),
        *("appsInAnyNamespaceEnabled", "execEnabled", "impersonationEnabled", "hydratorEnabled"),
        *("syncWithReplaceAllowed", "uiBannerPermanent", "uiBannerContent", "uiBannerURL", "help", "oidcConfig"),
    }
    assert (said["uiBannerURL"], said["help"]) == ("", {"chatUrl": "https://chat.example"})
    assert said["oidcConfig"]["issuer"] == "https://idp.example"
    assert "passwordPattern" in await desk.ask(desk.who("ann"), "SettingsService.Get")
