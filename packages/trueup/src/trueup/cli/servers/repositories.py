"""Repositories through an API server."""

from collections.abc import Mapping

from trueup.cli.repo.port import RepositoryView
from trueup.cli.servers.session import Json, ServerRefused, ServerSession, escaped
from trueup.cli.servers.shape import part, rows
from trueup.model.errors import TrueupError
from trueup.store.credentials import REPOSITORY
from trueup.store.repository_secrets import RepositorySecret

_FLAGS = ("insecure", "insecureIgnoreHostKey", "enableLfs", "enableOCI", "forceHttpBasicAuth", "insecureOCIForceHttp")
_BAD_REQUEST = 400
_EXISTS = "existing repository spec is different"


class ServedRepositories:
    """Those that the server shows; :class:`~trueup.cli.repo.port.RepositoriesPort`."""

    def __init__(self, session: ServerSession, kind: str) -> None:
        self._session = session
        # Where they are, and how the URL is called there.
        self._all, self._url = ("/api/v1/repositories", "repo") if kind == REPOSITORY else ("/api/v1/repocreds", "url")

    async def list(self, *, refresh: bool) -> list[RepositoryView]:
        items = rows(await self._session.get(self._all, {"forceRefresh": refresh or None}), "items")
        return sorted((self._view(each) for each in items), key=lambda each: (each.of.url, each.of.project))

    async def get(self, url: str, project: str | None) -> RepositoryView:
        query = {"appProject": project, "forceRefresh": True}
        try:
            return self._view(await self._session.get(f"{self._all}/{escaped(url)}", query))
        except ServerRefused as error:
            raise self._absent(error, url) from error

    async def add(self, data: Mapping[str, str], *, upsert: bool, validate: bool) -> str:
        body: Json = {name: value for name, value in data.items() if name not in ("url", *_FLAGS) and value}
        body |= {self._url: data["url"]} | {name: True for name in _FLAGS if data.get(name) == "true"}
        there = [each for each in await self.list(refresh=False) if each.of.url == data["url"]]
        try:
            await self._session.ask("POST", self._all, {"upsert": upsert, "credsOnly": not validate}, body)
        except ServerRefused as error:
            if _EXISTS in error.message:
                raise TrueupError(
                    f"{data['url']} has other credentials already", hint="--upsert replaces them"
                ) from error
            if validate and error.status == _BAD_REQUEST:
                # The server, which is the one that reads, has tried them; nothing is kept.
                raise TrueupError(
                    error.message, hint="nothing was kept: correct the credentials; --no-validate keeps them untried"
                ) from error
            raise
        return "updated" if there else "added"

    async def remove(self, url: str, project: str | None) -> None:
        try:
            await self._session.ask("DELETE", f"{self._all}/{escaped(url)}", {"appProject": project})
        except ServerRefused as error:
            raise self._absent(error, url) from error

    def _absent(self, error: ServerRefused, url: str) -> TrueupError:
        if not error.missing:
            return error
        return TrueupError(
            f"{url} is not known to {self._session.server.address}, or you may not do this with it",
            hint="`trueup repo list` shows those that you may see",
        )

    def _view(self, body: Json) -> RepositoryView:
        state = part(body, "connectionState")
        message = str(state.get("message") or "it cannot be read")
        problem = {"Successful": "", "Failed": message}.get(str(state.get("status", "")))
        of = RepositorySecret(
            secret="",
            url=str(body.get(self._url, "")),
            type=str(body.get("type") or "git"),
            name=str(body.get("name", "")),
            project=str(body.get("project", "")),
            username=str(body.get("username", "")),
            insecure=bool(body.get("insecure") or body.get("insecureIgnoreHostKey")),
            enable_oci=bool(body.get("enableOCI")),
            credentials=(),
        )
        return RepositoryView(of, problem)
