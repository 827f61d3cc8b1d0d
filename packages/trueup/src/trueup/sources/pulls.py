"""Opening pull requests: GitHub, GitLab and Gitea (and Forgejo), by the API of the host that a repository lies on."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
from yarl import URL

from kubegrammar import json
from trueup.model.errors import SourceUnavailable, Stalled
from trueup.model.repository_url import HTTP, parse_repository_url
from trueup.sources.credential import Credential
from trueup.sources.outgoing import proxy_for

PROVIDER = "trueup.dev/git-provider"
"""On an Application: ``github``, ``gitlab`` or ``gitea``, where the host's name does not say it."""
SECONDS = 20.0
_LIMIT = 4 * 1024 * 1024
_MOST_PAGES = 40
"""Of 50 pull requests or fewer, as the host likes."""
_LONGEST_TEXT = 2048
"""Characters of a branch, a page or a message."""


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request that is wanted."""

    url: str
    provider: str = ""
    head: str
    base: str
    title: str
    body: str


class _Host(msgspec.Struct, frozen=True):
    provider: str
    origin: str
    path: str


async def open_pull_request(request: PullRequest, credential: Credential | None, session: aiohttp.ClientSession) -> str:
    """Open a pull request, unless there is one for this branch; returns its page.

    One that people have closed counts: they said no, and it is not opened again.

    Raises:
        Stalled: the host does not allow it, or nobody knows its API.
        SourceUnavailable: the host cannot be reached.
    """
    host = _host(request)
    token = (credential.bearer_token or credential.password) if credential else ""
    if not token:
        raise Stalled(
            f"{host.origin}: a pull request needs a token", hint="put password or bearerToken into the write Secret"
        )
    match host.provider:
        case "gitlab":
            url = f"{_api(host, '/api/v4')}/projects/{quote(host.path, safe='')}/merge_requests"
            headers = {"PRIVATE-TOKEN": token}
            fields: dict[str, Any] = {"source_branch": request.head, "target_branch": request.base}
            body = {**fields, "title": request.title, "description": request.body, "remove_source_branch": True}
            query = fields
            page = "web_url"
        case "gitea":
            url = f"{_api(host, '/api/v1')}/repos/{quote(host.path)}/pulls"
            headers = {"Authorization": f"token {token}"}
            body = {"head": request.head, "base": request.base, "title": request.title, "body": request.body}
            query = {"state": "all", "limit": "50"}
            page = "html_url"
        case _:
            api = "https://api.github.com" if host.origin == "https://github.com" else _api(host, "/api/v3")
            url = f"{api}/repos/{quote(host.path)}/pulls"
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
            body = {"head": request.head, "base": request.base, "title": request.title, "body": request.body}
            owner = host.path.partition("/")[0]
            query = {"state": "all", "head": f"{owner}:{request.head}", "base": request.base}
            page = "html_url"
    # GitHub and GitLab look for the branch themselves.
    pages = [{"page": f"{number}"} for number in range(1, _MOST_PAGES + 1)] if host.provider == "gitea" else [{}]
    for part in pages:
        found = await _ask(session, "GET", url, headers, query={**query, **part})
        if not isinstance(found, list) or not found:
            break
        for known in found:
            if (_text(known, "source_branch") or _text(known, "head", "ref")) == request.head:
                return _text(known, page)
    return _text(await _ask(session, "POST", url, headers, body=body), page)


def _host(request: PullRequest) -> _Host:
    url = parse_repository_url(request.url)
    name = url.host
    # The credential is the repository's: it is shown to its host, and over TLS where that is not asked for otherwise.
    origin = url.origin if url.scheme in HTTP else f"https://{name}"
    provider = request.provider or next((p for p in ("github", "gitlab", "gitea") if p in name.lower()), "")
    provider = provider or ("gitea" if "codeberg" in name or "forgejo" in name else "")
    if provider not in ("github", "gitlab", "gitea"):
        raise Stalled(
            f"nobody knows which API {name or 'this repository'} has",
            hint=f"annotate the Application with {PROVIDER}: github, gitlab or gitea",
        )
    return _Host(provider, origin, url.path.removesuffix(".git"))


def _api(host: _Host, prefix: str) -> str:
    return host.origin + prefix


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    query: Mapping[str, str] | None = None,
    body: Any = None,
) -> Any:
    place = urlsplit(url).netloc
    try:
        async with session.request(
            method,
            url,
            headers={**headers, "Content-Type": "application/json"},
            params=query,
            data=msgspec.json.encode(body) if body is not None else None,
            allow_redirects=False,
            proxy=proxy_for(URL(url)),
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        ) as response:
            data = await _bounded(response)
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SourceUnavailable(f"{place}: the pull request could not be asked for: {type(error).__name__}") from error
    if status >= 500:
        raise SourceUnavailable(f"{place}: it answers {status} to a pull request")
    try:
        answer = json.received(data) if data else None
    except ValueError:
        answer = None
    if status >= 300:
        raise Stalled(
            f"{place}: no pull request: {status}{_said(answer)}",
            hint="give the token the right to open pull requests, and check the branch's name",
        )
    return answer


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """An answer; only its beginning, which is no JSON, where it is longer than any honest one."""
    data = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > _LIMIT:
            break
    return bytes(data)


def _text(answer: Any, *path: str) -> str:
    """A text within a host's answer; empty where it is none, whatever else is there."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer[:_LONGEST_TEXT] if isinstance(answer, str) else ""


def _said(answer: Any) -> str:
    text = _text(answer, "message")
    return f" ({''.join(c if c.isprintable() else ' ' for c in text)[:200]})" if text else ""
