"""The player's cluster over HTTP: a real control plane."""

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from kubegrammar.errors import Explained
from pocketkube.cluster.failure import CODES, Failure
from pocketkube.errors import ClusterError
from pocketkube.player.objects import FollowedObjects, Kind, Object, SeenObject, seen
from pocketkube.player.port import ServedKind

PAGE: Final = 500
ANSWER_SECONDS: Final = 30.0
QUIET_SECONDS: Final = 300
"""How long a watch lasts that is told nothing."""
PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries to reach a server that has gone."""
LINE_LIMIT: Final = 16 * 1024 * 1024

log = logging.getLogger(__name__)

Headers = Callable[[], Awaitable[Mapping[str, str]]]


class OutsideCluster:
    """A cluster at a URL.

    Args:
        url: of the API server, without a slash at the end.
        tls: None for plain HTTP.
        headers: asked before each request: who asks.
        proxy: URL of the HTTP proxy on the way there.
        name: that the server's certificate has, where it is not the URL's.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext | None, headers: Headers, *, proxy: str = "", name: str = ""
    ) -> None:
        self._url, self._headers = url, headers
        self._way: dict[str, Any] = {"ssl": tls or True, "proxy": proxy or None, "allow_redirects": False}
        if tls is not None and name:
            self._way["server_hostname"] = name
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._served: dict[Kind, ServedKind] = {}

    @classmethod
    def by_kubeconfig(cls, file: Path) -> "OutsideCluster":
        """By a kubeconfig that :mod:`pocketkube` wrote."""
        config = msgspec.json.decode(file.read_bytes())
        cluster = config["clusters"][0]["cluster"]
        tls = ssl.create_default_context(cadata=_pem(cluster["certificate-authority-data"]))
        token = config["users"][0]["user"]["token"]

        async def headers() -> Mapping[str, str]:
            return {"Authorization": f"Bearer {token}"}

        return cls(cluster["server"], tls, headers)

    async def follow(self, kinds: Collection[Kind], objects: FollowedObjects) -> Mapping[Kind, ServedKind]:
        """As :class:`~pocketkube.player.port.FollowedCluster`."""
        try:
            self._served = await self._discover(kinds)
            begun = await asyncio.gather(*(self._list(kind, objects) for kind in self._served))
        except Failure as failure:
            raise ClusterError(f"{self._url}: {failure.message}", hint="is the cluster up?") from failure
        for kind, version in zip(self._served, begun, strict=True):
            task = asyncio.create_task(self._follow(kind, version, objects), name=f"follow {kind}")
            self._tasks.append(task)
        return self._served

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        manager: str,
        content_type: str = "application/json",
    ) -> Object:
        """As :class:`~pocketkube.player.port.FollowedCluster`."""
        query = {"fieldManager": manager} if method in ("POST", "PATCH") else {}
        headers = {"User-Agent": manager, "Content-Type": content_type}
        data = msgspec.json.encode(body) if body is not None else None
        return await self._ask(method, path, query, headers, data)

    async def close(self) -> None:
        """Follow no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _discover(self, kinds: Collection[Kind]) -> dict[Kind, ServedKind]:
        """Each kind in the version that its group prefers."""
        preferred: dict[str, str] = {"": "v1"}
        for each in (await self._ask("GET", "/apis"))["groups"]:
            preferred[each["name"]] = each["preferredVersion"]["groupVersion"]
        found: dict[Kind, ServedKind] = {}
        for group in sorted({kind.group for kind in kinds} & preferred.keys()):
            version = preferred[group]
            root = f"/apis/{version}" if group else f"/api/{version}"
            for each in (await self._ask("GET", root))["resources"]:
                kind = Kind(group, each["kind"])
                if kind in kinds and "/" not in each["name"]:
                    found[kind] = ServedKind(version, each["name"], each["namespaced"])
        return found

    async def _list(self, kind: Kind, objects: FollowedObjects) -> str:
        """Take all of a kind; the version that it was at."""
        served = self._served[kind]
        listed: list[SeenObject] = []
        query = {"limit": str(PAGE)}
        while True:
            page = await self._ask("GET", served.path(), query)
            head = {"apiVersion": served.api_version, "kind": kind.kind}
            listed += [seen(kind, msgspec.json.encode({**head, **item})) for item in page["items"]]
            more = page["metadata"].get("continue")
            if not more:
                objects.replace(kind, listed)
                return str(page["metadata"]["resourceVersion"])
            query["continue"] = more

    async def _follow(self, kind: Kind, version: str, objects: FollowedObjects) -> None:
        failures = 0
        while True:
            try:
                version = version or await self._list(kind, objects)
                version = await self._watch(kind, version, objects)
                failures = 0
            except Exception as error:  # whatever it answers, it is asked again
                if not (isinstance(error, Failure) and error.code == 410):
                    log.debug("%s: not followed for a moment: %s", kind, error)
                    await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                    failures += 1
                version = ""

    async def _watch(self, kind: Kind, version: str, objects: FollowedObjects) -> str:
        """Take changes until the server ends the watch; the version that it ended at."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(QUIET_SECONDS)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=QUIET_SECONDS + ANSWER_SECONDS)
        async with self._opened().get(
            self._url + self._served[kind].path(),
            params=query,
            headers=await self._headers(),
            timeout=timeout,
            **self._way,
        ) as answer:
            if answer.status >= 300:
                raise _failure(answer.status, await answer.read())
            async for line in answer.content:
                event = msgspec.json.decode(line, type=_Event)
                if event.type == "ERROR":
                    raise _failure(500, event.object)
                found = seen(kind, bytes(event.object))
                version = str(found.version)
                if event.type == "DELETED":
                    objects.drop(found.key, found.uid)
                elif event.type != "BOOKMARK":
                    objects.put(found)
        return version

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
        body: bytes | None = None,
    ) -> Object:
        try:
            async with self._opened().request(
                method,
                self._url + path,
                params=query,
                headers={**await self._headers(), **headers},
                data=body,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                **self._way,
            ) as answer:
                read = await answer.read()
                if answer.status >= 300:
                    raise _failure(answer.status, read)
            found: Object = msgspec.json.decode(read)
        except Explained as error:
            raise Failure("Unauthorized", error.message) from error
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise Failure("Timeout", f"the server does not answer: {str(error) or type(error).__name__}") from error
        return found

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(read_bufsize=LINE_LIMIT)
        return self._session


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


def _failure(code: int, body: bytes | msgspec.Raw) -> Failure:
    try:
        status: dict[str, Any] = json.loads(bytes(body))
    except ValueError:
        status = {}
    reason = str(status.get("reason") or "")
    code = int(status.get("code") or code)
    return Failure(reason if reason in CODES else "", str(status.get("message") or f"status {code}"), code=code)


def _pem(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
