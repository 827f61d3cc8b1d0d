"""Commits and tags are signed as a project asks for, or they are not: whose key, how good, of what."""

import time
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st
from tests.support import pgp
from tests.support.gitrepo import GitRepo
from tests.support.pgp import PgpKey

from trueup.policy.integrity import Demand
from trueup.sources import openpgp
from trueup.sources.openpgp import Keyring, certificates, certify
from trueup.sources.signed import SignaturesSeen, look
from trueup.sources.signing import SshSigner, read_signature

DAY = 24 * 3600
ADA, EVE, SHORT = PgpKey(), PgpKey("Eve <eve@example.org>"), PgpKey(seconds=DAY)
KEYRING = (ADA.public, EVE.public, SHORT.public)
NOTHING = ("", "")


def looked(
    repo: GitRepo,
    sha: str,
    *keys: str,
    keyring: tuple[str, ...] = KEYRING,
    tag: tuple[str, str] = NOTHING,
    deep: bool = False,
    known: frozenset[str] = frozenset(),
    later: float = 0.0,
) -> SignaturesSeen:
    demand = Demand(keys or (ADA.id,), deep)
    ring = Keyring(keyring)
    return look(pygit2.Repository(str(repo.path)), sha, tag, demand, ring, known, time.time() + later)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repo.git")


def ssh() -> tuple[SshSigner, str]:
    key = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    signer = SshSigner(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return signer, read_signature(signer.sign(b"x").encode(), b"x")[0]


@pytest.mark.parametrize(
    "written",
    [ADA.id, ADA.id.lower(), f"0x{ADA.id}", ADA.certificate.fingerprint.upper(), f" {ADA.id}\n"],
    ids=["an id", "in lower case", "with 0x", "a fingerprint", "with space around it"],
)
def test_a_commit_by_a_key_that_is_asked_for(repo: GitRepo, written: str) -> None:
    assert looked(repo, pgp.commit(repo, {"a": b"1"}, ADA.sign), written).problems == ()


def test_the_subkey_that_signed_may_be_named_as_well(repo: GitRepo) -> None:
    sha = pgp.commit(repo, {"a": b"1"}, ADA.sign)
    found = certify(ADA.sign(b"x").encode(), b"x", Keyring(KEYRING))
    assert found.key != ADA.id and looked(repo, sha, found.key).problems == ()


def tampered(payload: bytes) -> str:
    return ADA.sign(payload + b"more")


BAD: dict[str, tuple[Callable[[bytes], str] | None, dict[str, object], str]] = {
    "unsigned": (None, {}, "unsigned"),
    "by a key that is not asked for": (EVE.sign, {}, "signed with unallowed key"),
    "by a key that nobody knows": (PgpKey().sign, {}, "signed with key not in keyring"),
    "by a key that is not in the keyring any more": (ADA.sign, {"keyring": (EVE.public,)}, "key not in keyring"),
    "with no keyring": (ADA.sign, {"keyring": ()}, "key not in keyring"),
    "with a keyring that is none": (ADA.sign, {"keyring": ("nonsense",)}, "key not in keyring"),
    "of another commit": (tampered, {}, "bad signature"),
    "by a revoked key": (ADA.sign, {"keyring": (ADA.revoked,)}, "signed with revoked key"),
    "twice": (ADA.sign_twice, {}, "not one signature alone"),
    "in two blocks": (lambda payload: ADA.sign(payload) + EVE.sign(payload), {}, "not one signature alone"),
    "by nonsense": (
        lambda _: "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----",
        {},
        "bad signature",
    ),
    "by X.509": (lambda _: "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----", {}, "neither OpenPGP"),
    "by a key": (lambda _: ADA.public, {}, "neither OpenPGP"),
    "by much": (lambda _: "-----BEGIN PGP SIGNATURE-----\n\n" + "A" * 70_000, {}, "bad signature"),
    "by an SSH key that nobody names": (ssh()[0].sign, {}, "signed with unallowed key"),
}


@pytest.mark.parametrize(("sign", "how", "says"), BAD.values(), ids=BAD)
def test_a_commit_that_is_not_signed_as_it_should(
    repo: GitRepo, sign: Callable[[bytes], str] | None, how: dict[str, object], says: str
) -> None:
    sha = pgp.commit(repo, {"a": b"1"}, sign)
    (problem,) = looked(repo, sha, **how).problems  # type: ignore[arg-type]
    assert says in problem and sha in problem and "Ada <ada@example.org>" in problem


def test_a_key_that_ends_is_told_and_ends(repo: GitRepo) -> None:
    sha = pgp.commit(repo, {"a": b"1"}, SHORT.sign)
    now = looked(repo, sha, SHORT.id)
    assert now.problems == () and 0 < now.until - time.time() <= DAY
    (problem,) = looked(repo, sha, SHORT.id, later=DAY + 1).problems
    assert "signed with expired key" in problem


@pytest.mark.parametrize(
    "short",
    [ADA.id[-8:], ADA.id[-15:], "", "*", ADA.certificate.fingerprint[-17:]],
    ids=["8 digits", "15 digits", "none", "a star", "17 digits"],
)
def test_a_short_id_names_nobody(repo: GitRepo, short: str) -> None:
    sha = pgp.commit(repo, {"a": b"1"}, ADA.sign)
    assert "unallowed" in looked(repo, sha, short).problems[0]


def test_an_ssh_key_is_named_by_its_fingerprint(repo: GitRepo) -> None:
    signer, key = ssh()
    sha = pgp.commit(repo, {"a": b"1"}, signer.sign)
    assert looked(repo, sha, ADA.id, key).problems == ()
    bad = pgp.commit(repo, {"a": b"2"}, lambda payload: signer.sign(payload + b"x"))
    assert "bad signature" in looked(repo, bad, key).problems[0]


def test_of_a_tag_the_tag_counts(repo: GitRepo) -> None:
    unsigned = pgp.commit(repo, {"a": b"1"}, None)
    name = "refs/tags/v1"
    assert looked(repo, unsigned, tag=(name, pgp.tag(repo, "v1", unsigned, ADA.sign))).problems == ()
    signed = pgp.commit(repo, {"a": b"2"}, ADA.sign)
    (problem,) = looked(repo, signed, tag=(name, pgp.tag(repo, "v1", signed, None))).problems
    assert "revision v1" in problem and "unsigned" in problem
    (problem,) = looked(repo, signed, tag=(name, pgp.tag(repo, "v1", signed, EVE.sign))).problems
    assert "unallowed" in problem
    (problem,) = looked(repo, signed, tag=(name, pgp.tag(repo, "v1", signed, tampered))).problems
    assert "bad signature" in problem


def test_a_signed_tag_under_another_name_is_unsigned(repo: GitRepo) -> None:
    sha = pgp.commit(repo, {"a": b"1"}, None)
    old = pgp.tag(repo, "v1", sha, ADA.sign, at="v2")
    assert "unsigned" in looked(repo, sha, tag=("refs/tags/v2", old)).problems[0]


def test_a_signed_tag_of_another_commit_is_refused(repo: GitRepo) -> None:
    first = pgp.commit(repo, {"a": b"1"}, None)
    made = pgp.tag(repo, "v1", first, ADA.sign)
    with pytest.raises(ValueError, match="another commit"):
        looked(repo, pgp.commit(repo, {"a": b"2"}, None), tag=("refs/tags/v1", made))


def test_strict_looks_at_all_that_leads_to_a_commit(repo: GitRepo) -> None:
    first = pgp.commit(repo, {"a": b"1"}, ADA.sign)
    second = pgp.commit(repo, {"a": b"2"}, ADA.sign)
    assert looked(repo, second, deep=True).problems == ()
    third = pgp.commit(repo, {"a": b"3"}, None)
    fourth = pgp.commit(repo, {"a": b"4"}, ADA.sign)
    assert looked(repo, fourth).problems == ()
    (problem,) = looked(repo, fourth, deep=True).problems
    assert third in problem and first not in problem
    assert looked(repo, fourth, deep=True, known=frozenset({third})).problems == ()
    # A tag's signature and all commits, the one that it names among them.
    name = ("refs/tags/v1", pgp.tag(repo, "v1", fourth, ADA.sign))
    assert third in looked(repo, fourth, deep=True, tag=name).problems[0]


def test_a_seal_answers_for_what_is_before_it_and_only_a_good_one(repo: GitRepo) -> None:
    seal = "seal\n\nArgocd-gpg-seal: reviewed\n"
    pgp.commit(repo, {"a": b"1"}, None)
    sealed = pgp.commit(repo, {"a": b"2"}, ADA.sign, message=seal)
    assert looked(repo, sealed, deep=True).problems == ()
    by_eve = pgp.commit(repo, {"a": b"3"}, EVE.sign, message=seal)
    after = pgp.commit(repo, {"a": b"4"}, ADA.sign)
    assert by_eve in looked(repo, after, deep=True).problems[0]
    unsealed = pgp.commit(repo, {"a": b"5"}, None, branch="other")
    words = pgp.commit(repo, {"a": b"6"}, ADA.sign, branch="other", message="why Argocd-gpg-seal: is in the middle")
    assert unsealed in looked(repo, words, deep=True).problems[0]


def test_a_merge_brings_both_sides(repo: GitRepo) -> None:
    base = pgp.commit(repo, {"a": b"1"}, ADA.sign)
    repo.git("update-ref", "refs/heads/side", base)
    side = pgp.commit(repo, {"b": b"1"}, None, branch="side")
    main = pgp.commit(repo, {"a": b"2"}, ADA.sign)
    tree = repo.git("rev-parse", f"{main}^{{tree}}")
    merge = repo.git("commit-tree", "-p", main, "-p", side, "-m", "merge", tree)
    signed = pgp.resigned(repo, merge, ADA.sign)
    (problem,) = looked(repo, signed, deep=True).problems
    assert side in problem


def test_no_more_than_ten_problems_are_told(repo: GitRepo) -> None:
    for number in range(12):
        sha = pgp.commit(repo, {"a": str(number).encode()}, None)
    assert len(looked(repo, sha, deep=True).problems) == 10


def test_a_long_history_asks_for_a_seal(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueup.sources.signed.MOST", 3)
    for number in range(6):
        sha = pgp.commit(repo, {"a": str(number).encode()}, ADA.sign)
    assert "Argocd-gpg-seal" in looked(repo, sha, deep=True).problems[0]


@given(st.binary(max_size=400), st.integers(0, 600))
def test_whatever_a_signature_is_made_of_it_is_good_or_bad(noise: bytes, at: int) -> None:
    made = bytearray(GOOD)
    made[at : at + len(noise)] = noise
    found = certify(bytes(made), b"text", RING)
    assert not found.problem or not found.keys or found.keys[1] == ADA.certificate.fingerprint


GOOD, RING = ADA.sign(b"text").encode(), Keyring(KEYRING)


@given(st.text(max_size=200))
def test_whatever_a_keyring_is_made_of_it_is_read(text: str) -> None:
    assert certificates(text) == [] and Keyring([text, ADA.public]).find([ADA.id])


def test_a_signature_is_bounded() -> None:
    assert openpgp.LARGEST == 64 * 1024
