"""Signatures of commits by an SSH key, as ``git -c gpg.format=ssh`` makes them (OpenSSH PROTOCOL.sshsig)."""

import base64
import hashlib
import struct
import textwrap
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from trueup.model.errors import InvalidSpec

_MAGIC = b"SSHSIG"
_NAMESPACE = b"git"
_HASH = b"sha512"
_WIDTH = 70


class Signer(Protocol):
    """Signs a commit."""

    def sign(self, text: bytes) -> str:
        """The armoured signature of a commit's text."""


class SshSigner:
    """Signs by a private key in OpenSSH's or PEM form: Ed25519 or RSA, without a passphrase.

    Raises:
        InvalidSpec: the key cannot be read.
    """

    def __init__(self, key: bytes) -> None:
        try:
            openssh = b"OPENSSH PRIVATE KEY" in key
            load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
            loaded = load(key, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InvalidSpec(
                "the key that signs commits cannot be read", hint="give an SSH key without a passphrase"
            ) from None
        if not isinstance(loaded, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
            raise InvalidSpec("the key that signs commits is of another kind", hint="give an Ed25519 or RSA key")
        self._key = loaded
        public = loaded.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self._public = base64.b64decode(public.split()[1])

    def sign(self, text: bytes) -> str:
        """As ``ssh-keygen -Y sign -n git``."""
        digest = hashlib.sha512(text).digest()
        signed = _MAGIC + _string(_NAMESPACE) + _string(b"") + _string(_HASH) + _string(digest)
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            kind, signature = b"ssh-ed25519", self._key.sign(signed)
        else:
            kind = b"rsa-sha2-512"
            signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA512())
        blob = (
            _MAGIC
            + struct.pack(">I", 1)
            + _string(self._public)
            + _string(_NAMESPACE)
            + _string(b"")
            + _string(_HASH)
            + _string(_string(kind) + _string(signature))
        )
        lines = textwrap.fill(base64.b64encode(blob).decode(), _WIDTH)
        return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n"


def read_signature(armoured: bytes, text: bytes) -> tuple[str, bool]:
    """The fingerprint of the key that a signature names, and whether the signature is of this text and by that key.

    Args:
        armoured: the signature as a commit has it.
        text: the commit without it.
    """
    try:
        blob = base64.b64decode(b"".join(armoured.strip().splitlines()[1:-1]))
        if not blob.startswith(_MAGIC):
            return "", False
        public, namespace, reserved, name, signature = _strings(blob[len(_MAGIC) + 4 :])
    except (ValueError, struct.error):
        return "", False
    key = "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
    if namespace != _NAMESPACE or name not in (b"sha256", b"sha512"):
        return key, False
    digest = hashlib.new(name.decode(), text).digest()
    signed = _MAGIC + _string(namespace) + _string(reserved) + _string(name) + _string(digest)
    try:
        kind, made = _strings(signature)
        return key, _is_by(public, kind, made, signed)
    except (ValueError, TypeError, struct.error, InvalidSignature, UnsupportedAlgorithm):
        return key, False


def _is_by(public: bytes, kind: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether a signature is by a key; raises where it is not.

    Raises:
        InvalidSignature, ValueError, UnsupportedAlgorithm.
    """
    (name, *_) = _strings(public)
    key = serialization.load_ssh_public_key(name + b" " + base64.b64encode(public))
    if isinstance(key, ed25519.Ed25519PublicKey) and kind == b"ssh-ed25519":
        key.verify(signature, signed)
        return True
    if isinstance(key, rsa.RSAPublicKey) and kind in _RSA:
        key.verify(signature, signed, padding.PKCS1v15(), _RSA[kind])
        return True
    if isinstance(key, ec.EllipticCurvePublicKey) and kind == name and key.curve.name in _CURVES:
        first, second = (int.from_bytes(part, "big") for part in _strings(signature))
        key.verify(utils.encode_dss_signature(first, second), signed, ec.ECDSA(_CURVES[key.curve.name]))
        return True
    return False


_RSA = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}
_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


def _strings(data: bytes) -> list[bytes]:
    """The strings of which data consists.

    Raises:
        ValueError: it ends within one.
    """
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        at += 4 + length
        if at > len(data):
            raise ValueError("a string is longer than what holds it")
        found.append(data[at - length : at])
    return found


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
