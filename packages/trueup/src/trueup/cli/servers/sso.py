"""Signing in by an identity provider, with a browser and a port of this machine (RFC 8252, 7636)."""

import asyncio
import base64
import hashlib
import http.server
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from trueup.cli.screen import say
from trueup.cli.servers.client import ServerClient
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.shape import part, word, words
from trueup.cli.servers.tokens import claims as claims_of
from trueup.cli.servers.tokens import require_token
from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import tls_context
from trueup.kube.plainwire import PlainWire
from trueup.kube.wire import Answer, Lost, TooLong
from trueup.model.errors import TrueupError

PORT = 8085
SECONDS = 300.0
_LARGEST = 1 << 20
_OK = 200
_DEX_CLIENT = "argo-cd-cli"
_DONE = b"<!doctype html><title>Signed in</title><p>You have signed in. This window can be closed."
_FAILED = b"<!doctype html><title>Not signed in</title><p>Signing in has failed. The command line says why."


class ProviderTokens(msgspec.Struct, frozen=True):
    """What a provider has given."""

    id_token: str
    refresh_token: str

    def __repr__(self) -> str:
        return "ProviderTokens()"


def sign_in(
    server: KnownServer, *, port: int = PORT, launches: bool = True, seconds: float = SECONDS
) -> ProviderTokens:
    """Let a browser sign in at the provider of a server.

    Args:
        port: of this machine, to which the provider sends the browser back.
        launches: open a browser; its URL is printed either way.

    Raises:
        TrueupError: the server has no provider, nobody signs in, or the provider gives no token.
    """
    issuer, client, scopes, claims = _provider(server)
    places = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if places.get("issuer") != issuer:
        raise TrueupError(f"{issuer} says that it is another issuer", hint="is the server's oidc.config right?")
    state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    with _Callback(port) as callback:
        back = f"http://localhost:{callback.port}/auth/callback"
        said = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(("openid", *scopes, "offline_access"))),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
            .rstrip(b"=")
            .decode(),
            "code_challenge_method": "S256",
        }
        if claims:
            said["claims"] = json.dumps({"id_token": claims}, separators=(",", ":"))
        place = _place(places, "authorization_endpoint")
        url = f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(said)}"
        say(f"Performing authorization_code flow login: {url}")
        if launches:
            import webbrowser

            say("Opening system default browser for authentication")
            webbrowser.open(url)
        query = callback.wait(state, seconds)
    form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": back, "client_id": client}
    told = _fetch(_place(places, "token_endpoint"), form | {"code_verifier": verifier})
    if not told.get("id_token"):
        raise TrueupError(f"{issuer} gives no identity token", hint="does its client permit the scope openid?")
    token = require_token(told["id_token"], issuer)
    if claims_of(token).get("nonce") != nonce:
        raise TrueupError(f"{issuer} answers another question", hint="run the command again")
    return ProviderTokens(token, str(told.get("refresh_token") or ""))


def _provider(server: KnownServer) -> tuple[str, str, list[str], Mapping[str, Any]]:
    """Issuer, client, scopes, and claims that are asked for."""
    settings = ServerClient(msgspec.structs.replace(server, token="")).get("/api/v1/settings")
    known = settings.get("oidcConfig")
    if isinstance(known, dict):
        client = word(known, "cliClientID") or word(known, "clientID")
        scopes = words(known, "scopes") or ["profile", "email", "groups"]
        return word(known, "issuer"), client, scopes, part(known, "idTokenClaims")
    if settings.get("dexConfig") and settings.get("url"):
        return f"{str(settings['url']).rstrip('/')}/api/dex", _DEX_CLIENT, ["profile", "email", "groups"], {}
    raise TrueupError(
        "Argo CD instance is not configured with SSO", hint="--username and --password sign in to a local account"
    )


class _Callback:
    """A port of this machine that waits for a browser to come back."""

    def __init__(self, port: int) -> None:
        outer = self
        self.query: dict[str, str] = {}
        self.state = ""

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query))
                if parts.path != "/auth/callback":
                    self.send_error(404)
                    return
                same = secrets.compare_digest(query.get("state", "").encode(), outer.state.encode())
                good = same and "code" in query and "error" not in query
                if same:
                    outer.query = query
                self.send_response(200 if good else 400)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", "default-src 'none'")
                self.end_headers()
                # Nothing that came is in it.
                self.wfile.write(_DONE if good else _FAILED)

            def log_message(self, *_: object) -> None:
                return

        try:
            self._server = http.server.HTTPServer(("localhost", port), Handler)
        except OSError as error:
            raise TrueupError(
                f"port {port} of this machine cannot be listened on: {error.strerror}", hint="--sso-port names another"
            ) from error
        self.port = self._server.server_port

    def __enter__(self) -> "_Callback":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, state: str, seconds: float) -> dict[str, str]:
        """The query of a browser that comes back with the right state."""
        self.state = state
        until = time.monotonic() + seconds
        while not self.query:
            left = until - time.monotonic()
            if left <= 0:
                raise TrueupError("nobody has signed in in time", hint="run the command again")
            self._server.timeout = left
            self._server.handle_request()
        if "error" in self.query or "code" not in self.query:
            raise TrueupError("the identity provider refuses", hint="what the browser shows may say why")
        return self.query


def _place(places: Mapping[str, Any], name: str) -> str:
    url = places.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", "http"):
        raise TrueupError(f"the identity provider has no {name}", hint="is the server's oidc.config right?")
    return url


def _fetch(url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a provider answers, within the time of any answer; nobody is followed elsewhere."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise TrueupError(f"{url[:200]} is no URL of http or https", hint="is the server's oidc.config right?")
    config = ClusterConfig(server=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    sent = urlencode(form).encode() if form is not None else None
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    async def asked() -> Answer:
        wire = PlainWire(config, tls_context(config), 1)
        try:
            return await wire.exchange("GET" if form is None else "POST", target, headers, sent, _LARGEST)
        finally:
            await wire.close()

    try:
        answer = asyncio.run(asked())
        found = json.loads(answer.body) if answer.status == _OK else None
    except (Lost, TooLong, ValueError, RecursionError) as error:
        why = error.cause if isinstance(error, Lost) else type(error).__name__
        raise TrueupError(
            f"{parts.netloc} cannot be asked: {why}", hint="is the provider reached from here?"
        ) from error
    if not isinstance(found, dict):
        raise TrueupError(f"{parts.netloc} is no identity provider", hint="is the server's oidc.config right?")
    return found
