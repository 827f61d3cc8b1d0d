"""Where a cluster is and how to prove who we are: kubeconfig files and the credentials mounted into a Pod."""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kubegrammar import yaml
from trueup.kube.errors import ConfigError
from trueup.kube.plugin import ExecPlugin, read_plugin

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"

_UNSUPPORTED_USER = {
    "auth-provider": "auth providers are not supported",
    "as": "impersonation is not supported",
    "as-uid": "impersonation is not supported",
    "as-groups": "impersonation is not supported",
    "as-user-extra": "impersonation is not supported",
}
_BEFORE_PLUGIN = ("token", "tokenFile", "username")
_TOLD_TO_PLUGIN = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")


class ClusterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster and the credential for it. Its text form holds no credential.

    Attributes:
        server: URL of the API server, without a slash at the end.
        ca_data: PEM of the authorities that sign the server's certificate; empty means the system's.
        cert_data, key_data: PEM of a client certificate and its key.
        token: bearer token. ``token_file`` wins over it and is read again whenever the file changes.
        username, password: for servers that take basic authentication; a token wins over them.
        plugin: the program that gives the token, where there is no other.
        proxy: URL of the HTTP proxy on the way there; empty for none.
        insecure: the server's certificate is not checked.
        tls_server_name: the name the certificate is checked against, where it is not the server's.
        namespace: the context's, else ``default``.
        context: name of the kubeconfig context, or empty.
    """

    server: str
    ca_data: bytes = b""
    cert_data: bytes = b""
    key_data: bytes = b""
    token: str = ""
    token_file: Path | None = None
    username: str = ""
    password: str = ""
    plugin: ExecPlugin | None = None
    proxy: str = ""
    insecure: bool = False
    tls_server_name: str = ""
    namespace: str = "default"
    context: str = ""

    def __post_init__(self) -> None:
        _check_server(self.server)
        if self.insecure and self.ca_data:
            raise ConfigError(f"cluster {self.server}: a CA with insecure is not allowed", hint="remove one of the two")
        if bool(self.cert_data) != bool(self.key_data):
            raise ConfigError(
                f"cluster {self.server}: a client certificate needs its key and the key its certificate",
                hint="give both client-certificate and client-key",
            )
        secret = self.token or self.token_file or self.password or self.plugin
        if self.server.startswith("http:") and secret and not self.loopback:
            raise ConfigError(f"cluster {self.server}: a token is not sent without TLS", hint="use an https URL")
        check_credential(self.token, f"the token for {self.server}")
        if any(character < " " or character == "\x7f" for character in self.username + self.password):
            raise ConfigError(
                f"control character in credential: the password for {self.server}", hint="write it without line breaks"
            )
        if ":" in self.username:
            raise ConfigError(f"cluster {self.server}: a user name has no colon", hint="correct the user name")
        _check_proxy(self.proxy, self.server)

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine."""
        return urlsplit(self.server).hostname in ("localhost", "127.0.0.1", "::1")

    def __repr__(self) -> str:
        return f"ClusterConfig(server={self.server!r}, context={self.context!r})"

    def __rich_repr__(self) -> Any:
        yield "server", self.server
        yield "context", self.context


def check_credential(text: str, name: str) -> None:
    """Refuses what cannot stand in an HTTP header.

    Raises:
        ConfigError: naming ``name``, never the credential.
    """
    if any(character < "!" or character > "~" for character in text):
        raise ConfigError(f"control character in credential: {name}", hint="write it without line breaks or spaces")


def load_kubeconfig(path: Path | Sequence[Path] | None, context: str | None = None) -> ClusterConfig:
    """Reads one context of kubeconfig files.

    Args:
        path: the file, or several that are one together: of what two have by one name, the first counts. None for
            ``~/.kube/config``. The environment is not asked.
        context: its name; None for the current-context of the first file that has one.

    Raises:
        ConfigError: a file cannot be read or the context cannot be used; names the file and the field.
    """
    files = _files(path or Path.home() / ".kube" / "config")
    read = [(file, _read_document(file)) for file in files]
    name = context or next(filter(None, (_text(document, "current-context") for _, document in read)), "")
    if not name:
        raise ConfigError(f"{_all(files)}: current-context is empty", hint="name a context, or set current-context")
    file, chosen = _named(read, "contexts", "context", name)
    clusters_file, cluster = _named(read, "clusters", "cluster", _text(chosen, "cluster"))
    users_file, user = _named(read, "users", "user", _text(chosen, "user")) if _text(chosen, "user") else (file, {})
    where = f"{file}: context {name}"
    _refuse_unsupported(cluster, user, where)
    token_file = _text(user, "tokenFile")
    return ClusterConfig(
        server=_text(cluster, "server").rstrip("/"),
        ca_data=_data(cluster, "certificate-authority", clusters_file, where),
        cert_data=_data(user, "client-certificate", users_file, where),
        key_data=_data(user, "client-key", users_file, where),
        token=_text(user, "token"),
        token_file=users_file.parent / token_file if token_file else None,
        username=_text(user, "username"),
        password=_text(user, "password"),
        plugin=_plugin(user, cluster, where, users_file.parent),
        proxy=_text(cluster, "proxy-url"),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        tls_server_name=_text(cluster, "tls-server-name"),
        namespace=_text(chosen, "namespace") or "default",
        context=name,
    )


def context_names(path: Path | Sequence[Path]) -> list[str]:
    """The contexts of kubeconfig files, as they list them.

    Raises:
        ConfigError: a file cannot be read.
    """
    lists = [_read_document(file).get("contexts") for file in _files(path)]
    entries = [entry for listed in lists if isinstance(listed, list) for entry in listed if isinstance(entry, dict)]
    return list(dict.fromkeys(entry["name"] for entry in entries if isinstance(entry.get("name"), str)))


def _files(path: Path | Sequence[Path]) -> Sequence[Path]:
    return (path,) if isinstance(path, Path) else path


def _all(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files))


def in_cluster(folder: Path = SERVICE_ACCOUNT, server: str = IN_CLUSTER_SERVER) -> ClusterConfig:
    """The configuration of a Pod's service account, whose token is read again when the kubelet renews it.

    Raises:
        ConfigError: the folder holds no token, as outside a cluster.
    """
    token_file, ca_file = folder / "token", folder / "ca.crt"
    if not token_file.is_file():
        raise ConfigError(f"{token_file}: no service account token", hint="give a kubeconfig outside a cluster")
    namespace = folder / "namespace"
    return ClusterConfig(
        server=server,
        ca_data=ca_file.read_bytes() if ca_file.is_file() else b"",
        token_file=token_file,
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
    )


def _read_document(file: Path) -> dict[str, Any]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", hint="name an existing kubeconfig file") from None
    try:
        # Many are JSON, the sandbox's among them: a command that reads one loads no YAML.
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        document = _read_yaml(data, file)
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: not a kubeconfig", hint="name a kubeconfig file")
    return document


def _read_yaml(data: bytes, file: Path) -> Any:
    try:
        return yaml.load(data, str(file))
    except yaml.YamlError as error:
        raise ConfigError(f"{error}", hint="correct the kubeconfig") from None


def _named(
    read: Sequence[tuple[Path, dict[str, Any]]], section: str, field: str, name: str
) -> tuple[Path, dict[str, Any]]:
    """What the first file says of a name, and which that is."""
    for file, document in read:
        entries = document.get(section)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("name") == name:
                value = entry.get(field)
                return file, value if isinstance(value, dict) else {}
    raise ConfigError(
        f"{_all([file for file, _ in read])}: {section}: there is no {name!r}",
        hint=f"add it to {section}, or choose another",
    )


def _text(values: dict[str, Any], field: str) -> str:
    value = values.get(field)
    return value if isinstance(value, str) else ""


def _data(values: dict[str, Any], field: str, file: Path, where: str) -> bytes:
    """``<field>-data`` in base64, else the content of the file that ``<field>`` names, relative to the kubeconfig."""
    inline, named = _text(values, f"{field}-data"), _text(values, field)
    try:
        if inline:
            return base64.b64decode("".join(inline.split()), validate=True)
        return (file.parent / named).read_bytes() if named else b""
    except binascii.Error:
        raise ConfigError(f"{where}: {field}-data is not base64", hint="encode the PEM file in base64") from None
    except OSError as error:
        raise ConfigError(f"{where}: {field}: {named}: {error.strerror}", hint="correct the path") from None


def _refuse_unsupported(cluster: dict[str, Any], user: dict[str, Any], where: str) -> None:
    for field, why in _UNSUPPORTED_USER.items():
        if user.get(field):
            raise ConfigError(
                f"{where}: user field {field}: {why}", hint="use a token, tokenFile or client certificate"
            )


def _plugin(user: dict[str, Any], cluster: dict[str, Any], where: str, folder: Path) -> ExecPlugin | None:
    """The program of a user; what already says who asks wins over it, as for kubectl."""
    values = user.get("exec")
    if not isinstance(values, dict) or not values or any(user.get(each) for each in _BEFORE_PLUGIN):
        return None
    told = {field: value for field, value in cluster.items() if field in _TOLD_TO_PLUGIN}
    plugin = read_plugin(values, f"{where}: user", cluster=told)
    if "/" not in plugin.command:
        return plugin
    return msgspec.structs.replace(plugin, command=str(folder / plugin.command))


def _check_proxy(proxy: str, server: str) -> None:
    if not proxy:
        return
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # Not quoted: a password may stand in it.
        raise ConfigError(f"cluster {server}: the proxy is no http(s) URL", hint="write http://host:port")


def _check_server(server: str) -> None:
    if not server:
        raise ConfigError("cluster: server required", hint="set the cluster's server URL")
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError:
        raise ConfigError("cluster: server is not a URL", hint="write https://host:port") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError("cluster: credentials not allowed in server URL", hint="use a token or client certificate")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise ConfigError(f"cluster: server {server!r} is not an http(s) URL", hint="write https://host:port")
