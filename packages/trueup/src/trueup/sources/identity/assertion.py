"""Signed statements about oneself: JSON Web Tokens with RS256 (RFC 7515, RFC 7519)."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from trueup.model.errors import InvalidSpec


def signed(claims: Mapping[str, Any], key: str, field: str, *, key_id: str = "") -> str:
    """Claims with a signature.

    Args:
        key: RSA, in PEM, without a passphrase.
        field: where it stands, for messages.

    Raises:
        InvalidSpec: it cannot be read.
    """
    header = {"alg": "RS256", "typ": "JWT", **({"kid": key_id} if key_id else {})}
    text = ".".join(_plain(msgspec.json.encode(part)) for part in (header, dict(claims)))
    signature = _key(key, field).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_plain(signature)}"


def _key(text: str, field: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(text.strip().encode() + b"\n", None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidSpec(
            f"{field} cannot be read as a private key", hint="paste the PEM file whole, without a passphrase"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidSpec(f"{field} is a private key of another kind", hint="give the RSA key that the server made")
    return key


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
