"""Whatever comes over HTTP/1.1, to who answers it."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from trueup.runtime.logger import Logger
from trueup.server.description.values import Description
from trueup.server.endpoint import Endpoint, Knock
from trueup.server.errors import Code, Fault
from trueup.server.request import PEER
from trueup.server.transport import grpcweb
from trueup.server.transport.answers import reply, reply_fault, reply_text
from trueup.server.transport.body import BodyRoom, BodyTooLarge, ClientGone, patient, read_body
from trueup.server.transport.grpcweb import GrpcWeb
from trueup.server.transport.openapi import openapi
from trueup.server.transport.rest import MOST_PARAMETERS, Rest
from trueup.server.walk import Walk

log = Logger("trueup.server")


class Http:
    """An ASGI application.

    Args:
        root: a path below which all of it is, such as ``/argocd``; empty for none.
        ready: whether the engine has begun to work.
        pages: answers what is none of the API's paths; None for nobody.
        walks: what a browser is led through to sign in, by their paths.
        endpoints: what else is answered, by its path.
    """

    def __init__(
        self,
        rest: Rest,
        web: GrpcWeb,
        described: Description,
        *,
        root: str,
        ready: Callable[[], bool],
        pages: ASGIApp | None = None,
        walks: Mapping[str, Walk] | None = None,
        endpoints: Mapping[str, Endpoint] | None = None,
    ) -> None:
        self._pages, self._walks, self._endpoints = pages, walks or {}, endpoints or {}
        self._room = BodyRoom()
        self._rest, self._web, self._described = rest, web, described
        self._root = root.rstrip("/")
        self._ready = ready
        self._openapi = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        send = patient(scope, send)
        try:
            await self._answer(scope, receive, send)
        except ClientGone:
            pass
        except Exception as error:
            log.error("request failed", path=scope["path"][:200], exc_info=error)
            await reply_fault(send, Fault(Code.INTERNAL, "internal error"))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        if headers is None:
            await reply_text(send, 400, "Bad Request")
            return
        probe = _PROBES.get(path)
        if probe is not None and scope["method"] in ("GET", "HEAD"):
            ok = probe == "alive" or self._ready()
            await reply_text(send, 200 if ok else 503, "ok" if ok else "not ready")
            return
        if self._root:
            if path == self._root and scope["method"] in ("GET", "HEAD"):
                # Relative addresses of a page are below it only with the slash.
                query = b"?" + scope["query_string"] if scope["query_string"] else b""
                await reply_text(send, 307, "", [(b"location", f"{self._root}/".encode() + query)])
                return
            if not path.startswith(self._root + "/"):
                await reply_text(send, 404, "Not Found")
                return
            path = path[len(self._root) :]
        answer: Callable[[Scope, dict[str, str], str, Receive, Send], Awaitable[None]] = self._rest
        if scope["method"] == "POST" and grpcweb.kind_of(headers):
            answer = self._web
        elif path == "/swagger.json" and scope["method"] == "GET":
            self._openapi = self._openapi or openapi(self._described, self._root)
            await reply(send, 200, self._openapi)
            return
        elif path in self._walks and scope["method"] == "GET":
            await _walk(self._walks[path], scope, headers, send)
            return
        elif path in self._endpoints:
            await self._knock(self._endpoints[path], scope, headers, receive, send)
            return
        elif self._pages is not None and not path.startswith(_OWN):
            await self._pages(scope, receive, send)
            return
        await answer(scope, headers, path, receive, send)

    async def _knock(
        self, endpoint: Endpoint, scope: Scope, headers: dict[str, str], receive: Receive, send: Send
    ) -> None:
        verb = scope["method"]
        if verb not in endpoint.verbs:
            await reply_text(send, 405, "Method Not Allowed", [(b"allow", ", ".join(endpoint.verbs).encode())])
            return
        query, largest = _query(scope), endpoint.largest()
        if query is None:
            await reply_text(send, 400, "Bad Request")
            return
        with self._room.receiving(receive) as receiving:
            try:
                body = await read_body(receiving, headers, largest) if largest else b""
            except Fault as fault:
                late = 408 if fault.code is Code.DEADLINE_EXCEEDED else fault.code.http
                # A body whose end is not waited for cannot be followed by another request.
                closing = [(b"connection", b"close")]
                await reply_text(send, 413 if isinstance(fault, BodyTooLarge) else late, fault.message, closing)
                return
            answer = await endpoint.answer(Knock(verb, headers, query, body))
        more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await reply(send, answer.status, answer.body, answer.kind.encode("latin-1"), more)


async def _walk(page: Walk, scope: Scope, headers: dict[str, str], send: Send) -> None:
    query = _query(scope)
    if query is None:
        await reply_text(send, 400, "Bad Request")
        return
    answer = await page(headers, query)
    more = [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.cookies]
    if answer.location:
        more.append((b"location", answer.location.encode("ascii")))
    await reply_text(send, answer.status, answer.text, more)


_OWN = ("/api/", "/auth/", "/terminal", "/extensions/", "/download/", "/metrics")
"""Beginnings of paths that are no page's."""
_PROBES = {"/healthz": "alive", "/readyz": "ready"}


def _headers(scope: Scope) -> dict[str, str] | None:
    """Headers by their names; None where one that decides comes twice: two readers would believe two things."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        if name in ("authorization", "content-length", "content-type", "host", "origin") and name in found:
            return None
        text = value.decode("latin-1")
        found[name] = f"{found[name]}; {text}" if name == "cookie" and name in found else text
    client = scope.get("client")
    found[PEER] = client[0] if client else ""
    return found


def _query(scope: Scope) -> dict[str, str] | None:
    """The parameters, of one that comes twice the first; None where they cannot be read."""
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return None
    return dict(reversed(pairs))
