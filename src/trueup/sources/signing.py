"""Signatures of commits by an SSH key, as ``git -c gpg.format=ssh`` makes them (OpenSSH PROTOCOL.sshsig)."""

import base64
import hashlib
import struct
import textwrap
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

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


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
