"""Commits are made on the newest state of a branch; a lost race is run again, and nothing is ever forced."""

import asyncio
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from tests.support.gitrepo import GitRepo
from tests.support.tiers import everywhere

from trueup.model.errors import InvalidSpec
from trueup.sources.mirror import Mirror
from trueup.sources.mirrors import Mirrors
from trueup.sources.signing import SshSigner
from trueup.sources.tree import GitTree
from trueup.sources.writer import Author, WantedCommit, write
from trueup.workers.git import run_git

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROUNDS = 4


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "remote.git")


def mirror_of(repo: GitRepo, folder: Path) -> Mirror:
    return Mirrors(folder, run_git, allowed_local=[repo.path.parent]).get(repo.url)


def ask(branch: str = "main", to: str = "", **more: object) -> WantedCommit:
    return WantedCommit(branch=branch, to=to, message=lambda changes: f"Change {', '.join(sorted(changes))}", **more)  # type: ignore[arg-type]


async def test_a_commit_changes_what_was_edited_and_nothing_else(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({"a": b"1", "dir/b": b"2", "dir/c": b"3", "link": "a", "dir/gone": b""})
    before = repo.git("ls-tree", "-r", "main").splitlines()
    changes: Mapping[str, bytes | None] = {"dir/b": b"two", "dir/new/d": b"4", "dir/gone": None}
    written = await write(
        mirror_of(repo, tmp_path / "m"), ask(author=Author("Ada", "ada@x.org")), lambda _: changes, now=lambda: NOW
    )
    after = repo.git("ls-tree", "-r", "main").splitlines()
    assert {line.split("\t")[1] for line in set(before) ^ set(after)} == {"dir/b", "dir/gone", "dir/new/d"}
    assert written.paths == ("dir/b", "dir/gone", "dir/new/d")
    assert repo.git("log", "-1", "--format=%an %ae %s %P", "main") == (
        f"Ada ada@x.org Change dir/b, dir/gone, dir/new/d {written.base}"
    )


async def test_a_file_keeps_its_mode(repo: GitRepo, tmp_path: Path) -> None:
    oid = repo.blob(b"#!/bin/sh\n")
    repo.commit_tree(repo.tree(("100755", oid, b"run")))
    await write(mirror_of(repo, tmp_path / "m"), ask(), lambda _: {"run": b"#!/bin/bash\n"}, now=lambda: NOW)
    assert repo.git("ls-tree", "main", "run").startswith("100755")


async def test_nothing_to_change_makes_no_commit(repo: GitRepo, tmp_path: Path) -> None:
    sha = repo.commit({"a": b"1"})
    written = await write(mirror_of(repo, tmp_path / "m"), ask(), lambda _: {}, now=lambda: NOW)
    assert (written.sha, written.base) == ("", sha)
    assert repo.git("rev-parse", "main") == sha


async def test_without_a_branch_it_is_the_one_that_head_names(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({"a": b"1"})
    written = await write(mirror_of(repo, tmp_path / "m"), ask(branch=""), lambda _: {"a": b"2"}, now=lambda: NOW)
    assert written.branch == "main"


async def test_another_branch_leaves_the_first_as_it_was(repo: GitRepo, tmp_path: Path) -> None:
    sha = repo.commit({"a": b"1"})
    mirror = mirror_of(repo, tmp_path / "m")
    first = await write(mirror, ask(to="update/a"), lambda _: {"a": b"2"}, now=lambda: NOW)
    second = await write(mirror, ask(to="update/a"), lambda _: {"a": b"3"}, now=lambda: NOW)
    assert repo.git("rev-parse", "main") == sha
    assert second.base == first.sha
    assert repo.git("show", "update/a:a") == "3"


@everywhere
@pytest.mark.timeout(300)
async def test_two_writers_race_and_no_update_is_lost(repo: GitRepo, tmp_path: Path) -> None:
    repo.git("config", "receive.denyNonFastForwards", "true")
    first = repo.commit({"left": b"0\n", "right": b"0\n", "shared": b""})
    mirrors = {name: mirror_of(repo, tmp_path / name) for name in ("left", "right")}

    async def one(name: str, number: int) -> int:
        def edit(tree: GitTree) -> Mapping[str, bytes | None]:
            entry = tree.entry("shared")
            assert entry is not None
            return {name: b"%d\n" % number, "shared": tree.read(entry) + f"{name} {number}\n".encode()}

        return (await write(mirrors[name], ask(), edit, now=lambda: NOW)).attempts

    lost = 0
    for number in range(1, ROUNDS + 1):
        attempts = await asyncio.gather(one("left", number), one("right", number))
        lost += sum(attempts) - 2
    shared = repo.git("show", "main:shared").splitlines()
    assert sorted(shared) == sorted(f"{name} {n}" for name in ("left", "right") for n in range(1, ROUNDS + 1))
    history = repo.git("rev-list", "--first-parent", "main").splitlines()
    assert len(history) == 2 * ROUNDS + 1 and history[-1] == first
    assert lost > 0, "the writers never met, so the race was not tried"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_a_commit_signed_by_an_ssh_key_is_good_to_git(repo: GitRepo, tmp_path: Path, kind: str) -> None:
    repo.commit({"a": b"1"})
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    signers = tmp_path / "signers"
    signers.write_bytes(b"ada@example.org " + public + b"\n")
    mirror = mirror_of(repo, tmp_path / "m")
    written = await write(mirror, ask(signer=SshSigner(text)), lambda _: {"a": b"2"}, now=lambda: NOW)
    verified = subprocess.run(
        ["git", "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", "--raw", written.sha],
        cwd=repo.path,
        capture_output=True,
        text=True,
    )
    assert verified.returncode == 0 and "Good" in verified.stderr, verified.stderr


@pytest.mark.parametrize("text", [b"", b"nonsense", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_signing_key_that_cannot_be_read_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidSpec, match="key that signs"):
        SshSigner(text)
