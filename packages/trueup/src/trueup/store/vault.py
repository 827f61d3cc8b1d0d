"""The Secrets that belong to the installation itself: followed, and changed by guarded patches.

They carry Argo CD's label ``app.kubernetes.io/part-of: argocd``; no other Secret's values come here.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from trueup.kube.client import Client
from trueup.kube.errors import AlreadyExists, Conflict, NotFound
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.runtime import secrecy
from trueup.store.credentials import SECRET, decoded
from trueup.store.following import Followed

PART_OF: Final = {"app.kubernetes.io/part-of": "argocd"}
FIELD_MANAGER: Final = "trueup-server"
_SELECTOR: Final = ",".join(f"{key}={value}" for key, value in PART_OF.items())
_TRIES: Final = 6

Texts = Mapping[str, str]
_NOTHING: Final[tuple[str, Texts]] = ("", {})
Changes = Mapping[str, str | None]


class Vault:
    """What is known of those Secrets.

    Attributes:
        changed: set whenever one of them has changed.
        version: grows with each change.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._secrets: dict[str, tuple[str, Texts]] = {}
        self.changed = asyncio.Event()
        self.version = 0
        self._followed = Followed(client, SECRET, namespace, _SELECTOR, replaced=self._replaced, changed=self._changed)
        secrecy.EVERYWHERE.learn("vault", self._confidential)

    async def load(self) -> None:
        """Read them once."""
        await self._followed.load()

    async def run(self) -> None:
        """Follow them until cancelled."""
        await self._followed.run()

    def secret(self, name: str) -> Texts:
        """The data of a Secret as text; nothing where there is none."""
        return self._secrets.get(name, _NOTHING)[1]

    async def update(self, name: str, decide: Callable[[Texts], Changes]) -> Texts:
        """Change a Secret, which is made where there is none; gives its data afterwards.

        Args:
            decide: from the data as they are to keys and new values, None for a key that goes; asked anew when somebody
                else has written meanwhile. An error of it is raised.

        Raises:
            ApiError: the cluster refuses, or does not answer.
        """
        for _ in range(_TRIES):
            try:
                live = await self._client.get(SECRET, self._namespace, name)
            except NotFound:
                made = await self._create(name, {k: v for k, v in decide({}).items() if v is not None})
                if made:
                    return self.secret(name)
                continue
            self._take(live)
            changes = decide(self.secret(name))
            if not changes:
                return self.secret(name)
            body = {
                "metadata": {"resourceVersion": live.resource_version, "labels": PART_OF},
                "data": {key: None if value is None else _encoded(value) for key, value in changes.items()},
            }
            try:
                self._take(
                    await self._client.patch(
                        SECRET, self._namespace, name, msgspec.json.encode(body), kind="merge", manager=FIELD_MANAGER
                    )
                )
            except (Conflict, NotFound):
                continue
            return self.secret(name)
        raise TrueupError(f"Secret {self._namespace}/{name} is changed by others all the time", hint="try again")

    async def _create(self, name: str, data: Texts) -> bool:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self._namespace, "labels": PART_OF},
            "type": "Opaque",
            "data": {key: _encoded(value) for key, value in data.items()},
        }
        try:
            live = await self._client.create(
                SECRET, self._namespace, msgspec.json.encode(body), field_manager=FIELD_MANAGER
            )
        except AlreadyExists:
            return False
        self._take(live)
        return True

    def _replaced(self, secrets: Sequence[LiveObject]) -> None:
        self._secrets.clear()
        for live in secrets:
            self._take(live)
        self._tell()

    def _changed(self, live: LiveObject, gone: bool) -> None:
        if gone:
            self._secrets.pop(live.key.name, None)
            self._tell()
        else:
            self._take(live)

    def _take(self, live: LiveObject) -> None:
        if self._secrets.get(live.key.name, _NOTHING)[0] != live.resource_version:
            body: dict[str, Any] = live.object()
            self._secrets[live.key.name] = (live.resource_version, decoded(body))
            self._tell()

    def _tell(self) -> None:
        self.version += 1
        secrecy.EVERYWHERE.learn("vault", self._confidential)
        self.changed.set()

    def _confidential(self) -> list[str]:
        return [text for _, data in self._secrets.values() for key, text in data.items() if not _plain(key)]


def _plain(key: str) -> bool:
    """What is no secret: times, ids of tokens, tries."""
    return key.endswith((".passwordMtime", ".tokens", "tls.crt", ".crt")) or key in ("failures", "revoked")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
