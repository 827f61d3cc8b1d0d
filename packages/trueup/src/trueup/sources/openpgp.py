"""Signatures by OpenPGP keys, made to be read by no one but a limited child: signatures are strangers'.

The rules are gpg's where it says of a good signature that it is none: the key has expired or was revoked since.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
import pysequoia
from pysequoia import packet

from trueup.model.public_key import PublicKey

LARGEST = 64 * 1024
"""Bytes of a signature."""
_ID = 16
_BEGINS = b"-----BEGIN PGP SIGNATURE-----"


class Certified(msgspec.Struct, frozen=True):
    """What a signature is found to be.

    Attributes:
        problem: why it counts for nothing; empty where it is good.
        key: id of the key that made it, as far as it says so.
        keys: fingerprints of that key and of the primary one that it belongs to.
        until: when that key ends, in seconds since 1970; infinite where it does not.
    """

    problem: str
    key: str = ""
    keys: tuple[str, ...] = ()
    until: float = float("inf")


class _Subkey(msgspec.Struct):
    """A key of a certificate. ``ends`` is infinite where it does not expire."""

    ends: float = float("inf")
    revoked: bool = False


class Keyring:
    """Certificates, by the ids and fingerprints of all of their keys.

    Args:
        texts: armoured, of one or more each; what cannot be read is left out.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._certificates: dict[str, pysequoia.Cert] = {}
        self._subkeys: dict[str, _Subkey] = {}
        for text in texts:
            for certificate in certificates(text):
                self._take(certificate)

    def _take(self, certificate: pysequoia.Cert) -> None:
        self._certificates[certificate.fingerprint] = certificate
        self._certificates[certificate.fingerprint[-_ID:]] = certificate
        key, bound = "", 0.0
        for each in packet.PacketPile.from_bytes(bytes(certificate)):
            if each.tag == packet.Tag.PublicSubkey and each.fingerprint:
                key, bound = each.fingerprint, 0.0
                created = _seconds(each.key_created)
                self._certificates[key] = self._certificates[key[-_ID:]] = certificate
                self._subkeys[key] = _Subkey()
            elif key and each.signature_type == packet.SignatureType.SubkeyRevocation:
                self._subkeys[key].revoked = True
            elif key and each.signature_type == packet.SignatureType.SubkeyBinding:
                made, period = _seconds(each.signature_created), each.key_validity_period
                if made >= bound:
                    bound = made
                    self._subkeys[key].ends = created + period.total_seconds() if period else float("inf")

    def find(self, ids: Iterable[str]) -> list[pysequoia.Cert]:
        """The certificates that have one of these keys."""
        found = (self._certificates.get(each.lower()) for each in ids)
        return list({each.fingerprint: each for each in found if each is not None}.values())

    def state(self, certificate: pysequoia.Cert, key: str) -> tuple[bool, float]:
        """Whether a key was revoked, and when it ends."""
        own = self._subkeys.get(key, _Subkey())
        ends = min(own.ends, _seconds(certificate.expiration, float("inf")))
        return certificate.is_revoked or own.revoked, ends


def certificates(text: str) -> list[pysequoia.Cert]:
    """The public keys of a text; none where it cannot be read."""
    try:
        return pysequoia.Cert.split_bytes(text.encode())
    except Exception:
        return []


def certify(signature: bytes, payload: bytes, keyring: Keyring, now: float | None = None) -> Certified:
    """What a detached signature of a payload is worth.

    Args:
        now: seconds since 1970.
    """
    now = time.time() if now is None else now
    try:
        packets = list(_packets(signature))
        if len(packets) != 1 or packets[0].tag != packet.Tag.Signature or signature.count(_BEGINS) != 1:
            return Certified("bad signature: it is not one signature alone")
        read = pysequoia.Sig.from_bytes(signature)
        ids = [each for each in (packets[0].issuer_fingerprint, packets[0].issuer_key_id) if each]
        ends = _seconds(read.expiration, float("inf"))
    except Exception:
        return Certified("bad signature: it cannot be read")
    key = ids[0][-_ID:].upper() if ids else ""
    known = keyring.find(ids)
    if not known:
        return Certified("signed with key not in keyring", key)
    if any(each.is_revoked for each in known):
        return Certified("signed with revoked key", key)
    try:
        valid = pysequoia.verify(bytes=payload, store=lambda _: known, signature=read).valid_sigs
    except Exception:
        return Certified("bad signature", key)
    if len(valid) != 1:
        return Certified("bad signature", key)
    signing, primary = valid[0].signing_key.lower(), valid[0].certificate.lower()
    certificate = next(each for each in known if each.fingerprint == primary)
    revoked, until = keyring.state(certificate, signing)
    problem = ""
    if revoked:
        problem = "signed with revoked key"
    elif until <= now:
        problem = "signed with expired key"
    elif ends <= now:
        problem = "expired signature"
    return Certified(problem, signing[-_ID:].upper(), (signing, primary), min(until, ends))


def is_among(keys: Sequence[str], allowed: Iterable[str]) -> bool:
    """Whether one of a signer's keys is allowed.

    Args:
        keys: fingerprints.
        allowed: ids of 16 hexadecimal digits, or fingerprints. A shorter id can be forged, and names none.
    """
    for each in allowed:
        wanted = each.strip().lower().removeprefix("0x").replace(" ", "")
        if len(wanted) == _ID and any(key.endswith(wanted) for key in keys):
            return True
        if len(wanted) > _ID and wanted in keys:
            return True
    return False


def _packets(signature: bytes) -> Iterator[packet.Packet]:
    if len(signature) > LARGEST:
        raise ValueError("a signature of many bytes")
    yield from packet.PacketPile.from_bytes(signature)


def _seconds(time: datetime | None, otherwise: float = 0.0) -> float:
    return time.timestamp() if time is not None else otherwise


def public_keys(data: bytes) -> list[PublicKey]:
    """The keys of a file, armoured or binary; none where it cannot be read."""
    try:
        found = pysequoia.Cert.split_bytes(data)
    except Exception:
        return []
    return [_described(each) for each in found]


def _described(certificate: pysequoia.Cert) -> PublicKey:
    primary = next(iter(packet.PacketPile.from_bytes(bytes(certificate))))
    ends = certificate.expiration
    return PublicKey(
        id=certificate.fingerprint[-_ID:].upper(),
        fingerprint=certificate.fingerprint.upper(),
        kind=str(primary.key_algorithm).rpartition(".")[2],
        owner=str(certificate.user_ids[0]) if certificate.user_ids else "",
        expires=f"{ends:%Y-%m-%d}" if ends is not None else "",
        revoked=certificate.is_revoked,
        text=str(certificate),
        secret=certificate.has_secret_keys,
    )
