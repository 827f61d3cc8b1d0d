"""Signing in over Secrets that a test holds in its hands."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import bcrypt

from trueup.kube.object import read_object
from trueup.model.live import LiveObject
from trueup.server.session.attempts import Attempts, Revoked, TryLimits
from trueup.server.session.local import LocalAccounts
from trueup.server.session.passwords import Passwords
from trueup.server.session.rights import Rights
from trueup.server.session.signin import Foreign, SignIn

COST = 4
"""The least that bcrypt has: what is tried is not how much a hash costs."""
KEY = "a key to sign with that is long enough"
LIMITS = TryLimits()
BEGIN = 1_800_000_000.0


def hashed(password: str) -> str:
    """The hash of a password."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()


class Secrets:
    """Secrets by name; a restart keeps them."""

    def __init__(self, **data: Mapping[str, str]) -> None:
        self.data: dict[str, Mapping[str, str]] = {name.replace("_", "-"): dict(each) for name, each in data.items()}
        self.writes = 0
        self.fault: Exception | None = None

    def secret(self, name: str) -> Mapping[str, str]:
        return self.data.setdefault(name, {})

    async def update(
        self, name: str, decide: Callable[[Mapping[str, str]], Mapping[str, str | None]]
    ) -> Mapping[str, str]:
        if self.fault is not None:
            raise self.fault
        changes = decide(self.secret(name))
        if changes:
            self.writes += 1
            after = {**self.secret(name), **changes}
            self.data[name] = {key: value for key, value in after.items() if value is not None}
        return self.data[name]


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> float:
        return self.at


def stored(kind: str, name: str, body: Mapping[str, Any], version: str = "1") -> LiveObject:
    """An object as the cache has it."""
    group = {"AppProject": "argoproj.io/v1alpha1"}.get(kind, "v1")
    metadata = {"name": name, "namespace": "argocd", "resourceVersion": version}
    whole = {"apiVersion": group, "kind": kind, "metadata": metadata, **body}
    return read_object(json.dumps(whole).encode())


class House:
    """An installation: its settings, Secrets, rights and projects, and the server's sign-in over them."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
        policy: Mapping[str, str] | None = None,
        *,
        limits: TryLimits = LIMITS,
        foreign: Callable[["House"], Foreign] | None = None,
    ) -> None:
        self.settings: Mapping[str, str] = settings or {}
        self.secrets = secrets or Secrets(
            argocd_secret={"server.secretkey": KEY, "admin.password": hashed("right password")}
        )
        self.policy: LiveObject | None = stored("ConfigMap", "argocd-rbac-cm", {"data": dict(policy or {})})
        self.projects: dict[str, LiveObject] = {}
        self.time = Time()
        self.limits = limits
        self._foreign = foreign
        self.start()

    def start(self) -> None:
        """A server, anew: what it remembers is gone."""
        self.accounts = LocalAccounts(self.secrets, lambda: self.settings, self.time)
        self.rights = Rights(lambda: self.policy, self.projects.get)
        self.passwords = Passwords(COST)
        self.sign_in = SignIn(
            self.accounts,
            self.passwords,
            Attempts(self.secrets, self.limits, self.time),
            Revoked(self.secrets, self.time),
            self.rights,
            self.projects.get,
            self.time,
            foreign=self._foreign(self) if self._foreign else None,
            refusal_seconds=0.0,
        )
