"""Who may come in, and who sends a request."""

import itertools
import json
import statistics
import time
from typing import Any

import bcrypt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.signing import BEGIN, KEY, House, Secrets, hashed, stored

from trueup.model.errors import TrueupError
from trueup.model.subject import Principal
from trueup.server.errors import Code, Fault
from trueup.server.session.attempts import Revoked
from trueup.server.session.caller import SignedIn
from trueup.server.session.cookies import set_cookies
from trueup.server.session.tokens import LocalClaims, issue

NOW = int(BEGIN)
SETTINGS = {
    "accounts.ci": "apiKey",
    "accounts.ann": "login, apiKey",
    "accounts.off": "login",
    "accounts.off.enabled": "false",
}
SECRET = {
    "server.secretkey": KEY,
    "admin.password": hashed("right password"),
    "accounts.ann.password": hashed("password of ann"),
    "accounts.off.password": hashed("password of off"),
    "accounts.ci.password": hashed("password of ci"),
    "accounts.ci.tokens": '[{"id":"t1","iat":1},{"id":"t2","iat":1,"exp":2}]',
}


def house(**settings: str) -> House:
    return House({**SETTINGS, **settings}, Secrets(argocd_secret=SECRET), {"policy.csv": "g, ann, role:readonly"})


def token(sub: str = "admin:login", **claims: Any) -> str:
    said = {"iat": NOW, "exp": NOW + 3600 if sub.endswith(":login") else 0, "jti": "1", **claims}
    return issue(LocalClaims(sub=sub, **said), KEY)


def bearing(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}", "host": "argo.example"}


async def known(place: House, headers: dict[str, str]) -> SignedIn:
    found = await place.sign_in.authenticate(headers)
    assert found is not None
    return found


async def test_a_password_opens_a_session_of_a_day() -> None:
    place = house()
    caller = await known(place, bearing(await place.sign_in.login("admin", "right password")))
    assert (caller.name, caller.account, caller.local) == ("admin", "admin", True)
    assert caller.expires == NOW + 24 * 3600
    assert caller.may("applications", "delete", "p/a")


async def test_a_session_is_as_long_as_the_settings_say() -> None:
    place = house(**{"users.session.duration": "1h"})
    assert (await known(place, bearing(await place.sign_in.login("ann", "password of ann")))).expires == NOW + 3600


REFUSED = {
    "a wrong password": ("admin", "wrong", Code.UNAUTHENTICATED, "Invalid username or password"),
    "no such account": ("nobody", "right password", Code.UNAUTHENTICATED, "Invalid username or password"),
    "an account without a password": ("bare", "x", Code.UNAUTHENTICATED, "Invalid username or password"),
    "no password": ("admin", "", Code.UNAUTHENTICATED, "Blank passwords are not allowed"),
    "a name that is too long": ("a" * 33, "x", Code.INVALID_ARGUMENT, "Username is too long (32 bytes max)"),
    "a disabled account": ("off", "password of off", Code.UNAUTHENTICATED, "Account off is disabled"),
    "an account for tokens": (
        "ci",
        "password of ci",
        Code.UNAUTHENTICATED,
        "Account ci does not have login capability",
    ),
    "a disabled account, a wrong password": ("off", "x", Code.UNAUTHENTICATED, "Invalid username or password"),
    "a role": ("role:admin", "x", Code.UNAUTHENTICATED, "Invalid username or password"),
    "half a character": ("\ud800", "\udfff", Code.UNAUTHENTICATED, "Invalid username or password"),
}


@pytest.mark.parametrize(("name", "password", "code", "message"), REFUSED.values(), ids=REFUSED.keys())
async def test_who_does_not_come_in(name: str, password: str, code: Code, message: str) -> None:
    with pytest.raises(Fault) as caught:
        await house(**{"accounts.bare": "login"}).sign_in.login(name, password)
    assert (caught.value.code, caught.value.message) == (code, message)


async def test_advisory_44_a_name_that_is_none_takes_as_long() -> None:
    place = house()
    place.sign_in._refusal_seconds = 0.05

    async def seconds(name: str) -> float:
        found = []
        for _ in range(5):
            begin = time.perf_counter()
            with pytest.raises(Fault):
                await place.sign_in.login(name, "wrong")
            found.append(time.perf_counter() - begin)
        return statistics.median(found)

    for name in ("admin", "nobody"):
        assert await seconds(name) >= 0.049, "the loop's clock counts whole milliseconds"


async def test_what_is_looked_at_costs_a_hash_whoever_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bytes] = []
    check = bcrypt.checkpw

    def counted(text: bytes, hash_: bytes) -> bool:
        looks.append(hash_)
        return check(text, hash_)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    place = house()
    for name in ("admin", "nobody", *["admin"] * 6):
        with pytest.raises(Fault):
            await place.sign_in.login(name, "wrong")
    assert len(looks) == 8


BAD: dict[str, tuple[str, str]] = {
    "J17 a session without an end": (token(exp=0), "exp required"),
    "J29 a role of no project": (token("proj:ghost:ci", jti="r"), "does not exist in project 'ghost'"),
    "J29 no role of a project": (token("proj:team:ghost", jti="r"), "role 'ghost' does not exist in project 'team'"),
    "J29 a token that the project does not list": (token("proj:team:ci", jti="x"), "does not exist in project 'team'"),
    "J29 one without an id, where all have one": (token("proj:team:ci", jti=""), "does not exist in project 'team'"),
    "J31 a disabled account": (token("off:login"), "account off is disabled"),
    "J33 no id": (token(jti=""), "does not have a unique identifier"),
    "no such account": (token("ghost:login"), "account 'ghost' does not exist"),
    "a capability that it has not": (token("ci:login"), "account ci does not have 'login' capability"),
    "admin has no tokens unless they are allowed": (token("admin:apiKey"), "account admin does not have 'apiKey'"),
    "a token that was taken back": (token("ci:apiKey", jti="t9"), "does not have token with id t9"),
    "a capability that there is not": (token("admin:root"), "subject is neither"),
    "a role of the installation": (token("role:admin"), "subject is neither"),
    "four parts": (token("proj:team:ci:x"), "subject is neither"),
    "J23 of another installation": (issue(LocalClaims(sub="admin:login", iat=NOW, jti="1"), "k" * 40), "signature"),
    "of an identity provider that there is not": (
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcCJ9.eA",
        "SSO is not configured",
    ),
}
TEAM = {
    "spec": {"roles": [{"name": "ci"}, {"name": "old", "jwtTokens": [{"iat": 7}]}]},
    "status": {"jwtTokensByRole": {"ci": {"items": [{"iat": NOW, "id": "r"}]}}},
}


def with_team(**settings: str) -> House:
    place = house(**settings)
    place.projects["team"] = stored("AppProject", "team", TEAM)
    return place


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("anonymous", ["false", "true"])
async def test_advisory_38_a_token_that_is_no_good_is_nobodys(text: str, why: str, anonymous: str) -> None:
    place = with_team(**{"users.anonymous.enabled": anonymous})
    with pytest.raises(Fault, match="invalid session: ") as caught:
        await place.sign_in.authenticate(bearing(text))
    assert caught.value.code is Code.UNAUTHENTICATED
    assert why in caught.value.message


async def test_a_role_of_a_project_has_a_token() -> None:
    place = with_team()
    caller = await known(place, bearing(token("proj:team:ci", jti="r")))
    assert (caller.name, caller.account, caller.local) == ("proj:team:ci", "", True)
    assert caller.may("projects", "get", "team")
    # By the second in which it was made, as it once was.
    await known(place, bearing(token("proj:team:old", jti="", iat=7)))


async def test_a_token_of_an_account() -> None:
    assert (await known(house(), bearing(token("ci:apiKey", jti="t1")))).account == "ci"
    assert (await known(house(), bearing(token("ci", jti="t1")))).account == "ci"


ENDS: dict[str, Any] = {
    "the account is disabled": lambda place: setattr(place, "settings", {**SETTINGS, "admin.enabled": "false"}),
    "a switch that cannot be read is off": lambda place: setattr(place, "settings", {"admin.enabled": "fasle"}),
    "the password is another one": lambda place: place.secrets.data["argocd-secret"].update(
        {"admin.passwordMtime": "2027-01-15T08:00:01Z"}
    ),
    "the key is another one": lambda place: place.secrets.data["argocd-secret"].update({"server.secretkey": "k" * 40}),
    "there is no key": lambda place: place.secrets.data["argocd-secret"].pop("server.secretkey"),
}


@pytest.mark.parametrize("ended", ENDS.values(), ids=ENDS.keys())
async def test_advisory_41_a_session_ends_with_what_it_stands_for(ended: Any) -> None:
    place = house()
    headers = bearing(await place.sign_in.login("admin", "right password"))
    await known(place, headers)
    place.secrets.data["argocd-secret"] = dict(place.secrets.data["argocd-secret"])
    ended(place)
    with pytest.raises(Fault) as caught:
        await place.sign_in.authenticate(headers)
    assert caught.value.code is Code.UNAUTHENTICATED


async def test_advisory_41_a_session_that_was_left_does_not_come_back_with_a_restart() -> None:
    place = house()
    one, two = [bearing(await place.sign_in.login("admin", "right password")) for _ in range(2)]
    await place.sign_in.logout(await known(place, one))
    for _ in range(2):
        with pytest.raises(Fault, match="token is revoked"):
            await place.sign_in.authenticate(one)
        await known(place, two)
        place.start()
    place.time.at += 25 * 3600
    await place.sign_in.revoked.add(Principal(name="ann"), "another", 2**33)
    assert place.sign_in.revoked.has(Principal(name="ann"), "another")
    assert len(json.loads(place.secrets.data["trueup-sessions"]["revoked"])) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(("argocd", "https://idp")), st.text(max_size=3)), max_size=4
    )
)
async def test_a_session_that_is_given_up_is_that_of_its_subject_alone(left: list[tuple[str, str, str]]) -> None:
    revoked = Revoked(Secrets(), lambda: BEGIN)
    for name, issuer, id_ in left:
        await revoked.add(Principal(name=name, issuer=issuer), id_, NOW + 60)
    for name, issuer, id_ in itertools.product("ab", ("argocd", "https://idp"), {"", *(each[2] for each in left)}):
        assert revoked.has(Principal(name=name, issuer=issuer), id_) is ((name, issuer, id_) in left)


async def test_nobody_ends_the_session_of_another_by_a_token_with_its_id() -> None:
    place = house()
    session = bearing(await place.sign_in.login("admin", "right password"))
    id_ = (await known(place, session)).token_id
    listed = json.dumps([{"id": id_, "iat": 1}, {"id": "t1", "iat": 1}])
    place.secrets.data["argocd-secret"] = {**place.secrets.data["argocd-secret"], "accounts.ci.tokens": listed}
    theirs = bearing(token("ci:apiKey", jti=id_))
    await place.sign_in.logout(await known(place, theirs))
    with pytest.raises(Fault, match="account ci does not have token with id"):
        await place.sign_in.authenticate(theirs)
    await known(place, session)
    await known(place, bearing(token("ci:apiKey", jti="t1")))
    assert "trueup-sessions" not in place.secrets.data or not place.secrets.data["trueup-sessions"]


async def test_a_token_of_a_role_is_not_on_record_when_it_is_given_up() -> None:
    place = with_team()
    mine = bearing(token("proj:team:ci", jti="r"))
    await place.sign_in.logout(await known(place, mine))
    await known(place, mine)
    assert not place.secrets.writes


async def test_who_ends_sessions_all_the_time_fills_no_record() -> None:
    revoked = Revoked(Secrets(), lambda: BEGIN)
    for number in range(200):
        await revoked.add(Principal(name="ann"), f"{number}" * 999, NOW + 60)
    with pytest.raises(TrueupError, match="too many sessions"):
        await revoked.add(Principal(name="ann"), "one more", NOW + 60)
    await revoked.add(Principal(name="ann"), "0" * 999, NOW + 60)
    await revoked.add(Principal(name="admin"), "another's", NOW + 60)


async def test_j21_a_password_that_is_changed_ends_sessions_of_the_same_second() -> None:
    place = house()
    before = bearing(await place.sign_in.login("admin", "right password"))
    since = place.accounts.password_time()
    await place.accounts.change("admin", lambda account: msgspec.structs.replace(account, password_time=since))
    with pytest.raises(Fault, match="account password has changed since token issued"):
        await place.sign_in.authenticate(before)
    await known(place, bearing(await place.sign_in.login("admin", "right password")))


async def test_a_session_that_is_about_to_end_is_renewed() -> None:
    place = house()
    headers = bearing(await place.sign_in.login("admin", "right password"))
    assert not (await known(place, headers)).renewed
    place.time.at += 24 * 3600 - 299
    renewed = (await known(place, headers)).renewed
    assert (await known(place, bearing(renewed))).expires == int(place.time.at) + 24 * 3600


async def test_who_says_nothing_is_nobody_or_has_the_default_role() -> None:
    assert await house().sign_in.authenticate({}) is None
    place = house(**{"users.anonymous.enabled": "true"})
    place.policy = stored("ConfigMap", "argocd-rbac-cm", {"data": {"policy.default": "role:readonly"}}, "2")
    caller = await known(place, {})
    assert (caller.name, caller.account, caller.local) == ("anonymous", "", False)
    assert caller.may("applications", "get", "p/a")
    assert not caller.may("applications", "sync", "p/a")


async def test_advisory_23_a_page_of_another_site_gets_nothing_by_the_cookie() -> None:
    place = house()
    text = await place.sign_in.login("admin", "right password")
    cookie = {"cookie": set_cookies(text, secure=True)[0].partition(";")[0], "host": "argo.example"}
    await known(place, {**cookie, "origin": "https://argo.example"})
    with pytest.raises(Fault) as caught:
        await place.sign_in.authenticate({**cookie, "origin": "https://evil.example"})
    assert caught.value.code is Code.PERMISSION_DENIED
    # A token that a program says itself is in no browser.
    await known(place, {**bearing(text), "origin": "https://evil.example"})


async def test_rights_are_those_of_now() -> None:
    place = house()
    caller = await known(place, bearing(await place.sign_in.login("ann", "password of ann")))
    assert caller.may("applications", "get", "p/a")
    place.policy = stored("ConfigMap", "argocd-rbac-cm", {"data": {}}, "2")
    assert not caller.may("applications", "get", "p/a")


async def test_no_secret_is_in_what_is_told() -> None:
    place = house()
    text = repr(place.accounts.all()) + repr(await known(place, bearing(token("ci:apiKey", jti="t1"))))
    assert not any(secret in text for secret in (KEY, SECRET["admin.password"], SECRET["accounts.ci.password"]))
