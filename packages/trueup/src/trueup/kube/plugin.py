"""Credential plug-ins: programs that print a token or a client certificate for a cluster, as kubectl runs them.

The protocol is Kubernetes' own (``client.authentication.k8s.io``): the program is told what it is asked for in
``KUBERNETES_EXEC_INFO`` and prints an ExecCredential. This module knows what is said; who may start programs runs them.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from trueup.kube.errors import ConfigError

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
INFO = "KUBERNETES_EXEC_INFO"
OUTPUT_LIMIT = 1 << 20
"""Bytes that a plug-in may print."""
_REMEDY = "use a token or a client certificate"


class ExecPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A program that prints credentials.

    Attributes:
        place: where it is named, for errors.
        env: what it finds in its environment beside that of whoever runs it.
        cluster: what it is told of the cluster, None unless it asks to be told.
        install_hint: what its author says to those who lack it.
    """

    place: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    api_version: str
    cluster: dict[str, Any] | None = None
    install_hint: str = ""

    def __repr__(self) -> str:
        return f"ExecPlugin({self.command!r})"  # arguments and environment may hold a secret

    def environment(self) -> dict[str, str]:
        """What it is given beside the environment of whoever runs it."""
        spec: dict[str, Any] = {"interactive": False}
        if self.cluster is not None:
            spec["cluster"] = self.cluster
        info = {"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec}
        return {**dict(self.env), INFO: msgspec.json.encode(info).decode()}


class PluginCredential(msgspec.Struct, frozen=True):
    """What a plug-in printed: a token, a client certificate with its key, or all three. Its text form holds none.

    Attributes:
        certificate, key: PEM.
        expires: seconds since the epoch; None for never.
    """

    token: str = ""
    certificate: bytes = b""
    key: bytes = b""
    expires: float | None = None

    def __repr__(self) -> str:
        return f"PluginCredential(expires={self.expires})"


RunPlugin = Callable[[ExecPlugin], Awaitable[bytes]]
"""Runs a plug-in and gives what it printed; raises ConfigError where it may not, or cannot, be run."""


async def no_plugins(plugin: ExecPlugin) -> bytes:
    """Where none may be run.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(f"{plugin.place}: exec: credential plug-ins are not run here", hint=_REMEDY)


def read_plugin(values: Mapping[str, Any], place: str, *, cluster: dict[str, Any] | None = None) -> ExecPlugin:
    """The ``exec`` of a kubeconfig's user.

    Args:
        place: where it is, for errors.
        cluster: what is said of the cluster to a program that asks for it.

    Raises:
        ConfigError: it cannot be run as it is written; names the field.
    """
    command, version = values.get("command"), values.get("apiVersion")
    if not isinstance(command, str) or not command:
        raise ConfigError(f"{place}: exec.command is empty", hint="name the program that prints the credential")
    if version not in API_VERSIONS:
        raise ConfigError(
            f"{place}: exec.apiVersion: {version!r} is not known", hint=f"write {API_VERSIONS[0]}, and update {command}"
        )
    if values.get("interactiveMode") == "Always":
        raise ConfigError(f"{place}: exec.interactiveMode: there is nobody to ask", hint=_REMEDY)
    args, env = values.get("args") or [], values.get("env") or []
    if not isinstance(args, list) or not all(isinstance(each, str) for each in args):
        raise ConfigError(f"{place}: exec.args is no list of texts", hint="quote numbers and booleans")
    return ExecPlugin(
        place=place,
        command=command,
        args=tuple(args),
        env=tuple(_variables(env, place)),
        api_version=str(version),
        cluster=cluster if values.get("provideClusterInfo") is True else None,
        install_hint=str(values.get("installHint") or ""),
    )


def read_credential(output: bytes, plugin: ExecPlugin) -> PluginCredential:
    """What a plug-in printed.

    Raises:
        ConfigError: it is no credential that can be used. Nothing of the output is quoted.
    """
    try:
        said = msgspec.json.decode(output, type=_Credential)
    except (msgspec.DecodeError, RecursionError):
        raise _invalid(plugin, "what it printed is no ExecCredential") from None
    if said.kind != "ExecCredential":
        raise _invalid(plugin, "what it printed is no ExecCredential")
    if said.api_version != plugin.api_version:
        raise _invalid(plugin, f"it answers in another version than {plugin.api_version}")
    status = said.status
    if status is None or not (status.token or status.client_certificate_data or status.client_key_data):
        raise _invalid(plugin, "it gave no token and no client certificate")
    if any(character < "!" or character > "~" for character in status.token):
        raise _invalid(plugin, "control character in its token")
    if bool(status.client_certificate_data) != bool(status.client_key_data):
        raise _invalid(plugin, "a client certificate needs its key and the key its certificate")
    return PluginCredential(
        status.token, status.client_certificate_data.encode(), status.client_key_data.encode(), status.expires()
    )


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    token: str = ""
    expiration_timestamp: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""

    def expires(self) -> float | None:
        try:
            # Unreadable, or without a zone: none to rely on, and the token serves until it is refused.
            found = datetime.fromisoformat(self.expiration_timestamp)
            return found.timestamp() if found.tzinfo else None
        except (ValueError, OverflowError):
            return None


class _Credential(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


def _invalid(plugin: ExecPlugin, problem: str) -> ConfigError:
    return ConfigError(
        f"{plugin.place}: invalid ExecCredential of {plugin.command}: {problem}",
        hint="run it by hand, and see what it prints",
    )


def _variables(entries: Any, place: str) -> list[tuple[str, str]]:
    problem = ConfigError(f"{place}: exec.env is no list of name and value", hint="write `- name: A`, `value: b`")
    if not isinstance(entries, list):
        raise problem
    found = []
    for entry in entries:
        name, value = (entry.get("name"), entry.get("value", "")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not name or not isinstance(value, str) or "\0" in name + value or "=" in name:
            raise problem
        found.append((name, value))
    return found
