"""Kubeconfig files and service accounts: what is read, and what is refused with the field's name."""

import base64
import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trueup.cli.connect import kubeconfig_files
from trueup.kube.config import ClusterConfig, context_names, in_cluster, load_kubeconfig
from trueup.kube.credentials import Authorization, tls_context
from trueup.kube.errors import ConfigError

SECRET = "s3cr3t-t0ken"
V1 = "client.authentication.k8s.io/v1"


def pair() -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), day, day.replace(2090))
    certificate = built.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )


CERTIFICATE, KEY = pair()
OTHER_CERTIFICATE, OTHER_KEY = pair()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(folder: Path, cluster: dict[str, Any], user: dict[str, Any], **context: str) -> Path:
    lines = ["apiVersion: v1", "kind: Config", "current-context: one", "contexts:"]
    lines += ["- name: one", "  context:", "    cluster: here", "    user: me"]
    lines += [f"    {field}: {value}" for field, value in context.items()]
    lines += ["- name: two", "  context: {cluster: there, user: nobody}"]
    lines += ["clusters:", "- name: here", "  cluster:", *(f"    {field}: {value}" for field, value in cluster.items())]
    lines += ["- name: there", "  cluster: {server: 'https://there:6443/'}"]
    lines += ["users:", "- name: nobody", "  user: {}", "- name: me", "  user:"]
    lines += [f"    {field}: {value}" for field, value in user.items()] or ["    {}"]
    file = folder / "config"
    file.write_text("\n".join(lines) + "\n")
    return file


HERE = {"server": "https://here:6443"}


def test_the_current_context_gives_server_user_and_namespace(tmp_path: Path) -> None:
    config = load_kubeconfig(write(tmp_path, HERE, {"token": SECRET}, namespace="team"), None)
    assert (config.server, config.token, config.namespace, config.context) == (
        "https://here:6443",
        SECRET,
        "team",
        "one",
    )


def test_a_named_context_wins_and_a_slash_at_the_end_of_the_server_does_not_count(tmp_path: Path) -> None:
    config = load_kubeconfig(write(tmp_path, HERE, {"token": SECRET}), "two")
    assert (config.server, config.token, config.namespace) == ("https://there:6443", "", "default")


def test_several_files_are_one_and_of_two_with_one_name_the_first_counts(tmp_path: Path) -> None:
    for name, text in {
        "one": "{contexts: [{name: a, context: {cluster: far, user: me}}]}",
        "two": "{current-context: a, users: [{name: me, user: {tokenFile: token}}]}",
        "three": "{current-context: b, contexts: [{name: b}], users: [{name: me, user: {token: other}}], "
        "clusters: [{name: far, cluster: {server: 'https://far:6443'}}]}",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_text(text)
    files = [tmp_path / name / "config" for name in ("one", "two", "three")]
    config = load_kubeconfig(files)
    assert (config.context, config.server, config.token_file) == ("a", "https://far:6443", tmp_path / "two" / "token")
    assert context_names(files) == ["a", "b"]
    with pytest.raises(ConfigError, match=f"{files[0]}, {files[1]}, {files[2]}: contexts: there is no 'c'"):
        load_kubeconfig(files, "c")


WHICH = {
    "the one that is given": ("given", "one:two", ["given"]),
    "those of KUBECONFIG that are there": ("", ":one::gone:two:one", ["one", "two"]),
    "the first, where none is there": ("", "gone:away", ["gone"]),
}


@pytest.mark.parametrize("case", WHICH)
def test_which_files_are_read(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, variable, files = WHICH[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", variable)
    for name in ("one", "two"):
        Path(name).touch()
    assert kubeconfig_files(given) == [Path(name) for name in files]


def test_certificates_are_read_from_the_file_itself(tmp_path: Path) -> None:
    cluster = HERE | {"certificate-authority-data": b64(CERTIFICATE), "tls-server-name": "api.internal"}
    user = {"client-certificate-data": b64(CERTIFICATE), "client-key-data": b64(KEY)}
    config = load_kubeconfig(write(tmp_path, cluster, user), None)
    assert (config.ca_data, config.cert_data, config.key_data) == (CERTIFICATE, CERTIFICATE, KEY)
    assert config.tls_server_name == "api.internal"
    assert tls_context(config) is not None


async def test_paths_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(CERTIFICATE)
    (tmp_path / "pki" / "me.crt").write_bytes(CERTIFICATE)
    (tmp_path / "pki" / "me.key").write_bytes(KEY)
    (tmp_path / "token").write_text(SECRET + "\n")
    cluster = HERE | {"certificate-authority": "pki/ca.crt"}
    user = {"client-certificate": "pki/me.crt", "client-key": "pki/me.key", "tokenFile": "token"}
    config = load_kubeconfig(write(tmp_path, cluster, user), None)
    assert (config.ca_data, config.cert_data, config.key_data) == (CERTIFICATE, CERTIFICATE, KEY)
    assert await Authorization(config).headers() == {"Authorization": f"Bearer {SECRET}"}


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a plug-in needs a version that is known": (HERE, {"exec": "{command: /bin/sh}"}, "exec.apiVersion: None"),
    "a plug-in needs a command": (HERE, {"exec": f"{{apiVersion: {V1}}}"}, "exec.command is empty"),
    "a plug-in is not run where somebody must be asked": (
        HERE,
        {"exec": f"{{command: a, apiVersion: {V1}, interactiveMode: Always}}"},
        "exec.interactiveMode",
    ),
    "arguments of a plug-in are texts": (HERE, {"exec": f"{{command: a, apiVersion: {V1}, args: [1]}}"}, "exec.args"),
    "a plug-in's environment is a list": (
        HERE,
        {"exec": f"{{command: a, apiVersion: {V1}, env: {{A: b}}}}"},
        "exec.env",
    ),
    "an auth provider is not known": (HERE, {"auth-provider": "{name: gcp}"}, "user field auth-provider"),
    "impersonation is not dropped silently": (HERE, {"token": SECRET, "as": "admin"}, "user field as"),
    "a password is not sent in the clear": (
        {"server": "http://here"},
        {"username": "a", "password": SECRET},
        "without TLS",
    ),
    "a password holds no line break": (HERE, {"username": "a", "password": f'"{SECRET}\\n"'}, "control character in"),
    "a proxy is an HTTP proxy": (HERE | {"proxy-url": f"socks5://u:{SECRET}@p:1"}, {}, "the proxy is no http(s) URL"),
    "a server is required": ({"server": "''"}, {}, "server required"),
    "a server needs a scheme": ({"server": "here:6443"}, {}, "is not an http(s) URL"),
    "a server with a port that is no port": ({"server": "https://here:port"}, {}, "server is not a URL"),
    "a server holds no credentials": ({"server": f"https://u:{SECRET}@here"}, {}, "credentials not allowed in server"),
    "a CA contradicts insecure": (
        HERE | {"insecure-skip-tls-verify": "true", "certificate-authority-data": b64(CERTIFICATE)},
        {},
        "a CA with insecure is not allowed",
    ),
    "base64 is checked": (HERE | {"certificate-authority-data": "'***'"}, {}, "certificate-authority-data"),
    "a certificate needs its key": (HERE, {"client-certificate-data": b64(CERTIFICATE)}, "needs its key"),
    "a missing file is named with its field": (HERE, {"client-key": "nowhere.key"}, "client-key: nowhere.key"),
    "a token holds no line break": (HERE, {"token": f'"{SECRET}\\n"'}, "control character in credential"),
    "a token is not sent in the clear": ({"server": "http://here"}, {"token": SECRET}, "without TLS"),
}


@pytest.mark.parametrize(("cluster", "user", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_and_no_credential_is_told(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_kubeconfig(write(tmp_path, cluster, user), None)
    assert text in caught.value.message
    assert caught.value.hint
    assert SECRET not in str(caught.value)


async def test_a_user_name_and_password_are_basic_authentication(tmp_path: Path) -> None:
    config = load_kubeconfig(write(tmp_path, HERE, {"username": "me", "password": "a:b"}), None)
    assert await Authorization(config).headers() == {"Authorization": f"Basic {b64(b'me:a:b')}"}


def test_a_token_wins_over_a_plug_in(tmp_path: Path) -> None:
    user = {"token": SECRET, "exec": f"{{command: a, apiVersion: {V1}}}"}
    assert load_kubeconfig(write(tmp_path, HERE, user), None).plugin is None


PLACES = {"on the PATH": ("get-token", "get-token"), "beside the kubeconfig": ("bin/get-token", "{0}/bin/get-token")}


@pytest.mark.parametrize(("written", "run"), PLACES.values(), ids=PLACES)
def test_a_plug_in_is_looked_for(tmp_path: Path, written: str, run: str) -> None:
    config = load_kubeconfig(write(tmp_path, HERE, {"exec": f"{{command: {written}, apiVersion: {V1}}}"}), None)
    assert config.plugin is not None
    assert config.plugin.command == run.format(tmp_path)


BROKEN = {
    "no such file": (None, "No such file"),
    "not YAML": ("clusters: [", "config:"),
    "not a mapping": ("- a\n", "not a kubeconfig"),
    "no current context": ("apiVersion: v1\n", "current-context is empty"),
    "a context that is not there": ("current-context: gone\n", "contexts: there is no 'gone'"),
    "a cluster that is not there": (
        "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n",
        "clusters: there is no 'b'",
    ),
}


@pytest.mark.parametrize(("content", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named(tmp_path: Path, content: str | None, text: str) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=text) as caught:
        load_kubeconfig(file, None)
    assert str(file) in caught.value.message


def test_a_key_of_another_certificate_is_refused() -> None:
    config = ClusterConfig(server="https://here", cert_data=CERTIFICATE, key_data=OTHER_KEY)
    with pytest.raises(ConfigError, match="private key does not match certificate"):
        tls_context(config)


@pytest.mark.parametrize("render", [repr, str, "{!r}".format], ids=["repr", "str", "format"])
def test_the_text_of_a_configuration_holds_no_credential(render: Any) -> None:
    config = ClusterConfig(server="https://here", token=SECRET, password=SECRET, cert_data=CERTIFICATE, key_data=KEY)
    text = render(config)
    assert SECRET not in text
    assert "PRIVATE" not in text


async def test_a_service_account_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    (tmp_path / "ca.crt").write_bytes(CERTIFICATE)
    (tmp_path / "namespace").write_text("argocd\n")
    config = in_cluster(tmp_path)
    assert (config.server, config.ca_data, config.namespace) == (
        "https://kubernetes.default.svc",
        CERTIFICATE,
        "argocd",
    )
    assert await Authorization(config).headers() == {"Authorization": f"Bearer {SECRET}"}


def test_outside_a_cluster_there_is_no_service_account(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no service account token"):
        in_cluster(tmp_path)


async def test_a_token_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    source = Authorization(ClusterConfig(server="https://here", token_file=file))
    assert await source.headers() == {"Authorization": "Bearer first"}
    renewed = tmp_path / "renewed"
    renewed.write_text("second")
    renewed.replace(file)
    assert await source.headers() == {"Authorization": "Bearer second"}


async def test_a_token_file_that_is_away_for_a_moment_leaves_the_last_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    source = Authorization(ClusterConfig(server="https://here", token_file=file))
    await source.headers()
    file.unlink()
    assert await source.headers() == {"Authorization": "Bearer first"}


async def test_a_token_file_without_a_token_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("\n")
    with pytest.raises(ConfigError, match="holds no token"):
        await Authorization(ClusterConfig(server="https://here", token_file=file)).headers()
