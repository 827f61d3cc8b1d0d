"""Cluster Secrets: what each field means, and what is refused without a secret in the words."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.kube.errors import ConfigError
from trueup.kube.object import read_object
from trueup.model.server import canonical_server
from trueup.store.clusters.secret import ClusterEntry, read_entry

TOKEN = "s3cr3t-t0ken"
SERVER = "https://far.example:6443"
EXEC = {"command": "get-token", "apiVersion": "client.authentication.k8s.io/v1beta1", "args": ["x"], "env": {"A": "b"}}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def entry(*, config: Any = None, annotations: dict[str, str] | None = None, **fields: str) -> ClusterEntry:
    metadata: dict[str, Any] = {"name": "far", "namespace": "argocd", "resourceVersion": "7"}
    metadata |= {"labels": {"env": "prod"}, "annotations": annotations or {}}
    live = read_object(
        json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}).encode(), "v1", "Secret"
    )
    text = config if isinstance(config, str) else json.dumps(config or {})
    return read_entry(live, {"name": "far", "server": SERVER, "config": text, **fields}, programs=["get-token"])


def test_every_field_of_a_secret_is_read() -> None:
    found = entry(
        namespaces="web, shop,web", clusterResources="true", shard="2", project="team", config={"bearerToken": TOKEN}
    )
    assert (found.name, found.server, found.labels) == ("far", SERVER, {"env": "prod"})
    assert (found.namespaces, found.cluster_resources) == (("web", "shop"), True)
    assert (found.shard, found.project, found.skipped) == (2, "team", False)
    assert found.config is not None
    assert (found.config.server, found.config.token) == (SERVER, TOKEN)


CREDENTIALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {"token": "", "username": ""}),
    "a token": ({"bearerToken": TOKEN}, {"token": TOKEN}),
    "a password": ({"username": "me", "password": TOKEN}, {"username": "me", "password": TOKEN}),
    "a client certificate": (
        {"tlsClientConfig": {"certData": b64("PEM"), "keyData": b64("KEY")}},
        {"cert_data": b"PEM", "key_data": b"KEY"},
    ),
    "an authority and another name": (
        {"tlsClientConfig": {"caData": b64("CA"), "serverName": "api.internal"}},
        {"ca_data": b"CA", "tls_server_name": "api.internal"},
    ),
    "a server that is not checked": ({"tlsClientConfig": {"insecure": True}}, {"insecure": True}),
    "a proxy": ({"proxyUrl": "http://proxy:3128"}, {"proxy": "http://proxy:3128"}),
    "what changes nothing": ({"disableCompression": True, "awsAuthConfig": None}, {"token": ""}),
}


@pytest.mark.parametrize(("config", "expected"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials(config: dict[str, Any], expected: dict[str, Any]) -> None:
    found = entry(config=config).config
    assert {field: getattr(found, field) for field in expected} == expected


def test_a_program_that_is_allowed() -> None:
    found = entry(config={"execProviderConfig": EXEC}).config
    assert found is not None
    assert found.plugin is not None
    assert (found.plugin.command, found.plugin.args, found.plugin.env) == ("get-token", ("x",), (("A", "b"),))


CODE_VARIABLES = (
    *("PATH", "path", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONSTARTUP"),
    *("PERL5OPT", "RUBYOPT", "NODE_OPTIONS", "BASH_ENV", "ENV", "GCONV_PATH", "JAVA_TOOL_OPTIONS", "CLOUDSDK_PYTHON"),
)


@pytest.mark.parametrize("variable", CODE_VARIABLES)
def test_a_program_that_is_allowed_is_made_no_other_one_by_its_environment(variable: str) -> None:
    with pytest.raises(ConfigError, match="would choose another program"):
        entry(config={"execProviderConfig": {**EXEC, "env": {"AWS_PROFILE": "a", variable: TOKEN}}})
    assert entry(
        config={"execProviderConfig": {**EXEC, "env": {"AWS_PROFILE": "a", "HOME": "/x", "PATHS": "y"}}}
    ).config


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "K01 config not JSON": ({"config": f"token: {TOKEN}"}, "could not unmarshal cluster secret"),
    "K01 config no object": ({"config": f'["{TOKEN}"]'}, "could not unmarshal cluster secret"),
    "K01 a field of another type": ({"config": {"bearerToken": [TOKEN]}}, "could not unmarshal cluster secret"),
    "K01 nested without end": ({"config": "[" * 100_000}, "could not unmarshal cluster secret"),
    "K03 server empty": ({"server": " "}, "server required"),
    "K05 credentials in the URL": ({"server": f"https://me:{TOKEN}@far"}, "credentials not allowed in server URL"),
    "K11 name with a line break": ({"name": "far\naway"}, "invalid cluster name"),
    "K11 name with a slash": ({"name": "../far"}, "invalid cluster name"),
    "K13 namespaces": ({"namespaces": "web,BAD_NS"}, "invalid namespace 'BAD_NS'"),
    "K19 token with a line break": ({"config": {"bearerToken": f"{TOKEN}\n"}}, "control character in credential"),
    "K23 insecure plus caData": (
        {"config": {"tlsClientConfig": {"insecure": True, "caData": b64("CA")}}},
        "a CA with insecure is not allowed",
    ),
    "K27 a program nobody allowed": (
        {"config": {"execProviderConfig": {**EXEC, "command": "/bin/sh"}}},
        "exec command not in allow-list",
    ),
    "K27 an allowed one by another path": (
        {"config": {"execProviderConfig": {**EXEC, "command": "./get-token"}}},
        "exec command not in allow-list",
    ),
    "K31 role": ({"config": {"awsAuthConfig": {"clusterName": "a", "roleARN": "--x"}}}, "invalid role ARN"),
    "AWS": ({"config": {"awsAuthConfig": {"clusterName": "a"}}}, "tokens are not asked of AWS"),
    "K33 a file": ({"config": {"tokenFile": "/etc/shadow"}}, "file paths not allowed in cluster secret"),
    "K33 a file among TLS": ({"config": {"tlsClientConfig": {"caFile": "/etc/shadow"}}}, "file paths not allowed"),
    "base64": ({"config": {"tlsClientConfig": {"caData": "***"}}}, "caData is not base64"),
    "a proxy of another kind": ({"config": {"proxyUrl": f"socks5://u:{TOKEN}@p"}}, "the proxy is no http(s) URL"),
    "a token in the clear": ({"server": "http://far", "config": {"bearerToken": TOKEN}}, "without TLS"),
}


@pytest.mark.parametrize(("fields", "text"), REFUSED.values(), ids=REFUSED)
def test_refused_by_name_and_no_credential_is_told(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        entry(**fields)
    assert caught.value.message.startswith("cluster Secret far: ")
    assert text in caught.value.message
    assert caught.value.hint
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("shard", ["abc", "-1", "1.5", "99999999999"], ids=str)
def test_k15_a_shard_that_is_none_is_chosen_automatically_and_told(shard: str) -> None:
    found = entry(shard=shard)
    assert found.shard is None
    assert "shard is no number" in found.warnings[0]


@pytest.mark.parametrize(("shard", "told"), [("", False), ("0", False), ("1", True), ("999999999", True)])
def test_k17_a_shard_beyond_the_engines_is_chosen_automatically_and_told(shard: str, told: bool) -> None:
    found = entry(shard=shard)
    assert bool(found.warnings) is told
    assert all("is not below the number of engines that share the clusters, 1" in text for text in found.warnings)


def test_k35_a_copy_of_the_values_in_an_annotation_is_not_kept() -> None:
    found = entry(annotations={"kubectl.kubernetes.io/last-applied-configuration": TOKEN, "team": "a"})
    assert found.annotations == {"team": "a"}


def test_its_text_holds_no_credential() -> None:
    assert TOKEN not in repr(entry(config={"bearerToken": TOKEN, "username": "me", "password": TOKEN}))


def test_the_cluster_of_the_engine_needs_no_way_there() -> None:
    found = entry(server="https://kubernetes.default.svc/", config="not even JSON")
    assert found.in_cluster
    assert found.config is None


SPELLINGS = (
    "https://far.example:6443",
    "https://far.example:6443/",
    "HTTPS://Far.Example:6443",
    " https://far.example:6443 ",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_k07_a_server_has_one_spelling(spelling: str) -> None:
    assert canonical_server(spelling) == SERVER


def test_the_path_of_a_server_keeps_its_case() -> None:
    assert canonical_server("https://Host/K8s/Clusters/c-Abc/") == "https://host/K8s/Clusters/c-Abc"


@given(st.dictionaries(st.sampled_from(["name", "server", "namespaces", "shard", "config", "project"]), st.text()))
def test_whatever_a_secret_says_it_is_read_or_refused(fields: dict[str, str]) -> None:
    try:
        entry(config=fields.pop("config", ""), annotations=None, **fields)
    except ConfigError as error:
        assert error.hint
