"""What a cluster Secret says (Argo CD ``util/db/cluster.go``). Pure: nothing is asked, run or opened."""

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from trueup.kube.config import ClusterConfig
from trueup.kube.errors import ConfigError
from trueup.kube.plugin import ExecPlugin, read_plugin
from trueup.model.annotations import SKIP_RECONCILE
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Destination, Place
from trueup.model.live import LiveObject
from trueup.model.server import canonical_server

LABEL, CLUSTER = "argocd.argoproj.io/secret-type", "cluster"
_FILES = ("tokenFile", "caFile", "certFile", "keyFile")
_CODE_VARIABLES = frozenset(
    ("PATH", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "GCONV_PATH", "CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
)
_CODE_PREFIXES = (
    "LD_",
    "DYLD_",
    "PYTHON",
    "PERL",
    "RUBY",
    "GEM_",
    "NODE_",
    "BASH_",
    "_JAVA_",
    "GLIBC_",
    "CLOUDSDK_PYTHON",
)
_REMEDY = "correct the Secret, or remove its label"
_LONGEST_NAME = 253
_NOT_IN_NAMES = frozenset("/\\\"'")


class ClusterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster Secret. Its text form holds no credential.

    Attributes:
        secret: its name.
        name: of the cluster; the server where none is given.
        server: URL without a slash at the end.
        config: the way there; None for the cluster that the engine runs on, which has a way of its own.
        namespaces: whose objects alone are managed; empty for the whole cluster.
        cluster_resources: objects without a namespace are managed even so.
        shard: of the engines that share the clusters; None to leave it to them.
        uid: of the Secret.
        project: whose applications alone it is for; empty for all.
        skipped: applications on it are left alone.
        warnings: what was passed over.
    """

    secret: str
    name: str
    server: str
    uid: str = ""
    config: ClusterConfig | None = None
    namespaces: tuple[str, ...] = ()
    cluster_resources: bool = False
    shard: int | None = None
    project: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    skipped: bool = False
    warnings: tuple[str, ...] = ()

    def place(self, destination: Destination) -> Place:
        """A destination that means this cluster, by server and by name both: a project may permit, or deny, either."""
        return Place(server=self.server, name=self.name, namespace=destination.namespace, owner=self.project)

    @property
    def way(self) -> tuple[object, ...]:
        """What a connection is made of: it is made anew where this changes."""
        return self.server, self.name, self.config, self.namespaces, self.cluster_resources

    @property
    def in_cluster(self) -> bool:
        """Whether it is the cluster that the engine runs on."""
        return self.server == IN_CLUSTER_SERVER


class _Tls(msgspec.Struct, frozen=True, rename="camel"):
    insecure: bool = False
    server_name: str = ""
    ca_data: str = ""
    cert_data: str = ""
    key_data: str = ""


class _Exec(msgspec.Struct, frozen=True, rename="camel"):
    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    api_version: str = ""
    install_hint: str = ""


class _Config(msgspec.Struct, frozen=True, rename="camel"):
    username: str = ""
    password: str = ""
    bearer_token: str = ""
    aws_auth_config: dict[str, Any] | None = None
    exec_provider_config: _Exec | None = None
    tls_client_config: _Tls = _Tls()
    proxy_url: str = ""


def read_entry(
    live: LiveObject, data: Mapping[str, str], *, programs: Collection[str] | None = (), engines: int = 1
) -> ClusterEntry:
    """A cluster Secret.

    Args:
        data: its values as text.
        programs: credential plug-ins that may be run, by the command as a Secret names it; None for who runs none, and
            so refuses none.
        engines: that share the clusters.

    Raises:
        ConfigError: it names no cluster that could be used; the message names the Secret, never a value that is secret.
    """
    secret = live.key.name
    try:
        return _read(live, data, programs, engines)
    except ConfigError as error:
        raise ConfigError(f"cluster Secret {secret}: {error.message}", hint=error.hint or _REMEDY) from None


def _read(live: LiveObject, data: Mapping[str, str], programs: Collection[str] | None, engines: int) -> ClusterEntry:
    server = canonical_server(data.get("server", ""))
    if not server:
        raise ConfigError("server required", hint="write the URL of its API server into the field server")
    name = data.get("name", "").strip() or server
    _check_name(name, server)
    project = data.get("project", "").strip()
    if project and (server == IN_CLUSTER_SERVER or name == IN_CLUSTER_NAME):
        # One project's Secret would take it from all others.
        raise ConfigError(
            f"the engine's own cluster is for every project, not for {project[:63]!r} alone",
            hint="leave out the field project, or name another server and another name than in-cluster",
        )
    warnings: list[str] = []
    return ClusterEntry(
        secret=live.key.name,
        name=name,
        server=server,
        uid=live.uid,
        config=None if server == IN_CLUSTER_SERVER else _config(server, data.get("config", ""), programs),
        namespaces=_namespaces(data.get("namespaces", "")),
        cluster_resources=data.get("clusterResources", "").strip() == "true",
        shard=_shard(data.get("shard", "").strip(), engines, warnings),
        project=project,
        labels=dict(live.labels),
        # A copy of the Secret's own values may stand among them.
        annotations={key: value for key, value in live.annotations.items() if not key.startswith("kubectl.")},
        skipped=live.annotations.get(SKIP_RECONCILE, "") == "true",
        warnings=tuple(warnings),
    )


def _check_name(name: str, server: str) -> None:
    odd = any(not character.isprintable() or character in _NOT_IN_NAMES for character in name)
    if name != server and (odd or len(name) > _LONGEST_NAME):
        raise ConfigError("invalid cluster name", hint="write letters, digits, dots, dashes and underscores")


def _namespaces(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (each.strip() for each in text.split(",")))))
    for each in found:
        if not _is_label(each):
            raise ConfigError(f"invalid namespace {each[:63]!r}", hint="separate names of namespaces by commas")
    return found


def _is_label(text: str) -> bool:
    plain = all(
        character.isascii() and (character.islower() or character.isdigit() or character == "-") for character in text
    )
    return plain and 0 < len(text) <= 63 and not text.startswith("-") and not text.endswith("-")


def _shard(text: str, engines: int, warnings: list[str]) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        shard = int(text)
        if shard >= engines:
            warnings.append(
                f"shard {shard} is not below the number of engines that share the clusters, {engines}; it is chosen "
                "automatically"
            )
        return shard
    warnings.append("shard is no number; it is chosen automatically")
    return None


def _config(server: str, text: str, programs: Collection[str] | None) -> ClusterConfig:
    said = _decoded(text)
    if said.aws_auth_config:
        _refuse_aws(said.aws_auth_config)
    tls = said.tls_client_config
    return ClusterConfig(
        server=server,
        ca_data=_pem(tls.ca_data, "caData"),
        cert_data=_pem(tls.cert_data, "certData"),
        key_data=_pem(tls.key_data, "keyData"),
        token=said.bearer_token,
        username=said.username,
        password=said.password,
        plugin=_plugin(said.exec_provider_config, programs) if said.exec_provider_config else None,
        proxy=said.proxy_url,
        insecure=tls.insecure,
        tls_server_name=tls.server_name,
    )


def _decoded(text: str) -> _Config:
    if not text.strip():
        return _Config()
    problem = ConfigError(
        "could not unmarshal cluster secret: config is not the JSON of a cluster's credentials", hint=_REMEDY
    )
    try:
        raw = msgspec.json.decode(text)
        said = msgspec.json.decode(text, type=_Config)
    except (msgspec.DecodeError, RecursionError):
        # The decoder's own message may quote what it read.
        raise problem from None
    for part in (raw, raw.get("tlsClientConfig")):
        if named := [field for field in _FILES if isinstance(part, dict) and part.get(field)]:
            raise ConfigError(
                f"file paths not allowed in cluster secret: config.{named[0]}",
                hint="write the content itself, in base64",
            )
    return said


def _refuse_aws(said: Mapping[str, Any]) -> None:
    role = said.get("roleARN") or ""
    if not isinstance(role, str) or (role and not role.startswith("arn:")):
        raise ConfigError("config.awsAuthConfig: invalid role ARN", hint="write arn:aws:iam::ACCOUNT:role/NAME")
    raise ConfigError(
        "config.awsAuthConfig: tokens are not asked of AWS",
        hint="name `aws eks get-token` in execProviderConfig and allow it, or use a bearer token",
    )


def _plugin(said: _Exec, programs: Collection[str] | None) -> ExecPlugin:
    if programs is not None and said.command not in programs:
        raise ConfigError(
            f"config.execProviderConfig: exec command not in allow-list: {said.command[:200]!r}",
            hint="allow it by trueup.cluster.exec.commands in argocd-cmd-params-cm",
        )
    if programs is not None and (odd := sorted(name for name in said.env if _chooses_code(name))):
        raise ConfigError(
            f"config.execProviderConfig: env {odd[0][:60]!r} would choose another program than the one that is allowed",
            hint="leave it out, or set it for the engine itself",
        )
    values = {
        "command": said.command,
        "args": said.args,
        "env": [{"name": name, "value": value} for name, value in said.env.items()],
        "apiVersion": said.api_version,
        "installHint": said.install_hint,
    }
    return read_plugin(values, "config")


def _chooses_code(variable: str) -> bool:
    """Whether a variable of the environment decides what is run under a program's name, or loaded into it."""
    name = variable.upper()
    return name in _CODE_VARIABLES or name.startswith(_CODE_PREFIXES)


def _pem(text: str, field: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"config.tlsClientConfig.{field} is not base64", hint="encode the PEM in base64") from None
