"""Values of a file, decrypted one by one, and the MAC over all of them.

The rules are those of SOPS' ``aes/cipher.go`` and ``sops.go`` (3.11): a value is bound to its path, in which places of
a list have no part, and the MAC to the time of the last change.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kubegrammar import pattern
from kubegrammar.pattern import Match
from trueup.model.errors import RenderFailed
from trueup.sources.sops.metadata import SopsMetadata

KEY = 32
"""Bytes of a data key."""
_ENCRYPTED = pattern.compile(
    r"\AENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]\z"
)
_ONLY_ENCRYPTED = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
"""What a MAC begins with that is over encrypted values alone."""
_IV, _TAG = range(8, 129), 16
_DEEPEST = 200


class Values:
    """Decrypts the values of one file.

    Args:
        key: the data key.
        file: for messages.

    Attributes:
        secrets: what was encrypted, as text.
    """

    def __init__(self, key: bytes, metadata: SopsMetadata, file: str) -> None:
        self._cipher, self._metadata, self._file = AESGCM(key), metadata, file
        self._mac = hashlib.sha512()
        if metadata.mac_only_encrypted:
            self._mac.update(_ONLY_ENCRYPTED)
        self.secrets: list[str] = []

    def plain(self, value: Any, path: Sequence[str] = ()) -> Any:
        """A value with all that is in it, decrypted.

        Raises:
            RenderFailed: a value was not encrypted with this key, or not for this place.
        """
        if len(path) > _DEEPEST:
            raise RenderFailed(f"{self._file}: nested too deep", hint="flatten it")
        if isinstance(value, dict):
            return {name: self.plain(each, (*path, str(name))) for name, each in value.items()}
        if isinstance(value, list):
            return [self.plain(each, path) for each in value]
        return None if value is None else self._leaf(value, path)

    def check(self) -> None:
        """Refuse a file whose values are not those, in that order, that it was encrypted with.

        Raises:
            RenderFailed.
        """
        said = self._decrypted(self._metadata.mac, self._metadata.last_modified, "sops.mac")
        if not hmac.compare_digest(str(said).upper(), self._mac.hexdigest().upper()):
            raise RenderFailed(
                f"{self._file}: sops.mac: the file was changed after it was encrypted",
                hint="change it by `sops edit`, which writes the MAC anew",
            )

    def _leaf(self, value: Any, path: Sequence[str]) -> Any:
        encrypted = self._metadata.encrypts(path)
        if encrypted and value != "":
            where = ".".join(path)
            if not isinstance(value, str):
                raise RenderFailed(f"{self._file}: {where} is not encrypted", hint="encrypt the file anew")
            value = self._decrypted(value, "".join(f"{each}:" for each in path), where)
            self.secrets.append(_text(value))
        if encrypted or not self._metadata.mac_only_encrypted:
            self._mac.update(value if isinstance(value, bytes) else _text(value).encode())
        return value

    def _decrypted(self, text: str, bound: str, where: str) -> Any:
        found = _ENCRYPTED.match(text)
        if found is None:
            raise RenderFailed(f"{self._file}: {where} is not encrypted", hint="encrypt the file anew")
        try:
            data, iv, tag = (base64.b64decode(part, validate=True) for part in found.groups()[:3])
            if len(iv) not in _IV or len(tag) != _TAG:
                raise ValueError("its parts have other lengths")
            plain = self._cipher.decrypt(iv, data + tag, bound.encode())
            return _typed(plain, found)
        except (InvalidTag, ValueError) as error:
            raise RenderFailed(
                f"{self._file}: {where} cannot be decrypted: it was encrypted with another key, for another place, or "
                "changed since then",
                hint="encrypt the file anew",
            ) from error


def _typed(plain: bytes, found: Match[str]) -> Any:
    match found[4]:
        case "str":
            return plain.decode()
        case "int":
            return int(plain)
        case "float":
            return float(plain)
        case "bool":
            return plain.lower() == b"true"
        case "bytes":
            return plain
        case _:
            raise ValueError("a type that is not known")


def _text(value: Any) -> str:
    """A value as it is in a MAC: Go's words."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        text = f"{Decimal(repr(value)):f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
