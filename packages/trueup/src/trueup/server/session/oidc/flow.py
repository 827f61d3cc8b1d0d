"""Signing in with a browser: to the provider with a question that only its own answer fits, and back (RFC 6749, 7636).

Nothing is kept here meanwhile: the question travels in a cookie that nobody else can read or write.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kubegrammar.json import received
from trueup.server.errors import Code, Fault
from trueup.server.session.oidc.provider import Provider
from trueup.server.session.oidc.verify import verify
from trueup.server.session.oidc.web import ProviderUnavailable
from trueup.server.session.tokens import BadToken

COOKIE: Final = "argocd.oauthstate"
QUESTION_SECONDS: Final = 600
_BYTES: Final = 32
_LONGEST: Final = 4_000


class SignInQuestion(msgspec.Struct, frozen=True):
    """What was asked.

    Attributes:
        url: under which the browser reaches this server.
        back: where it goes when it has signed in.
        until: so long an answer is waited for, in seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    url: str
    back: str
    until: float


class SignInAnswer(msgspec.Struct, frozen=True):
    """What came back."""

    id_token: str
    claims: dict[str, Any]
    access_token: str
    refresh_token: str
    back: str

    def __repr__(self) -> str:
        return "SignInAnswer()"


async def ask(provider: Provider, urls: tuple[str, ...], back: str, key: str, now: float) -> tuple[str, str]:
    """The URL at which the provider asks who it is, and the cookie's value that goes with it.

    Args:
        urls: under which the server is reached, the usual one first.
        back: where to go afterwards; a page of this server.

    Raises:
        Fault: another page is asked for, or the server does not know its own address.
        ProviderUnavailable.
    """
    url, back = page(urls, back)
    question = SignInQuestion(
        state=secrets.token_urlsafe(_BYTES),
        nonce=secrets.token_urlsafe(_BYTES),
        verifier=secrets.token_urlsafe(_BYTES),
        url=url,
        back=back,
        until=now + QUESTION_SECONDS,
    )
    config, endpoints = provider.config, await provider.endpoints()
    said = {
        "response_type": "code",
        "client_id": config.client_id,
        "redirect_uri": _callback(url),
        "scope": " ".join(dict.fromkeys(("openid", *config.scopes))),
        "state": question.state,
        "nonce": question.nonce,
        # Asked of every provider: those that do not know it ignore it.
        "code_challenge": challenge(question.verifier),
        "code_challenge_method": "S256",
    }
    if config.requested_claims:
        said["claims"] = json.dumps({"id_token": config.requested_claims}, separators=(",", ":"))
    if config.domain_hint:
        said["domain_hint"] = config.domain_hint
    mark = "&" if urlsplit(endpoints.authorization).query else "?"
    return f"{endpoints.authorization}{mark}{urlencode(said)}", sealed(msgspec.json.encode(question), key)


async def answered(provider: Provider, query: Mapping[str, str], cookie: str, key: str, now: float) -> SignInAnswer:
    """Whom the provider has let through.

    Args:
        query: of the URL at which the browser came back.
        cookie: that it had got with the question.

    Raises:
        Fault: the answer fits no question, or the provider lets nobody through. Nothing that came is repeated.
    """
    question = _question(cookie, key, now)
    if not secrets.compare_digest(query.get("state", "").encode(), question.state.encode()):
        raise _refused("the answer is to another question")
    if query.get("error"):
        raise _refused("the identity provider refuses")
    code = query.get("code", "")
    if not code or len(code) > _LONGEST:
        raise _refused("the answer has no code")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _callback(question.url),
        "code_verifier": question.verifier,
    }
    said = await _token(provider, form)
    try:
        claims = await verify(provider, said["id_token"], now, question.nonce)
    except BadToken as error:
        raise Fault(Code.UNAUTHENTICATED, str(error)) from None
    return SignInAnswer(
        said["id_token"], claims, said.get("access_token", ""), said.get("refresh_token", ""), question.back
    )


async def renewed(provider: Provider, refresh_token: str, now: float) -> SignInAnswer:
    """The same person's next token.

    Raises:
        Fault: the provider gives none.
    """
    said = await _token(provider, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    try:
        claims = await verify(provider, said["id_token"], now)
    except BadToken as error:
        raise Fault(Code.UNAUTHENTICATED, str(error)) from None
    return SignInAnswer(
        said["id_token"], claims, said.get("access_token", ""), said.get("refresh_token", refresh_token), ""
    )


async def _token(provider: Provider, form: Mapping[str, str]) -> dict[str, Any]:
    config = provider.config
    endpoints = await provider.endpoints()
    # RFC 6749 2.3.1: both are encoded as a form's before they are a user and a password.
    user = (quote(config.client_id, safe=""), quote(config.client_secret, safe="")) if config.client_secret else None
    body = form if user is not None else {**form, "client_id": config.client_id}
    try:
        said = await provider.web.post(endpoints.token, body, user)
    except ProviderUnavailable:
        raise _refused("the identity provider gives no token") from None
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    if not texts.get("id_token"):
        raise _refused("the identity provider gives no identity token")
    return texts


def page(urls: tuple[str, ...], back: str) -> tuple[str, str]:
    """The address of this server that a page belongs to, and the page.

    Args:
        urls: under which the server is reached, the one of this browser first: a path alone is a page there.

    Raises:
        Fault: it is none of this server's, or the server does not know its own address.
    """
    if not urls:
        raise Fault(Code.FAILED_PRECONDITION, "argocd-cm: url is not set: nobody knows where to come back to")
    if not back:
        return urls[0], urls[0]
    wrong = Fault(Code.INVALID_ARGUMENT, "Invalid redirect URL: the protocol and host (including port) must match")
    if not back.isprintable() or "\\" in back or len(back) > _LONGEST:
        raise wrong
    try:
        if back.startswith("/") and not back.startswith("//"):
            usual = urlsplit(urls[0])
            back = f"{usual.scheme}://{usual.netloc}{back}"
        asked = urlsplit(back)
        for url in urls:
            own = urlsplit(url)
            if (asked.scheme, asked.netloc) == (own.scheme, own.netloc) and _below(asked.path, own.path):
                return url, back
    except ValueError:
        pass
    raise wrong


def reached(urls: tuple[str, ...], host: str) -> tuple[str, ...]:
    """The addresses of this server, those with the host that a browser has asked first."""
    return tuple(sorted(urls, key=lambda url: urlsplit(url).netloc.lower() != host.lower()))


def _below(path: str, root: str) -> bool:
    if ".." in path.split("/"):
        return False
    return path == root.rstrip("/") or path.startswith(root.rstrip("/") + "/")


def challenge(verifier: str) -> str:
    """What a verifier is announced by."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def sealed(payload: bytes, key: str) -> str:
    """Bytes that only this server reads, and nobody else writes."""
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, payload, _seal(key))


def opened(text: str, key: str) -> bytes:
    """What was sealed.

    Raises:
        ValueError: it was not, or with another key.
    """
    try:
        return jwe.decrypt_compact(text.encode(), _seal(key), algorithms=["dir", "A256GCM"]).plaintext or b""
    except (JoseError, TypeError, RecursionError) as error:
        raise ValueError("not sealed here") from error


def _seal(key: str) -> OctKey:
    if not key:
        raise Fault(Code.UNAVAILABLE, "this installation has no key to sign with yet")
    return OctKey.import_key(hashlib.sha256(b"trueup: what a browser keeps for us\0" + key.encode()).digest())


def _question(cookie: str, key: str, now: float) -> SignInQuestion:
    try:
        if not cookie or len(cookie) > _LONGEST:
            raise ValueError("no cookie")
        question: SignInQuestion = received(opened(cookie, key), SignInQuestion)
    except ValueError:
        raise _refused("nobody has asked, or cookies are off") from None
    if question.until < now:
        raise _refused("the answer came too late")
    return question


def _callback(url: str) -> str:
    return f"{url}/auth/callback"


def _refused(why: str) -> Fault:
    return Fault(Code.UNAUTHENTICATED, f"signing in has failed: {why}")
