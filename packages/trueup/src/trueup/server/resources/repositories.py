"""``RepositoryService`` and ``RepoCredsService``: where repositories are, and what they are read and written with.

What is secret of that is written, and never shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from kubegrammar.redact import redact_url
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.repository import same_repository
from trueup.model.repository_url import parse_repository_url
from trueup.server.errors import Code, Fault
from trueup.server.gate import may, require
from trueup.server.request import Function, Functions, Json, Request
from trueup.store.credentials import LABEL, REPOSITORY, TEMPLATE, WRITE, WRITE_TEMPLATE, address_of, decoded
from trueup.store.repository_secrets import secret_name, secret_object

RESOURCE, WRITING = "repositories", "write-repositories"
_TEXTS = (
    "name",
    "type",
    "username",
    "password",
    "sshPrivateKey",
    "tlsClientCertData",
    "tlsClientCertKey",
    "githubAppPrivateKey",
    "githubAppEnterpriseBaseUrl",
    "gcpServiceAccountKey",
    "proxy",
    "noProxy",
    "project",
    "bearerToken",
    "azureServicePrincipalClientId",
    "azureServicePrincipalClientSecret",
    "azureServicePrincipalTenantId",
    "azureActiveDirectoryEndpoint",
)
_FLAGS = {
    "insecure": "insecure",
    "insecureIgnoreHostKey": "insecureIgnoreHostKey",
    "enableLfs": "enableLfs",
    "enableOCI": "enableOCI",
    "forceHttpBasicAuth": "forceHttpBasicAuth",
    "insecureOCIForceHttp": "insecureOCIForceHttp",
}
"""Fields of a message by those of a Secret."""
_NUMBERS = ("githubAppID", "githubAppInstallationID")
_CONFIDENTIAL = (
    "password",
    "sshPrivateKey",
    "tlsClientCertKey",
    "githubAppPrivateKey",
    "gcpServiceAccountKey",
    "bearerToken",
    "azureServicePrincipalClientSecret",
)
_WAY = (
    "proxy",
    "insecure",
    "insecureIgnoreHostKey",
    "insecureOCIForceHttp",
    "githubAppEnterpriseBaseUrl",
    "azureActiveDirectoryEndpoint",
)
"""Where and how credentials go."""
_SHOWN = ("name", "type", "username", "project", "noProxy", "githubAppEnterpriseBaseUrl")
"""What anybody may see who may see the repository."""


class RepositoryState(msgspec.Struct, frozen=True):
    """Whether a repository can be read, as far as an engine knows.

    Attributes:
        status: ``Successful``, ``Failed`` or ``Unknown``.
        at: when somebody has looked, in RFC 3339; empty where that is not known.
    """

    status: str = "Unknown"
    message: str = ""
    at: str = ""


Look = Callable[[Mapping[str, str]], Awaitable[RepositoryState]]
"""Asks a repository, by the data of its Secret, whether it can be read now."""


def unknown(url: str, project: str) -> RepositoryState:
    """Nobody has looked."""
    return RepositoryState()


class SecretWrites(Protocol):
    """The Secrets of repositories."""

    async def of_kind(self, kind: str) -> list[LiveObject]: ...

    async def create(self, body: dict[str, Any]) -> LiveObject: ...

    async def edit(self, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> LiveObject: ...

    async def delete(self, key: str, uid: str) -> None: ...


class RepositoryKind(msgspec.Struct, frozen=True):
    """One of the four kinds of Secrets.

    Attributes:
        kind: as its label says.
        field: of the message that has the URL.
        body: of requests that bring one.
    """

    kind: str
    resource: str
    field: str
    body: str


KINDS = {
    "": RepositoryKind(REPOSITORY, RESOURCE, "repo", "repo"),
    "Write": RepositoryKind(WRITE, WRITING, "repo", "repo"),
    "Credentials": RepositoryKind(TEMPLATE, RESOURCE, "url", "creds"),
    "WriteCredentials": RepositoryKind(WRITE_TEMPLATE, WRITING, "url", "creds"),
}


class RepositoryResources:
    """The functions, over their ports.

    Args:
        state: of a repository, on behalf of a project.
        look: for who asks for more than what is known (``forceRefresh``).
    """

    def __init__(
        self,
        secrets: SecretWrites,
        namespace: str,
        state: Callable[[str, str], RepositoryState] = unknown,
        look: Look | None = None,
    ) -> None:
        self._secrets, self._namespace, self._state, self._look = secrets, namespace, state, look

    def functions(self) -> Functions:
        """By their methods."""
        found: dict[str, Function] = {}
        for name, service, kind in (
            ("Repositories", "RepositoryService", KINDS[""]),
            ("WriteRepositories", "RepositoryService", KINDS["Write"]),
            ("RepositoryCredentials", "RepoCredsService", KINDS["Credentials"]),
            ("WriteRepositoryCredentials", "RepoCredsService", KINDS["WriteCredentials"]),
        ):
            one = name.replace("Repositories", "Repository")
            found[f"{service}.List{name}"] = self._bound(self._list, kind)
            for verb, function in (("Create", self._create), ("Update", self._update), ("Delete", self._delete)):
                found[f"{service}.{verb}{one}"] = self._bound(function, kind)
        plain, writing = KINDS[""], KINDS["Write"]
        for verb in ("List", "Create", "Update", "Delete"):
            noun = "Repositories" if verb == "List" else "Repository"
            found[f"RepositoryService.{verb}"] = found[f"RepositoryService.{verb}{noun}"]
        found["RepositoryService.Get"] = self._bound(self._get, plain)
        found["RepositoryService.GetWrite"] = self._bound(self._get, writing)
        return found

    def _bound(self, function: Callable[[RepositoryKind, Request], Any], kind: RepositoryKind) -> Function:
        async def bound(request: Request) -> Json:
            answer: Json = await function(kind, request)
            return answer

        return bound

    async def _list(self, kind: RepositoryKind, request: Request) -> Json:
        found = [(self._shown(kind, live), live) for live in await self._secrets.of_kind(kind.kind)]
        seen = [each for each in found if may(request.caller, kind.resource, "get", object_of(kind, each[0]))]
        items = await asyncio.gather(*(self._fresh(kind, request, *each) for each in seen))
        return {"metadata": {}, "items": sorted(items, key=lambda each: (each[kind.field], each.get("project", "")))}

    async def _get(self, kind: RepositoryKind, request: Request) -> Json:
        live = await self._found(kind, request, "get")
        return await self._fresh(kind, request, self._shown(kind, live), live)

    async def _fresh(self, kind: RepositoryKind, request: Request, shown: Json, live: LiveObject) -> Json:
        """With what its server says now, where that is asked for."""
        if self._look is None or kind.field != "repo" or not request.message.get("forceRefresh"):
            return shown
        return shown | {"connectionState": _connection(await self._look(decoded(live.object())))}

    async def known(self, kind: RepositoryKind, url: str) -> list[tuple[str, str]]:
        """URLs, whole, and projects of the Secrets that are for a repository, whoever asks."""
        found = [decoded(live.object()) for live in await self._with(kind, url, None)]
        return [(address_of(each["url"], each), each.get("project", "")) for each in found]

    async def _create(self, kind: RepositoryKind, request: Request) -> Json:
        given = request.message.get(kind.body) or {}
        url, project = given.get(kind.field, ""), given.get("project", "")
        require(request.caller, kind.resource, "create", object_of(kind, given))
        _good(url)
        there = await self._with(kind, url, project)
        data = written(kind, given)
        if not there:
            await self._tried(kind, request, data)
            name = secret_name(_like(kind.kind), url, project)
            name = name if kind.kind in (REPOSITORY, TEMPLATE) else f"{name}-write"
            made = secret_object(self._namespace, _like(kind.kind), name, data)
            made["metadata"]["labels"] = {LABEL: kind.kind}
            return self._shown(kind, await self._secrets.create(made))
        if _same(decoded(there[0].object()), data):
            require(request.caller, kind.resource, "get", object_of(kind, given))
            return self._shown(kind, there[0])
        if not request.message.get("upsert"):
            raise Fault(Code.INVALID_ARGUMENT, "existing repository spec is different; use upsert flag to force update")
        require(request.caller, kind.resource, "update", object_of(kind, given))
        await self._tried(kind, request, kept_of(decoded(there[0].object()), data) | data)
        return await self._replaced(kind, there[0], data)

    async def _tried(self, kind: RepositoryKind, request: Request, data: Mapping[str, str]) -> None:
        """See that a repository can be read before anything of it is kept, as Argo CD does: a wrong password in the
        place of none takes a repository away from all who read it.

        Raises:
            Fault: it cannot.
        """
        if self._look is None or kind.field != "repo" or request.message.get("credsOnly"):
            return
        state = await self._look(data)
        if state.status == "Failed":
            raise Fault(Code.INVALID_ARGUMENT, f"error testing repository connectivity: {state.message}")

    async def _update(self, kind: RepositoryKind, request: Request) -> Json:
        given = request.message.get(kind.body) or {}
        asked = Request(
            request.caller,
            {kind.field: given.get(kind.field, ""), "appProject": given.get("project", ""), "kept": True},
        )
        live = await self._found(kind, asked, "update")
        return await self._replaced(kind, live, written(kind, given))

    async def _delete(self, kind: RepositoryKind, request: Request) -> Json:
        live = await self._found(kind, request, "delete")
        await self._secrets.delete(f"{live.key.namespace}/{live.key.name}", live.uid)
        return {}

    async def _found(self, kind: RepositoryKind, request: Request, action: str) -> LiveObject:
        """The Secret that a request names: what may not be seen is not there."""
        message = request.message
        url, project = message.get(kind.field, ""), message.get("appProject", "")
        asked = object_of(kind, {kind.field: url, "project": project})
        for live in await self._with(kind, url, project if project or message.get("kept") else None):
            of = object_of(kind, self._shown(kind, live))
            if may(request.caller, kind.resource, action, of):
                return live
            if may(request.caller, kind.resource, "get", of):
                asked = of
        require(request.caller, kind.resource, action, asked)
        raise Fault(Code.NOT_FOUND, f"repo '{redact_url(url)[:200]}' not found")

    async def _with(self, kind: RepositoryKind, url: str, project: str | None) -> list[LiveObject]:
        found = []
        for live in await self._secrets.of_kind(kind.kind):
            data = decoded(live.object())
            if same_repository(data.get("url", ""), url) and project in (None, data.get("project", "")):
                found.append(live)
        return found

    async def _replaced(self, kind: RepositoryKind, live: LiveObject, data: Mapping[str, str]) -> Json:
        made = secret_object(self._namespace, _like(kind.kind), live.key.name, data)["data"]

        def replaced(there: dict[str, Any]) -> dict[str, Any]:
            has, stay = there.get("data") or {}, kept_of(decoded(there), data)
            kept = {name: value for name, value in has.items() if name in stay}
            return {
                **there,
                "data": {name: None for name in has if name not in made and name not in kept} | kept | made,
            }

        return self._shown(kind, await self._secrets.edit(f"{live.key.namespace}/{live.key.name}", replaced))

    def _shown(self, kind: RepositoryKind, live: LiveObject) -> Json:
        data = decoded(live.object())
        found: Json = {kind.field: redact_url(data.get("url", ""))}
        found |= {name: data[name] for name in _SHOWN if data.get(name)}
        found.setdefault("type", "git")
        found |= {name: True for name, field in _FLAGS.items() if data.get(field) == "true"}
        if data.get("proxy"):
            found["proxy"] = redact_url(data["proxy"])
        if kind.field == "repo":
            found["connectionState"] = _connection(self._state(data.get("url", ""), data.get("project", "")))
        return found


def written(kind: RepositoryKind, given: Json) -> dict[str, str]:
    """The data of a Secret."""
    data = {"url": given.get(kind.field, "")}
    data |= {name: given[name] for name in _TEXTS if given.get(name)}
    data |= {field: "true" for name, field in _FLAGS.items() if given.get(name)}
    return data | {name: str(given[name]) for name in _NUMBERS if given.get(name)}


def kept_of(there: Mapping[str, str], data: Mapping[str, str]) -> dict[str, str]:
    """What stays of a Secret's data when others are written: what is secret and is not sent, since nobody can send what
    nobody is shown. But it goes no other way than the one that it was given for: a proxy of others, say, or a server
    that proves nothing."""
    if any(there.get(name, "") != data.get(name, "") for name in _WAY):
        return {}
    return {name: value for name, value in there.items() if name in _CONFIDENTIAL}


def _connection(state: RepositoryState) -> Json:
    return {"status": state.status, "message": state.message, "attemptedAt": state.at or None}


def object_of(kind: RepositoryKind, of: Json) -> str:
    """As policies name it: with its project, where it is one's own."""
    url, project = of.get(kind.field, ""), of.get("project", "")
    return f"{project}/{url}" if project else str(url)


def _good(url: str) -> None:
    try:
        parsed = parse_repository_url(url)
    except TrueupError as error:
        raise Fault(Code.INVALID_ARGUMENT, str(error)) from error
    if parsed.userinfo:
        raise Fault(Code.INVALID_ARGUMENT, "the URL has a password, which every application would have to repeat")


def _same(there: Mapping[str, str], data: Mapping[str, str]) -> bool:
    return all(there.get(name, "") == value for name, value in data.items())


def _like(kind: str) -> str:
    return REPOSITORY if kind in (REPOSITORY, WRITE) else TEMPLATE
