"""All of the server, put together over what it is given."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import msgspec
from starlette.types import ASGIApp

from trueup.server.api import Api, Audit
from trueup.server.caller import Authenticator
from trueup.server.changes.log import Changes
from trueup.server.description.read import description
from trueup.server.endpoint import Endpoint
from trueup.server.request import Functions
from trueup.server.transport.grpc import Grpc
from trueup.server.transport.grpcweb import GrpcWeb
from trueup.server.transport.http import Http
from trueup.server.transport.port import Port
from trueup.server.transport.rest import Cookies, Rest, no_cookies
from trueup.server.transport.routes import Routes
from trueup.server.walk import Walk

INTERNAL = "repository.RepoServerService"
"""Argo CD's own, between its programs: nobody else asks for it."""


class Listening(msgspec.Struct, frozen=True):
    """Where and how the server is reached.

    Attributes:
        host: empty for every address.
        port: 0 for a free one.
        root: the path below which all is; empty for none.
    """

    host: str = ""
    port: int = 8080
    root: str = ""


@asynccontextmanager
async def serving(
    listening: Listening,
    context: ssl.SSLContext | None,
    authenticator: Authenticator,
    functions: Iterable[Functions],
    *,
    audit: Audit,
    changes: Iterable[Changes] = (),
    ready: Callable[[], bool] = lambda: True,
    cookies: Cookies = no_cookies,
    pages: ASGIApp | None = None,
    walks: Mapping[str, Walk] | None = None,
    endpoints: Mapping[str, Endpoint] | None = None,
) -> AsyncIterator[Port]:
    """Serve until the context is left.

    Args:
        context: for TLS; None for plain text.
        changes: logs that are closed before the sockets, so that streams end in words.
        cookies: what browsers are told to keep.
        pages: answers what is none of the API's paths.
        walks: what a browser is led through to sign in, by their paths.
        endpoints: what else is answered, by its path.

    Raises (on entry):
        TrueupError: the address cannot be listened on.
    """
    described = description()
    known = [method for method in described.methods() if method.service != INTERNAL]
    built = {key: function for each in functions for key, function in each.items()}
    by_path = {method.path: method for method in known}
    api = Api(authenticator, built, audit)
    rest = Rest(api, Routes(known, built), cookies)
    http = Http(
        rest,
        GrpcWeb(api, by_path),
        described,
        root=listening.root,
        ready=ready,
        pages=pages,
        walks=walks,
        endpoints=endpoints,
    )
    grpc = Grpc(api, by_path)
    async with Port(listening.host, listening.port, http, grpc.protocol, context) as port:
        try:
            yield port
        finally:
            for each in changes:
                each.close()
