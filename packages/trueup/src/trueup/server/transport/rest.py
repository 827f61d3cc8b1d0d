"""REST, as Argo CD's gateway speaks it: paths and queries into messages, messages into JSON."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from trueup.server.api import Api
from trueup.server.codec.accept import accept, put
from trueup.server.description.values import MethodOf
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Stream, plain
from trueup.server.transport.answers import (
    not_found,
    pump,
    reply_fault,
    reply_json,
    reply_text,
    start_stream,
    stream_error,
)
from trueup.server.transport.body import LARGEST, read_body
from trueup.server.transport.masks import Mask
from trueup.server.transport.routes import Route, Routes

EVENTS = "text/event-stream"
MOST_PARAMETERS = 1000
_OWN = ("fields", "download")
"""Parameters that are none of a message."""


Cookies = Callable[[str, Json, Mapping[str, str]], list[str]]
"""From ``Service.Method``, its answer and the request's headers to ``Set-Cookie`` values."""


def no_cookies(method: str, answer: Json, headers: Mapping[str, str]) -> list[str]:
    """None."""
    return []


class Rest:
    """Answers what is asked by path.

    Args:
        routes: of the methods.
        cookies: what browsers are told to keep.
        types: content types that a change may have; what a form of another site can send is not among them.
    """

    def __init__(
        self, api: Api, routes: Routes, cookies: Cookies, types: Iterable[str] = ("application/json",)
    ) -> None:
        self._api, self._routes, self._cookies, self._types = api, routes, cookies, frozenset(types)

    async def __call__(self, scope: Scope, headers: dict[str, str], path: str, receive: Receive, send: Send) -> None:
        verb = scope["method"]
        route = self._routes.find(verb, path)
        if not isinstance(route, Route):
            if route:
                await reply_text(send, 405, "Method Not Allowed", [(b"allow", ", ".join(sorted(route)).encode())])
            else:
                await reply_fault(send, not_found())
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if verb != "GET" and kind not in self._types and (kind or verb == "POST"):
            # Without a type only what no page of another site can send: a browser asks first about other verbs.
            await reply_text(send, 415, "Invalid content type")
            return
        try:
            query = parse_qsl(
                scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_PARAMETERS,
            )
        except ValueError:
            await reply_fault(send, Fault(Code.INVALID_ARGUMENT, "the query cannot be read"))
            return
        own = {name: value for name, value in query if name in _OWN}

        async def read() -> Json:
            body = await read_body(receive, headers, LARGEST) if verb not in ("GET", "HEAD") else b""
            return message(route, query, body)

        try:
            resume = headers.get("last-event-id", "")
            answer = await self._api.call(route.method, headers, read, resume)
        except Fault as fault:
            await reply_fault(send, fault)
            return
        mask = Mask(own.get("fields", ""))
        if not isinstance(answer, Stream):
            kept = self._cookies(route.method.key, answer, headers)
            await reply_json(send, mask.of(answer), [(b"set-cookie", each.encode("latin-1")) for each in kept])
        elif own.get("download") == "true" and route.method.key == "ApplicationService.PodLogs":
            await start_stream(send, b"application/octet-stream")
            await pump(_lines(answer.items), receive, send)
        elif EVENTS in headers.get("accept", ""):
            await start_stream(send, EVENTS.encode())
            await pump(_events(answer, mask), receive, send, idle=b":\n\n")
        else:
            await start_stream(send, b"application/json")
            await pump(_items(answer.items, mask), receive, send)


def message(route: Route, query: list[tuple[str, str]], body: bytes) -> Json:
    """The request of a route, from its path, its query and its body; what the path says counts most.

    Raises:
        Fault: a value is of another type.
    """
    method, binding = route.method, route.binding
    found: Json = {}
    if binding.body:
        found = _bound(method, binding.body, read_json(body) if body else {})
    if binding.body != "*":
        values: dict[str, list[str]] = {}
        for name, value in query:
            values.setdefault(name.removesuffix("[]"), []).append(value)
        for name, several in values.items():
            if name not in _OWN and name.partition(".")[0] != binding.body:
                put(method.request, found, name, several)
    for name, value in route.values:
        put(method.request, found, name, [value])
    return found


def read_json(body: bytes) -> Any:
    """JSON in which no key comes twice: two readers would believe two things.

    Raises:
        Fault: it is none; it says where.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise Fault(Code.INVALID_ARGUMENT, f"the body is no JSON: {error.msg} at offset {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise Fault(Code.INVALID_ARGUMENT, f"the body is no JSON: {str(error)[:200]}") from error


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _bound(method: MethodOf, field: str, value: Any) -> Json:
    if field == "*":
        return accept(method.request, value)
    if value is None:
        return {}
    return accept(method.request, {field: value})


async def _items(items: AsyncIterator[Json], mask: Mask) -> AsyncIterator[bytes]:
    async for item in _results(items, mask):
        yield msgspec.json.encode(item) + b"\n"


async def _events(stream: Stream, mask: Mask) -> AsyncIterator[bytes]:
    async for item in _results(stream.items, mask):
        token = stream.token()
        place = f"id: {token}\n".encode() if token else b""
        yield b"%sdata: %s\n\n" % (place, msgspec.json.encode(item))


async def _lines(items: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    try:
        async for item in items:
            if not item.get("last"):
                yield item.get("content", "").encode() + b"\n"
    except Fault as fault:
        yield fault.message.encode()


async def _results(items: AsyncIterator[Json], mask: Mask) -> AsyncIterator[Json]:
    try:
        async for item in items:
            yield mask.of({"result": item}) if mask else {"result": plain(item)}
    except Fault as fault:
        yield stream_error(fault)
