"""Public keys through an API server."""

from trueup.cli.gpg.port import unknown
from trueup.cli.servers.session import Json, ServerRefused, ServerSession, escaped
from trueup.cli.servers.shape import part, rows, words
from trueup.model.errors import TrueupError
from trueup.model.public_key import PublicKey

_ALL = "/api/v1/gpgkeys"


class ServedKeys:
    """Those that the server shows; :class:`~trueup.cli.gpg.port.KeysPort`."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    async def all(self) -> list[PublicKey]:
        return [_key(each) for each in rows(await self._session.get(_ALL), "items")]

    async def get(self, key: str) -> PublicKey:
        try:
            return _key(await self._session.get(f"{_ALL}/{escaped(key.strip())}"))
        except ServerRefused as error:
            raise _told(error, key) from error

    async def add(self, text: bytes) -> tuple[int, int]:
        try:
            keys = text.decode()
        except UnicodeDecodeError as error:
            raise TrueupError(
                "a binary file of keys is not sent to a server", hint="gpg --armor --export KEYID makes a text"
            ) from error
        made = await self._session.ask("POST", _ALL, body={"keyData": keys})
        created = rows(part(made, "created"), "items")
        return len(created), len(words(made, "skipped"))

    async def remove(self, key: str) -> None:
        try:
            await self._session.ask("DELETE", _ALL, {"keyID": key.strip()})
        except ServerRefused as error:
            raise _told(error, key) from error


def _told(error: ServerRefused, key: str) -> TrueupError:
    return unknown(key) if error.missing else error


def _key(body: Json) -> PublicKey:
    return PublicKey(
        id=str(body.get("keyID", "")),
        fingerprint=str(body.get("fingerprint", "")),
        kind=str(body.get("subType", "")),
        owner=str(body.get("owner", "")),
        expires="",
        revoked=body.get("trust") == "revoked",
        text=str(body.get("keyData") or ""),
    )
