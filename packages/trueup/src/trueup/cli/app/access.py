"""Reading and writing one Application from a command."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from kubegrammar.patch import merge_diff
from trueup.cli.connect import ClusterAccess
from trueup.kube.client import Client
from trueup.kube.errors import Conflict, NotFound
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.status import Status
from trueup.store.kinds import APPLICATION

POLL = 0.25
TRIES = 10
"""Times that a change is made anew when somebody else has written meanwhile."""


class ApplicationNotFound(TrueupError):
    """There is no application of that name."""

    reason = "NotFound"


class ApplicationView(msgspec.Struct):
    """An Application as a command sees it."""

    app: Application
    status: Status
    raw: dict[str, Any]


class Handle:
    """One Application, by name.

    Args:
        name: ``[namespace/]name``; the control namespace is the default.
    """

    def __init__(self, client: Client, access: ClusterAccess, name: str, app_namespace: str = "") -> None:
        namespace, slash, bare = name.rpartition("/")
        self.client = client
        self.control_namespace = access.namespace
        self.namespace = (namespace if slash else app_namespace) or access.namespace
        self.name = bare

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    async def view(self) -> ApplicationView:
        """Read it.

        Raises:
            TrueupError: there is none of that name.
        """
        try:
            with served():
                live = await self.client.get(APPLICATION, self.namespace, self.name)
        except NotFound as error:
            raise self.absent() from error
        return read_view(live.body)

    async def patch(self, change: dict[str, Any]) -> ApplicationView:
        """Merge-patch it."""
        try:
            with served():
                live = await self.client.patch(
                    APPLICATION, self.namespace, self.name, msgspec.json.encode(change), kind="merge"
                )
        except NotFound as error:
            raise self.absent() from error
        return read_view(live.body)

    async def edit(self, change: Callable[[dict[str, Any]], None], *, validate: bool = True) -> bool:
        """Read it, change it and write what has changed; again when somebody else has written meanwhile.

        Args:
            change: of the whole object, in place.
            validate: without effect: Kubernetes looks at no source.

        Returns:
            Whether anything has changed.

        Raises:
            TrueupError: what the change raises; there is none of that name; it changes too fast.
        """
        for _ in range(TRIES):
            before = (await self.view()).raw
            after = msgspec.json.decode(msgspec.json.encode(before))
            change(after)
            patch = merge_diff(before, after)
            if not patch:
                return False
            version = {"resourceVersion": before["metadata"]["resourceVersion"]}
            with suppress(Conflict):
                await self.patch({**patch, "metadata": {**patch.get("metadata", {}), **version}})
                return True
        raise TrueupError(f"application {self.name} changes too fast", hint="run the command again")

    def absent(self) -> "ApplicationNotFound":
        """That there is none of that name."""
        return ApplicationNotFound(
            f"application {self.namespace}/{self.name} does not exist", hint="`trueup app list` shows those that do"
        )

    async def follow(self, timeout: float) -> AsyncIterator[ApplicationView]:
        """The Application now and after each change, until ``timeout`` seconds have passed (0: no limit)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout if timeout > 0 else float("inf")
        seen = ""
        while loop.time() < deadline:
            view = await self.view()
            if view.app.metadata.resource_version != seen:
                seen = view.app.metadata.resource_version
                yield view
            await asyncio.sleep(POLL)


def require_there(namespace: str, names: Iterable[str], known: Collection[str]) -> None:
    """Every application that is named has to be there.

    Args:
        namespace: of those that are named without one.
        known: the keys of those that are there.

    Raises:
        ApplicationNotFound: one is not.
    """
    for name in names:
        full = name if "/" in name else f"{namespace}/{name}"
        if full not in known:
            raise ApplicationNotFound(
                f"application {full} does not exist", hint="`trueup app list` shows those that do"
            )


async def list_applications(client: Client, namespace: str, selector: str = "") -> list[bytes]:
    """The Applications of a namespace, as JSON."""
    with served():
        return [live.body for live in (await client.list(APPLICATION, namespace, label_selector=selector)).objects]


@contextmanager
def served() -> Iterator[None]:
    """Requests for Applications.

    Raises:
        TrueupError: the cluster has no such kind: its answer is then no Status with a reason.
    """
    try:
        yield
    except NotFound as error:
        if error.status_reason:
            raise
        raise TrueupError("this cluster does not know Applications", hint="run `trueup install` first") from error


def read_view(body: bytes) -> ApplicationView:
    """Decode an Application and its status."""
    raw = msgspec.json.decode(body)
    try:
        app = msgspec.convert(raw, type=Application)
        status = msgspec.convert(raw.get("status") or {}, type=Status)
    except msgspec.ValidationError as error:
        raise TrueupError(f"the application cannot be read: {error}", hint="correct that field") from error
    return ApplicationView(app, status, raw)


def readable(body: bytes) -> ApplicationView:
    """As :func:`read_view`; an application that cannot be read must not hide the others."""
    try:
        return read_view(body)
    except TrueupError:
        raw: dict[str, Any] = msgspec.json.decode(body)
        named = raw.get("metadata")
        known = named if isinstance(named, dict) else {}
        metadata = {"metadata": {k: v for k in ("name", "namespace") if isinstance(v := known.get(k), str)}}
        return ApplicationView(read_view(msgspec.json.encode(metadata)).app, read_view(b"{}").status, raw)
