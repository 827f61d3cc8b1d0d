"""``oidc.config`` and ``dex.config``."""

import json
from typing import Any

import pytest

from trueup.model.errors import InvalidSpec
from trueup.server.session.oidc.config import ProviderConfig, dex_secret, read_provider

SECRETS = {"argocd-secret": {"oidc.secret": "s3cret\n", "server.secretkey": "key"}, "other": {"id": "client"}}
LEAST = {"name": "SSO", "issuer": "https://idp.example", "clientID": "c"}


def read(said: Any, **settings: str) -> ProviderConfig | None:
    text = said if isinstance(said, str) else json.dumps({**LEAST, **said})
    return read_provider({"oidc.config": text, **settings}, lambda name: SECRETS.get(name, {}))


def of(**said: Any) -> ProviderConfig:
    found = read(said)
    assert found is not None
    return found


def test_without_a_provider_there_is_none() -> None:
    assert read_provider({}, lambda _: {}) is None


def test_secrets_are_where_they_are_said_to_be() -> None:
    found = of(clientSecret="$oidc.secret", clientID="$other:id")
    assert (found.client_secret, found.client_id) == ("s3cret", "client")
    assert "s3cret" not in repr(found)


def test_j25_a_token_is_for_the_clients_unless_others_are_named() -> None:
    assert of(cliClientID="cli").audiences == {"c", "cli"}
    assert of(allowedAudiences=["x"]).audiences == {"x"}
    assert not of().without_audience
    assert of(skipAudienceCheckWhenTokenHasNoAudience=True).without_audience


def test_groups_may_be_asked_for() -> None:
    found = of(enableUserInfoGroups=True, userInfoPath="/me", userInfoCacheExpiration="2m", refreshTokenThreshold="1m")
    assert (found.user_info, found.user_info_path, found.user_info_seconds) == (True, "/me", 120.0)
    assert found.refresh_before == 60.0


BAD = {
    "no YAML": "{",
    "a list": "[]",
    "no issuer": "clientID: c",
    "an issuer that is no URL": {"issuer": "idp.example"},
    "an issuer with a password": {"issuer": "https://u:p@idp.example"},
    "a script": {"issuer": "javascript:alert(1)"},
    "no client": {"clientID": ""},
    "scopes that are none": {"requestedScopes": "openid"},
    "a duration that is none": {"refreshTokenThreshold": "soon"},
    "a path without a slash": {"userInfoPath": "me"},
    "a logout that is no URL": {"logoutURL": "javascript:alert(1)"},
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_named(said: Any) -> None:
    with pytest.raises(InvalidSpec, match="argocd-cm: "):
        read(said)


def test_dex_is_known_by_the_servers_own_url() -> None:
    found = read_provider({"dex.config": "x", "url": "https://argo.example/"}, lambda name: SECRETS.get(name, {}))
    assert found is not None
    assert (found.issuer, found.client_id) == ("https://argo.example/api/dex", "argo-cd")
    assert found.client_secret == dex_secret("key")
    assert len(found.client_secret) == 40
    with pytest.raises(InvalidSpec, match="needs the key url"):
        read_provider({"dex.config": "x"}, lambda _: {})
