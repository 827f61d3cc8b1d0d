"""Signing in by an identity provider, with a browser and a port of this machine (RFC 8252, 7636)."""

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from trueup.cli.screen import say
from trueup.cli.servers.client import ServerClient
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.tokens import claims as claims_of
from trueup.model.errors import TrueupError

PORT = 8085
SECONDS = 300.0
_ASKING_SECONDS = 30.0
_LARGEST = 1 << 20
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
    token = told.get("id_token")
    if not isinstance(token, str) or not token:
        raise TrueupError(f"{issuer} gives no identity token", hint="does its client permit the scope openid?")
    if claims_of(token).get("nonce") != nonce:
        raise TrueupError(f"{issuer} answers another question", hint="run the command again")
    return ProviderTokens(token, str(told.get("refresh_token") or ""))


def _provider(server: KnownServer) -> tuple[str, str, list[str], Mapping[str, Any]]:
    """Issuer, client, scopes, and claims that are asked for."""
    settings = ServerClient(msgspec.structs.replace(server, token="")).get("/api/v1/settings")
    known = settings.get("oidcConfig")
    if isinstance(known, dict):
        client = known.get("cliClientID") or known.get("clientID") or ""
        scopes = [str(each) for each in known.get("scopes") or ("profile", "email", "groups")]
        return str(known.get("issuer", "")), str(client), scopes, known.get("idTokenClaims") or {}
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


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fetch(url: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("https", "http"):
        raise TrueupError(f"{url[:200]} is no URL of http or https", hint="is the server's oidc.config right?")
    data = urlencode(form).encode() if form is not None else None
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    request = urllib.request.Request(url, data, {"Accept": "application/json"})  # noqa: S310
    try:
        with opener.open(request, timeout=_ASKING_SECONDS) as answer:
            found = json.loads(answer.read(_LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise TrueupError(
            f"{urlsplit(url).netloc} cannot be asked: {type(error).__name__}", hint="is the provider reached from here?"
        ) from error
    if not isinstance(found, dict):
        raise TrueupError(f"{urlsplit(url).netloc} is no identity provider", hint="is the server's oidc.config right?")
    return found
