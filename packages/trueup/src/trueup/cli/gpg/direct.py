"""Public keys straight on Kubernetes: Argo CD's ConfigMap."""

from trueup.cli.gpg.port import unknown
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey
from trueup.store.credentials import CONFIG_MAP, KEYRING
from trueup.store.edits import MapEdits


class DirectKeys:
    """Those of a control namespace; :class:`~trueup.cli.gpg.port.KeysPort`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace

    async def all(self) -> list[PublicKey]:
        try:
            data = (await self._client.get(CONFIG_MAP, self._namespace, KEYRING)).object().get("data") or {}
        except NotFound:
            return []
        return [key for text in data.values() for key in _read(text.encode())]

    async def get(self, key: str) -> PublicKey:
        found = next((each for each in await self.all() if each.is_called(key)), None)
        if found is None:
            raise unknown(key)
        return found

    async def add(self, text: bytes) -> tuple[int, int]:
        found = _read(text)
        if not found:
            raise TrueupError("there is no public key in it", hint="gpg --armor --export KEYID makes such a file")
        if any(each.secret for each in found):
            raise TrueupError("it has a secret key", hint="give the public one: gpg --armor --export KEYID")
        fresh: list[PublicKey] = []

        def edit(data: dict[str, str]) -> None:
            fresh[:] = [each for each in found if each.id not in data]
            data.update((each.id, each.text) for each in fresh)

        await MapEdits(self._client, self._namespace).change(KEYRING, edit)
        return len(fresh), len(found) - len(fresh)

    async def remove(self, key: str) -> None:
        def edit(data: dict[str, str]) -> None:
            name = next((name for name in data if name.upper() == key.strip().upper()), None)
            if name is None:
                raise unknown(key)
            del data[name]

        await MapEdits(self._client, self._namespace).change(KEYRING, edit)


def _read(data: bytes) -> list[PublicKey]:
    # What reads keys is loaded where some are read.
    from trueup.sources.openpgp import public_keys

    return public_keys(data)
