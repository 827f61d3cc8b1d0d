"""The web UI's files: what ``make ui`` has built, under the policy that the pages are made for.

The files are read once and sent as they are, compressed where the browser takes it. Those with a hash in their name are
kept by browsers for a year; the page itself, which names them, is asked for each time. Whatever else a browser opens
gets the page too, which says that there is none of that address where there is none.
"""

import html
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

BUILT = Path(__file__).parent / "ui"
"""Where ``make ui`` puts them."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline, nothing from another host, nothing in a frame."""

_STRICT = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)
PAGES = frozenset(
    (
        "",
        "accounts",
        "applications",
        "audit",
        "clusters",
        "images",
        "index.html",
        "login",
        "new",
        "projects",
        "repositories",
        "settings",
    )
)
"""Beginnings of addresses that the web UI has a page for (``ui/src/app.tsx``). Others are not found, whatever is shown:
who asks for a file that is none must not take the page for it."""
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_ASKED_EACH_TIME = "no-cache"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_PACKED = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="/"><title>Trueup</title></head><body>'
    "<h1>The web UI is not in this installation</h1><p>The API is served, and <code>trueup app list</code> works. In a "
    "checkout <code>make ui</code> builds the pages; wheels of a release have them.</p></body></html>"
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PageFile(msgspec.Struct, frozen=True):
    """A file as it is sent.

    Attributes:
        media: its type.
        forms: its content by encoding; ``identity`` is there always.
    """

    media: str
    forms: Mapping[str, bytes]


class PageAnswer(msgspec.Struct, frozen=True):
    """What a request for a page gets."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Pages:
    """An ASGI application; whatever serves the API hands it what is none of the API's paths."""

    def __init__(self, folder: Path = BUILT, *, rootpath: str = "") -> None:
        """Read the files.

        Args:
            folder: where they were built.
            rootpath: the path before every one of the server's, such as ``/trueup``.
        """
        self._root = f"/{rootpath.strip('/')}" if rootpath.strip("/") else ""
        page = folder / "index.html"
        text = page.read_text() if page.exists() else _NOT_BUILT
        base = html.escape(f"{self._root}/", quote=True)
        self._page = text.replace('<base href="/"', f'<base href="{base}"', 1).encode()
        self._files = dict(_read(folder / "assets")) if page.exists() else {}

    def answer(self, method: str, path: str, encodings: str = "") -> PageAnswer:
        """Decide what is sent. Pure.

        Args:
            method: of the request.
            path: of the request, with the rootpath or without it.
            encodings: its header ``accept-encoding``.
        """
        if method not in ("GET", "HEAD"):
            return _plain(405, "The pages are read, not written to.", ("allow", "GET, HEAD"))
        below = path.removeprefix(self._root) if path == self._root or path.startswith(f"{self._root}/") else path
        if not below.startswith("/assets/"):
            kind = ("content-type", "text/html; charset=utf-8")
            status = 200 if below.strip("/").partition("/")[0] in PAGES else 404
            return PageAnswer(status, (kind, ("cache-control", _ASKED_EACH_TIME), *_STRICT), self._page)
        file = self._files.get(below.removeprefix("/assets/"))
        if file is None:
            # A page of another version asks: it must not keep this answer, nor take the page for a script.
            return _plain(404, "There is no such file: reload the page.")
        encoding = next((name for name, _ in _PACKED if name in file.forms and _takes(encodings, name)), "identity")
        headers = [("content-type", file.media), ("cache-control", _FOR_A_YEAR), ("vary", "accept-encoding"), *_STRICT]
        if encoding != "identity":
            headers.append(("content-encoding", encoding))
        return PageAnswer(200, tuple(headers), file.forms[encoding])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        answer = self.answer(scope["method"], scope["path"], given.get("accept-encoding", ""))
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _read(folder: Path) -> list[tuple[str, PageFile]]:
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in _TYPES:
            forms = {"identity": path.read_bytes()}
            for name, suffix in _PACKED:
                packed = path.with_name(path.name + suffix)
                if packed.exists():
                    forms[name] = packed.read_bytes()
            found.append((path.name, PageFile(_TYPES[path.suffix], forms)))
    return found


def _takes(encodings: str, name: str) -> bool:
    """Whether ``accept-encoding`` permits an encoding: named, and not with a weight of zero."""
    for part in encodings.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == name:
            value = weight.replace(" ", "").removeprefix("q=")
            return not value or value.strip("0.") != ""
    return False


def _plain(status: int, text: str, *more: tuple[str, str]) -> PageAnswer:
    kind = ("content-type", "text/plain; charset=utf-8")
    return PageAnswer(status, (kind, ("cache-control", "no-store"), *more, *_STRICT), text.encode())
