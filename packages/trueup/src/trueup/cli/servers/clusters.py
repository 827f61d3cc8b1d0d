"""Clusters through an API server."""

from collections.abc import Callable

from trueup.cli.cluster.port import Body, ClusterView
from trueup.cli.servers.session import Json, ServerRefused, ServerSession, escaped
from trueup.cli.servers.shape import part, rows, word, words
from trueup.model.errors import TrueupError

_ALL = "/api/v1/clusters"
_EXISTS = "existing cluster spec is different"


class ServedClusters:
    """Those that the server shows; :class:`~trueup.cli.cluster.port.ClustersPort`."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    async def all(self, *, looks: bool) -> list[ClusterView]:
        return [_view(each) for each in rows(await self._session.get(_ALL), "items")]

    async def get(self, named: str) -> ClusterView:
        return _view(await self._ask("GET", named))

    async def require_room(self, server: str, project: str, *, upsert: bool) -> None:
        if upsert:
            return
        for each in await self.all(looks=False):
            if (each.server, each.project) == (server, project) and each.name != "in-cluster":
                raise TrueupError(f"cluster {server} is known already", hint="--upsert replaces it")

    async def add(self, body: Body, *, upsert: bool) -> None:
        try:
            await self._session.ask("POST", _ALL, {"upsert": upsert}, body)
        except ServerRefused as error:
            if _EXISTS not in error.message:
                raise
            raise TrueupError(f"cluster {body['server']} is known already", hint="--upsert replaces it") from error

    async def set(self, named: str, body: Body) -> None:
        there = await self._ask("GET", named)
        await self._ask("PUT", named, {"updatedFields": list(body)}, {"server": there.get("server", ""), **body})

    async def remove(self, named: str, ask: Callable[[list[str]], None]) -> None:
        there = await self.get(named)
        items = rows(await self._session.get("/api/v1/applications", {"fields": _FIELDS}), "items")
        ask(sorted(word(part(each, "metadata"), "name") for each in items if _goes_to(each, there)))
        await self._ask("DELETE", named)

    async def rotate(self, named: str, account: str, system: str) -> str:
        await self._ask("POST", named, below="/rotate-auth", body={})
        return ""

    async def _ask(
        self, verb: str, named: str, query: Json | None = None, body: Body | None = None, below: str = ""
    ) -> Json:
        kind = "server" if "://" in named else "name"
        try:
            return await self._session.ask(
                verb, f"{_ALL}/{escaped(named)}{below}", {"id.type": kind, **(query or {})}, body
            )
        except ServerRefused as error:
            if not error.missing:
                raise
            raise TrueupError(
                f"there is no cluster {named!r} on {self._session.server.address}, or you may not do this with it",
                hint="`trueup cluster list` shows those that you may see",
            ) from error


_FIELDS = "items.metadata.name,items.spec.destination"


def _goes_to(app: Json, cluster: ClusterView) -> bool:
    said = part(part(app, "spec"), "destination")
    return said.get("name") == cluster.name or str(said.get("server", "")).rstrip("/") == cluster.server


def _view(body: Json) -> ClusterView:
    state = part(body, "connectionState")
    return ClusterView(
        server=str(body.get("server", "")),
        name=str(body.get("name", "")),
        project=str(body.get("project", "")),
        namespaces=len(words(body, "namespaces")),
        status=str(state.get("status", "")),
        version=str(body.get("serverVersion", "")),
        message=str(state.get("message", "")),
        body=body,
    )
