"""Credential plug-ins: what they are told, and what is made of what they print."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import Authorization
from trueup.kube.errors import ConfigError
from trueup.kube.plugin import INFO, ExecPlugin, no_plugins, read_credential, read_plugin

SECRET = "s3cr3t-t0ken"
V1 = "client.authentication.k8s.io/v1"
PLUGIN = ExecPlugin(place="config: user", command="get-token", api_version=V1)


def printed(token: Any = SECRET, **said: Any) -> bytes:
    status = {"token": token, **said.pop("status", {})}
    return json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": status, **said}).encode()


def test_a_plug_in_is_told_what_it_is_asked_for() -> None:
    values = {
        "command": "a",
        "apiVersion": V1,
        "env": [{"name": "REGION", "value": "north"}],
        "provideClusterInfo": True,
    }
    environment = read_plugin(values, "here", cluster={"server": "https://here"}).environment()
    assert environment["REGION"] == "north"
    assert json.loads(environment[INFO]) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {"interactive": False, "cluster": {"server": "https://here"}},
    }


def test_of_the_cluster_it_is_told_nothing_unless_it_asks() -> None:
    plugin = read_plugin({"command": "a", "apiVersion": V1}, "here", cluster={"server": "https://here"})
    assert "cluster" not in json.loads(plugin.environment()[INFO])["spec"]


REFUSED = {
    "nothing": (b"", "no ExecCredential"),
    "no JSON": (f"token: {SECRET}".encode(), "no ExecCredential"),
    "another object": (printed(kind="Secret"), "no ExecCredential"),
    "another version": (printed(apiVersion="client.authentication.k8s.io/v1beta1"), "in another version"),
    "no status": (printed(status={}, token=""), "it gave no token and no client certificate"),
    "a token that is no text": (printed(token=[SECRET]), "no ExecCredential"),
    "a token with a new line": (printed(token=f"{SECRET}\n"), "control character"),
    "a certificate alone": (printed(token="", status={"clientCertificateData": SECRET}), "needs its key"),
    "deep nesting": (b"[" * 100_000, "no ExecCredential"),
}


@pytest.mark.parametrize(("output", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_credential_is_refused_and_not_quoted(output: bytes, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_credential(output, PLUGIN)
    assert "invalid ExecCredential of get-token" in caught.value.message
    assert text in caught.value.message
    assert SECRET not in str(caught.value)


@given(st.binary(max_size=200))
def test_whatever_is_printed_is_a_credential_or_refused(output: bytes) -> None:
    try:
        read_credential(output, PLUGIN)
    except ConfigError:
        return
    raise AssertionError("random bytes were taken for a credential")


class Program:
    """A plug-in that prints another token each time."""

    def __init__(self, **status: Any) -> None:
        self.runs = 0
        self._status = status

    async def __call__(self, plugin: ExecPlugin) -> bytes:
        self.runs += 1
        await asyncio.sleep(0)
        return printed(token=f"token-{self.runs}", status=self._status)


def authorization(program: Program) -> Authorization:
    return Authorization(ClusterConfig(server="https://here", plugin=PLUGIN), program)


EXPIRIES = {
    "without an end it serves on": ({}, 1),
    "one that is long from now serves on": ({"expirationTimestamp": "2999-01-01T00:00:00Z"}, 1),
    "one that is past is asked for anew": ({"expirationTimestamp": "2000-01-01T00:00:00Z"}, 2),
    "one that cannot be read serves on": ({"expirationTimestamp": "soon"}, 1),
    "one without a zone serves on": ({"expirationTimestamp": "2000-01-01T00:00:00"}, 1),
}


@pytest.mark.parametrize(("status", "runs"), EXPIRIES.values(), ids=EXPIRIES)
async def test_a_token_serves_until_it_expires(status: dict[str, str], runs: int) -> None:
    program = Program(**status)
    shown = authorization(program)
    await shown.headers()
    assert await shown.headers() == {"Authorization": f"Bearer token-{runs}"}
    assert program.runs == runs


async def test_many_requests_at_once_run_it_once() -> None:
    program = Program()
    shown = authorization(program)
    found = await asyncio.gather(*(shown.headers() for _ in range(20)))
    assert program.runs == 1
    assert set(map(str, found)) == {"{'Authorization': 'Bearer token-1'}"}


async def test_a_refused_token_is_asked_for_anew_and_once_by_all_who_showed_it() -> None:
    program = Program()
    shown = authorization(program)
    sent = await shown.headers()
    assert shown.refused(sent)
    newer = await shown.headers()
    assert shown.refused(sent)  # a second request that was on its way with the old one
    assert await shown.headers() == newer == {"Authorization": "Bearer token-2"}
    assert list(shown.secrets()) == ["token-2"]


async def test_a_refused_token_of_the_configuration_stays() -> None:
    shown = Authorization(ClusterConfig(server="https://here", token=SECRET))
    assert not shown.refused(await shown.headers())


async def test_none_are_run_unless_somebody_says_how() -> None:
    with pytest.raises(ConfigError, match="are not run here"):
        await no_plugins(PLUGIN)


def test_its_text_holds_neither_arguments_nor_environment() -> None:
    plugin = read_plugin(
        {"command": "a", "apiVersion": V1, "args": [SECRET], "env": [{"name": "A", "value": SECRET}]}, "here"
    )
    assert SECRET not in repr(plugin)
    assert SECRET not in repr(read_credential(printed(), PLUGIN))
