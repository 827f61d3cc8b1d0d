"""Writing whole objects of ours: made, changed as they are stored, or deleted."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from kubegrammar.patch import merge_diff
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import Conflict, NotFound
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.store.credentials import CONFIG_MAP, LABEL, SECRET

TRIES = 10
"""Times that a change is made anew when somebody else has written meanwhile."""


class Edits:
    """Writes objects of one kind.

    Args:
        client: of the control cluster.
        manager: whose fields they are then.

    Raises:
        NotFound: there is no such object.
        ApiError: the server refuses.
        TrueupError: it changes too fast.
    """

    def __init__(self, client: Client, kind: ResourceType, *, manager: str = "") -> None:
        self._client, self._kind, self._manager = client, kind, manager

    async def create(self, body: dict[str, Any]) -> LiveObject:
        """A new object.

        Raises:
            AlreadyExists: there is one of that name.
        """
        namespace = body["metadata"].get("namespace", "")
        return await self._client.create(self._kind, namespace, msgspec.json.encode(body), field_manager=self._manager)

    async def edit(self, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> LiveObject:
        """Change an object as it is stored.

        Args:
            key: ``namespace/name``.
            change: what it becomes; asked again where somebody else has written meanwhile. It may change what it is
                given.
        """
        namespace, _, name = key.partition("/")
        for _ in range(TRIES):
            live = await self._client.get(self._kind, namespace, name)
            patch = merge_diff(live.object(), change(live.object()))
            if not patch:
                return live
            metadata = {**patch.get("metadata", {}), "resourceVersion": live.resource_version}
            with suppress(Conflict):
                return await self._client.patch(
                    self._kind,
                    namespace,
                    name,
                    msgspec.json.encode({**patch, "metadata": metadata}),
                    kind="merge",
                    manager=self._manager,
                )
        raise TrueupError(f"{self._kind.kind} {name} changes too fast", hint="ask again")

    async def delete(self, key: str, uid: str) -> None:
        """Delete this very object."""
        namespace, _, name = key.partition("/")
        await self._client.delete(self._kind, namespace, name, propagation="Background", uid=uid)


class SecretEdits(Edits):
    """The Secrets of a namespace, read and written."""

    def __init__(self, client: Client, namespace: str) -> None:
        super().__init__(client, SECRET)
        self._namespace = namespace

    async def get(self, name: str) -> LiveObject | None:
        """The Secret of a name; None where there is none."""
        try:
            return await self._client.get(SECRET, self._namespace, name)
        except NotFound:
            return None

    async def of_kind(self, kind: str) -> list[LiveObject]:
        """Those whose label says this kind."""
        listing = await self._client.list(SECRET, self._namespace, label_selector=f"{LABEL}={kind}")
        return listing.objects


class MapEdits(Edits):
    """The ConfigMaps of an installation, read and written; one that is not there is made.

    Args:
        namespace: of all of them.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        super().__init__(client, CONFIG_MAP)
        self._namespace = namespace

    async def change(self, name: str, change: Callable[[dict[str, str]], None]) -> None:
        """Change the data of a ConfigMap in place.

        Args:
            change: asked again where somebody else has written meanwhile.
        """

        def changed(live: dict[str, Any]) -> dict[str, Any]:
            data = dict(live.get("data") or {})
            change(data)
            return {**live, "data": data}

        try:
            await self.edit(f"{self._namespace}/{name}", changed)
        except NotFound:
            labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
            metadata = {"name": name, "namespace": self._namespace, "labels": labels}
            await self.create(changed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
