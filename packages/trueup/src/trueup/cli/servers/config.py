"""Argo CD's own configuration file: servers, users and contexts. What is not known of it stays as it is."""

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubegrammar import yaml
from trueup.cli.servers.known import KnownServer
from trueup.model.errors import TrueupError


class ServersConfig:
    """The file, read once and written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.body: dict[str, Any] = _read(path)

    def contexts(self) -> list[tuple[str, str, bool]]:
        """Names, servers, and whether one is the current one."""
        current = self.body.get("current-context", "")
        return [(each["name"], each.get("server", ""), each["name"] == current) for each in self._listed("contexts")]

    def server(self, context: str = "") -> KnownServer | None:
        """The server of a context, of the current one where none is named; None where there is none."""
        name = context or self.body.get("current-context", "")
        found = _named(self._listed("contexts"), "name", name)
        if found is None:
            return None
        address = str(found.get("server", ""))
        server = _named(self._listed("servers"), "server", address) or {}
        user = _named(self._listed("users"), "name", str(found.get("user", ""))) or {}
        return KnownServer(
            address=address,
            root=str(server.get("grpc-web-root-path", "")).strip("/"),
            plain=server.get("plain-text") is True,
            insecure=server.get("insecure") is True,
            token=str(user.get("auth-token", "")),
            refresh_token=str(user.get("refresh-token", "")),
            context=name,
            authority=self._pem(server, "certificate-authority-data"),
            certificate=self._pem(server, "client-certificate-data"),
            key=self._pem(server, "client-certificate-key-data"),
            core=server.get("core") is True,
        )

    def keep(self, name: str, server: KnownServer) -> None:
        """Make a context of a server the current one."""
        known: dict[str, Any] = {"server": server.address}
        known |= {"grpc-web-root-path": server.root} if server.root else {}
        known |= {"plain-text": True} if server.plain else {}
        known |= {"insecure": True} if server.insecure else {}
        known |= {"core": True} if server.core else {}
        for field, pem in (
            ("certificate-authority-data", server.authority),
            ("client-certificate-data", server.certificate),
            ("client-certificate-key-data", server.key),
        ):
            known |= {field: base64.b64encode(pem).decode()} if pem else {}
        user = {"name": name, "auth-token": server.token}
        user |= {"refresh-token": server.refresh_token} if server.refresh_token else {}
        self._put("servers", "server", known)
        self._put("users", "name", user)
        self._put("contexts", "name", {"name": name, "server": server.address, "user": name})
        self.body["current-context"] = name
        self._write()

    def use(self, name: str) -> bool:
        """Make a context the current one; whether there is one of that name."""
        if _named(self._listed("contexts"), "name", name) is None:
            return False
        self.body["current-context"] = name
        self._write()
        return True

    def forget_token(self, name: str) -> None:
        """Take a context's tokens away."""
        found = _named(self._listed("contexts"), "name", name) or {}
        user = _named(self._listed("users"), "name", str(found.get("user", "")))
        if user is not None:
            user.pop("auth-token", None)
            user.pop("refresh-token", None)
            self._write()

    def remove(self, name: str) -> bool:
        """Take a context away, with its user, and its server where no other has it; whether there was one."""
        found = _named(self._listed("contexts"), "name", name)
        if found is None:
            return False
        self._drop("contexts", "name", name)
        self._drop("users", "name", str(found.get("user", "")))
        if not any(each.get("server") == found.get("server") for each in self._listed("contexts")):
            self._drop("servers", "server", str(found.get("server", "")))
        if self.body.get("current-context") == name:
            self.body["current-context"] = ""
        self._write()
        return True

    def _pem(self, server: Mapping[str, Any], field: str) -> bytes:
        try:
            return base64.b64decode(str(server.get(field) or ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise TrueupError(f"{self.path}: {field} is not base64", hint="correct it, or sign in again") from error

    def _listed(self, key: str) -> list[dict[str, Any]]:
        found = self.body.get(key)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _put(self, key: str, by: str, entry: Mapping[str, Any]) -> None:
        self.body[key] = [each for each in self._listed(key) if each.get(by) != entry[by]] + [dict(entry)]

    def _drop(self, key: str, by: str, value: str) -> None:
        self.body[key] = [each for each in self._listed(key) if each.get(by) != value]

    def _write(self) -> None:
        """For its owner alone: it has tokens in it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self.path.with_name(f".{self.path.name}.new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(yaml.dump(self.body))
            fresh.replace(self.path)
        except OSError as error:
            raise TrueupError(
                f"{self.path} cannot be written: {error.strerror}", hint="--config names another"
            ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TrueupError(f"{path} cannot be read: {error.strerror}", hint="--config names another") from error
    if stat.S_IMODE(mode) & 0o077:
        raise TrueupError(
            f"config file has incorrect permission flags: {path} may be read by others", hint=f"chmod 600 {path}"
        )
    try:
        body = yaml.load(data, str(path))
    except yaml.YamlError as error:
        raise TrueupError(f"{path} is no YAML: {error}", hint="correct it, or delete it and sign in again") from error
    if body is not None and not isinstance(body, dict):
        raise TrueupError(f"{path} is no configuration of Argo CD's", hint="delete it and sign in again")
    return body or {}


def _named(entries: list[dict[str, Any]], by: str, value: str) -> dict[str, Any] | None:
    return next((each for each in entries if value and each.get(by) == value), None)
