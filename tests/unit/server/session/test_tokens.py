"""Which tokens are good."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import OctKey
from tests.support.signing import BEGIN, KEY

from trueup.server.session.tokens import BadToken, LocalClaims, claims_of, issue, read

NOW = int(BEGIN)
GOOD = {"iss": "argocd", "sub": "admin:login", "iat": NOW, "nbf": NOW, "exp": NOW + 60, "jti": "1"}


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed(claims: Any = GOOD, key: str | bytes = KEY, **header: Any) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    head = {"alg": "HS256", "typ": "JWT", **header}
    secret = OctKey.import_key(key if isinstance(key, bytes) else key.encode())
    extra = [name for name in head if name not in ("alg", "typ", "kid", "jwk", "crit")]
    assert not extra
    return jws.serialize_compact(head, payload, secret, algorithms=["HS256", "HS384"])


def test_a_token_is_read_as_it_was_made() -> None:
    claims = LocalClaims(sub="ci:apiKey", iat=NOW, jti="x")
    assert read(issue(claims, KEY), KEY, NOW) == claims
    assert claims_of(issue(claims, KEY)) == {"iss": "argocd", "sub": "ci:apiKey", "iat": NOW, "nbf": NOW, "jti": "x"}


def pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def unsigned(alg: str) -> str:
    return f"{part({'alg': alg, 'typ': 'JWT'})}.{part(GOOD)}."


HEAD, PAYLOAD, MARK = signed().split(".")
BAD = {
    "J01 empty": ("", "malformed"),
    "J03 no base64": (f"{HEAD}.@@@.{MARK}", "malformed"),
    "J03 no JSON": (signed(b"x"), "malformed"),
    "J03 no object": (signed([1]), "malformed"),
    "J03 nested": (signed(b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"), "malformed"),
    "J03 a header that is nested": (f"{part(b'[' * 100_000)}.{PAYLOAD}.{MARK}", "too long"),
    "J03 a nested header": (f"{part(b'[' * 8_000)}.{PAYLOAD}.{MARK}", "malformed"),
    "J03 two parts": (f"{HEAD}.{PAYLOAD}", "malformed"),
    "J03 five parts": (f"{HEAD}.{PAYLOAD}.{MARK}.a.b", "malformed"),
    "J03 no ASCII": ("ä.ö.ü", "no token"),
    "J05 none": (unsigned("none"), "algorithm not allowed"),
    "J05 None": (unsigned("None"), "algorithm not allowed"),
    "J05 nOnE": (unsigned("nOnE"), "algorithm not allowed"),
    "J05 no algorithm": (f"{part({'typ': 'JWT'})}.{PAYLOAD}.{MARK}", ""),
    "J05 another one": (signed(alg="HS384"), "algorithm not allowed"),
    "J11 a key that it brings along": (
        signed(key="k" * 32, jwk={"kty": "oct", "k": part(b"k" * 32)}),
        "signature invalid",
    ),
    "J09 a key by a path": (signed(key="k" * 32, kid="../../etc/passwd"), "signature invalid"),
    "J13 no signature": (f"{HEAD}.{PAYLOAD}.", "signature invalid"),
    "J13 half a signature": (f"{HEAD}.{PAYLOAD}.{MARK[:20]}", "signature invalid"),
    "J13 another payload": (f"{HEAD}.{part(GOOD | {'sub': 'root:login'})}.{MARK}", "signature invalid"),
    "J15 another key": (signed(key="an older key that is long enough"), "signature invalid"),
    "J19 not yet": (signed(GOOD | {"nbf": NOW + 600}), "not yet valid"),
    "J19 made in the future": (signed(GOOD | {"iat": NOW + 600}), "not yet valid"),
    "over": (signed(GOOD | {"exp": NOW}), "expired"),
    "J23 another issuer": (signed(GOOD | {"iss": "other"}), "another issuer"),
    "J27 no subject": (signed({k: v for k, v in GOOD.items() if k != "sub"}), "subject required"),
    "J27 an empty subject": (signed(GOOD | {"sub": ""}), "subject required"),
    "J27 a subject that is no text": (signed(GOOD | {"sub": ["admin:login"]}), "subject required"),
    "J37 a claim twice": (signed(b'{"iss":"argocd","sub":"ci:apiKey","sub":"admin:login","iat":1}'), "duplicate claim"),
    "no time of issue": (signed({k: v for k, v in GOOD.items() if k != "iat"}), "iat required"),
    "a time that is none": (signed(GOOD | {"exp": "tomorrow"}), "exp is no time"),
    "a time without end": (signed(b'{"iss":"argocd","sub":"a:login","iat":1,"exp":1e999}'), ""),
    "NaN": (signed(b'{"iss":"argocd","sub":"a:login","iat":1,"exp":NaN}'), "malformed"),
    "true is no time": (signed(GOOD | {"iat": True}), "iat is no time"),
    "huge": ("a" * 100_000, "too long"),
    "a header that must be understood": (
        f"{part({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}.{PAYLOAD}.{MARK}",
        "",
    ),
}


@pytest.mark.parametrize(("token", "why"), BAD.values(), ids=BAD.keys())
def test_a_token_that_is_no_good(token: str, why: str) -> None:
    with pytest.raises(BadToken) as caught:
        read(token, KEY, NOW)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 200


def test_j07_a_token_that_is_signed_with_a_public_key_is_no_good() -> None:
    """Advisory 62."""
    public = pem()
    with pytest.raises(BadToken, match="signature invalid"):
        read(f"{HEAD}.{PAYLOAD}.{signed(key=b'x' * 32).split('.')[2]}", KEY, NOW)
    with pytest.raises((BadToken, ValueError)):
        read(signed(key=public), KEY, NOW)


@pytest.mark.parametrize("key", ["", "short"])
def test_without_a_key_no_token_is_good(key: str) -> None:
    with pytest.raises(BadToken, match="no key to sign with"):
        read(f"{HEAD}.{PAYLOAD}.", key, NOW)
