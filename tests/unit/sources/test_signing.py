"""A signature proves which key made it, or it proves nothing."""

import base64
import subprocess
from pathlib import Path

import pygit2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gitrepo import GitRepo

from trueup.sources.commit import describe
from trueup.sources.signing import SshSigner, read_signature

TEXT = b"tree 1\nauthor Ada <ada@x> 0 +0000\n\nmessage\n"


def signer(kind: str) -> SshSigner:
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.OpenSSH
    return SshSigner(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_signature_is_of_its_text_alone(kind: str) -> None:
    signature = signer(kind).sign(TEXT).encode()
    key, verified = read_signature(signature, TEXT)
    assert verified and key.startswith("SHA256:")
    assert read_signature(signature, TEXT + b"more") == (key, False)


def test_the_key_of_somebody_else_put_into_a_signature_is_not_verified() -> None:
    mine, theirs = signer("ed25519").sign(TEXT), signer("ed25519").sign(TEXT)
    head, *_, tail = mine.encode().strip().splitlines()

    own, other = (base64.b64decode("".join(text.strip().splitlines()[1:-1])) for text in (mine, theirs))
    # The magic, a version, the key's length and its 51 bytes come first.
    forged = base64.b64encode(other[:65] + own[65:])
    key, verified = read_signature(head + b"\n" + forged + b"\n" + tail, TEXT)
    assert key == read_signature(theirs.encode(), TEXT)[0] and not verified


@given(st.binary(max_size=200))
def test_what_is_no_signature_proves_nothing(data: bytes) -> None:

    armoured = (
        b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(b"SSHSIG" + data) + b"\n-----END SSH SIGNATURE-----"
    )
    assert read_signature(armoured, TEXT)[1] is False
    assert read_signature(data, TEXT) == ("", False)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_what_git_signs_is_verified(tmp_path: Path, kind: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / "key")], check=True)
    repo = GitRepo(tmp_path / "repo")
    parent = repo.commit({"a": b"1"})
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={tmp_path / 'key'}")
    sha = repo.git(*signing, "commit-tree", f"{parent}^{{tree}}", "-p", parent, "-S", "-m", "signed")
    info = describe(pygit2.Repository(str(repo.path))[sha].peel(pygit2.Commit))
    shown = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], check=True, capture_output=True, text=True)
    assert info.verified and info.signer == shown.stdout.split()[1]
