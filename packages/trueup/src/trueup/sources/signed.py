"""Who signed the commits of a repository, and the tags: read from a mirror, in a limited child."""

from collections.abc import Iterator
from typing import cast

import msgspec
import pygit2
from pygit2.enums import ObjectType

from trueup.policy.integrity import Demand
from trueup.sources.openpgp import Keyring, certify, is_among
from trueup.sources.signing import read_signature
from trueup.sources.tree import MAX_COMMIT, commit_of

MOST = 10_000
"""Commits whose signatures are looked at for one answer."""
SHOWN = 10
"""Problems that are told."""
_SEAL = "argocd-gpg-seal:"
_OPENPGP, _SSH = b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN SSH SIGNATURE-----"
_SSH_KEY = "SHA256:"


class SignaturesSeen(msgspec.Struct, frozen=True):
    """What came of looking at signatures.

    Attributes:
        problems: none where all is as it is asked for.
        until: when the first of the keys ends, in seconds since 1970.
    """

    problems: tuple[str, ...]
    until: float = float("inf")


class _Signed(msgspec.Struct, frozen=True):
    """An object with its signature.

    Attributes:
        shown: what it is, for people.
        by: who says to have made it.
    """

    shown: str
    by: str
    signature: bytes
    payload: bytes


def look(
    repository: pygit2.Repository,
    revision: str,
    tag: tuple[str, str],
    demand: Demand,
    keyring: Keyring,
    known: frozenset[str],
    now: float,
) -> SignaturesSeen:
    """Whether a commit is signed as it is asked for, or the tag that names it.

    Args:
        revision: full SHA of the commit.
        tag: full name and SHA of the annotated tag that it was found by; empty where it was found otherwise.
        known: commits that were looked at before, with all that lead to them.

    Raises:
        KeyError, ValueError, pygit2.GitError: the mirror does not hold them.
    """
    problems: list[str] = []
    until = float("inf")

    def judge(signed: _Signed) -> bool:
        nonlocal until
        problem, ends = _problem(signed, demand, keyring, now)
        until = min(until, ends)
        if problem:
            problems.append(f"Failed verifying revision {signed.shown} by '{signed.by}': {problem}")
        return not problem

    if tag[1]:
        if commit_of(repository, tag[1]).id != commit_of(repository, revision).id:
            raise ValueError("the tag leads to another commit")
        if not judge(_tag(repository, *tag)):
            return SignaturesSeen(tuple(problems))
    if tag[1] and not demand.deep:
        return SignaturesSeen((), until)
    seen, waiting = {revision}, [revision]
    while waiting and len(problems) < SHOWN:
        sha = waiting.pop(0)
        if sha in known:
            continue
        commit = commit_of(repository, sha)
        good = judge(_commit(commit))
        if not demand.deep or (good and _seals(commit)):
            continue
        parents = [str(each) for each in commit.parent_ids if str(each) not in seen]
        seen.update(parents)
        waiting += parents
        if len(seen) > MOST:
            problems.append(
                f"more than {MOST} commits lead to revision {revision}: sign one with the trailer Argocd-gpg-seal"
            )
            break
    return SignaturesSeen(tuple(problems), until)


def _problem(signed: _Signed, demand: Demand, keyring: Keyring, now: float) -> tuple[str, float]:
    """Why a signature is not enough, and when its key ends."""
    if not signed.signature:
        return "unsigned (key_id=)", float("inf")
    if signed.signature.lstrip().startswith(_SSH):
        key, verified = read_signature(signed.signature, signed.payload)
        if not verified:
            return f"bad signature (key_id={key})", float("inf")
        listed = key in {each.strip() for each in demand.keys if each.strip().startswith(_SSH_KEY)}
        return "" if listed else f"signed with unallowed key (key_id={key})", float("inf")
    if not signed.signature.lstrip().startswith(_OPENPGP):
        return "signed by neither OpenPGP nor SSH (key_id=)", float("inf")
    found = certify(signed.signature, signed.payload, keyring, now)
    if found.problem:
        return f"{found.problem} (key_id={found.key})", found.until
    if is_among(found.keys, demand.keys):
        return "", found.until
    return f"signed with unallowed key (key_id={found.key})", found.until


def _commit(commit: pygit2.Commit) -> _Signed:
    signature, payload = commit.gpg_signature
    author = commit.author
    by = f"{_text(author.raw_name)} <{_text(author.raw_email)}>"
    return _Signed(str(commit.id), by, signature or b"", payload or b"")


def _tag(repository: pygit2.Repository, name: str, sha: str) -> _Signed:
    """A tag and its signature, which ends its message. A tag that was made for another name is none of this one."""
    kind, size = repository.odb.read_header(sha)
    if kind != ObjectType.TAG or size > MAX_COMMIT:
        raise ValueError("no annotated tag")
    tag = cast(pygit2.Tag, repository[sha])
    tagger = tag.tagger
    by = f"{_text(tagger.raw_name)} <{_text(tagger.raw_email)}>" if tagger is not None else ""
    data = bytes(repository.odb.read(sha)[1])
    at = max(_starts(data), default=-1)
    short = name.removeprefix("refs/tags/")
    if at < 0 or tag.name != short:
        # Whoever may push a tag may push one that somebody else has signed, under another name.
        return _Signed(short, by, b"", b"")
    return _Signed(short, by, data[at:], data[:at])


def _starts(data: bytes) -> Iterator[int]:
    for begins in (_OPENPGP, _SSH):
        at = data.rfind(b"\n" + begins)
        if at >= 0:
            yield at + 1


def _seals(commit: pygit2.Commit) -> bool:
    """Whether who signed a commit answers for all that lead to it."""
    return any(line.lower().startswith(_SEAL) for line in _text(commit.raw_message).splitlines())


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")[:MAX_COMMIT]
