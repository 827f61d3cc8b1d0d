"""``GPGKeyService``: the public keys that commits may be signed with."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from trueup.model.public_key import PublicKey
from trueup.server.errors import Code, Fault
from trueup.server.gate import may, require
from trueup.server.request import Functions, Json, Request
from trueup.store.credentials import KEYRING

RESOURCE = "gpgkeys"
MOST_BYTES: Final = 1024 * 1024
"""Of keys that are sent."""

Read = Callable[[Sequence[str]], Awaitable[Sequence[PublicKey]]]
"""The keys of some texts, where strangers' text may be read."""
Change = Callable[[str, Callable[[dict[str, str]], None]], Awaitable[None]]
"""Changes the data of a ConfigMap, by its name."""


class GpgKeyResources:
    """The functions, over their ports.

    Args:
        texts: armoured, of one or more keys each, as they are kept.
    """

    def __init__(self, texts: Callable[[], Sequence[str]], read: Read, change: Change) -> None:
        self._texts, self._read, self._change = texts, read, change

    def functions(self) -> Functions:
        """By their methods."""
        return {
            "GPGKeyService.List": self.get_list,
            "GPGKeyService.Get": self.get,
            "GPGKeyService.Create": self.create,
            "GPGKeyService.Delete": self.delete,
        }

    async def get_list(self, request: Request) -> Json:
        """Those that the caller may see."""
        wanted = request.message.get("keyID", "")
        found = [
            _shown(each)
            for each in await self._read(self._texts())
            if (not wanted or each.is_called(wanted)) and may(request.caller, RESOURCE, "get", each.id)
        ]
        return {"metadata": {}, "items": found}

    async def get(self, request: Request) -> Json:
        """One, with the key itself."""
        wanted = request.message.get("keyID", "")
        require(request.caller, RESOURCE, "get", wanted)
        for each in await self._read(self._texts()):
            if each.is_called(wanted):
                require(request.caller, RESOURCE, "get", each.id)
                return {**_shown(each), "keyData": each.text}
        raise _unknown(wanted)

    async def create(self, request: Request) -> Json:
        """Make the public keys of a text known; those that are there are skipped, or replaced with ``upsert``."""
        given = request.message.get("publickey") or {}
        # What it is called is told by a key itself; nobody's is read who may make none.
        require(request.caller, RESOURCE, "create", given.get("keyID", ""))
        found = await self._public(given.get("keyData", ""))
        for each in found:
            require(request.caller, RESOURCE, "create", each.id)
        upsert, made, skipped = request.message.get("upsert", False), list[Json](), list[str]()

        def with_keys(data: dict[str, str]) -> None:
            fresh = [each for each in found if upsert or each.id not in data]
            made[:] = [_shown(each) for each in fresh]
            skipped[:] = [each.id for each in found if each not in fresh]
            data.update((each.id, each.text) for each in fresh)

        await self._change(KEYRING, with_keys)
        return {"created": {"metadata": {}, "items": made}, "skipped": skipped}

    async def delete(self, request: Request) -> Json:
        """Forget a key: what it signed does not count any more."""
        wanted = request.message.get("keyID", "").strip().upper()
        if not wanted:
            raise Fault(Code.INVALID_ARGUMENT, "keyID has to be there")
        require(request.caller, RESOURCE, "delete", wanted)

        def without(data: dict[str, str]) -> None:
            name = next((name for name in data if name.upper() == wanted), None)
            if name is None:
                raise _unknown(wanted)
            del data[name]

        await self._change(KEYRING, without)
        return {}

    async def _public(self, text: str) -> Sequence[PublicKey]:
        if len(text) > MOST_BYTES:
            raise Fault(Code.INVALID_ARGUMENT, f"keyData is longer than {MOST_BYTES >> 20} MiB")
        found = await self._read([text])
        if not found or any(each.secret for each in found):
            what = "it has a secret key" if found else "it has no public key"
            raise Fault(Code.INVALID_ARGUMENT, f"Submitted key data is invalid: {what}")
        return found


def _shown(key: PublicKey) -> Json:
    found = {"keyID": key.id, "fingerprint": key.fingerprint, "owner": key.owner, "subType": key.kind}
    return found | ({"trust": "revoked"} if key.revoked else {})


def _unknown(key: str) -> Fault:
    return Fault(Code.NOT_FOUND, f"No such key: {key[:60]}")
