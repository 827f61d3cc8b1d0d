"""What an installation begins with."""

import msgspec
import pytest
from tests.support.signing import KEY, House, Secrets

from trueup.server.errors import Fault
from trueup.store.accounts import ApiToken


async def test_advisory_44_the_first_password_is_random_and_made_once() -> None:
    houses = [House(secrets=Secrets()) for _ in range(2)]
    passwords = set()
    for house in houses:
        await house.accounts.prepare(house.passwords)
        passwords.add(house.secrets.data["argocd-initial-admin-secret"]["password"])
        writes = house.secrets.writes
        await house.accounts.prepare(house.passwords)
        house.start()
        await house.accounts.prepare(house.passwords)
        assert house.secrets.writes == writes
        assert await house.sign_in.login("admin", house.secrets.data["argocd-initial-admin-secret"]["password"])
        assert len(house.secrets.data["argocd-secret"]["server.secretkey"]) >= 40
    assert len(passwords) == 2 and all(len(each) == 16 for each in passwords)


async def test_what_is_there_stays() -> None:
    house = House()
    before = dict(house.secrets.data["argocd-secret"])
    await house.accounts.prepare(house.passwords)
    assert house.secrets.data["argocd-secret"] == before
    assert "argocd-initial-admin-secret" not in house.secrets.data


async def test_a_disabled_admin_gets_no_password() -> None:
    house = House({"admin.enabled": "false"}, Secrets())
    await house.accounts.prepare(house.passwords)
    assert list(house.secrets.data["argocd-secret"]) == ["server.secretkey"]


async def test_an_account_is_changed_where_it_is_kept() -> None:
    house = House({"accounts.ci": "apiKey"})
    token = ApiToken(id="x", iat=1)
    await house.accounts.change("ci", lambda account: msgspec.structs.replace(account, tokens=(token,)))
    assert house.secrets.data["argocd-secret"]["accounts.ci.tokens"] == '[{"id":"x","iat":1}]'
    assert house.secrets.data["argocd-secret"]["server.secretkey"] == KEY
    await house.accounts.change("ci", lambda account: msgspec.structs.replace(account, tokens=()))
    assert "accounts.ci.tokens" not in house.secrets.data["argocd-secret"]
    with pytest.raises(Fault, match="account 'ghost' does not exist"):
        await house.accounts.change("ghost", lambda account: account)
