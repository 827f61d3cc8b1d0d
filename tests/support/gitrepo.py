"""Makes Git repositories for tests, with the git command and a fixed identity."""

import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pygit2

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+01:00",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+01:00",
}


_NOW = b"Ada <ada@example.org> 1767319445 +0100"
_FOLDER = b"40000"
_Entries = dict[bytes, tuple[bytes, str]]
"""Mode and object by name."""


class Gitlink(str):
    """A file that is a submodule; the text is its commit."""


class GitRepo:
    """A bare repository that commits are written to without a work tree: as git's commands would, by none of them."""

    def __init__(self, path: Path, branch: str = "main") -> None:
        self.path = path
        path.mkdir(parents=True)
        pygit2.init_repository(str(path), bare=True, initial_head=branch)

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Run git in the repository and give its trimmed output."""
        done = subprocess.run(
            ["git", *args], cwd=self.path, input=stdin, env={**_ENVIRONMENT, **(env or {})}, capture_output=True
        )
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def blob(self, content: bytes) -> str:
        """Write an object for a file's content."""
        return self._write(pygit2.GIT_OBJECT_BLOB, content)

    def tree(self, *entries: tuple[str, str, bytes]) -> str:
        """Write a tree of ``(mode, object, name)`` with no check of the names."""
        raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, oid, name in entries)
        return self._write(pygit2.GIT_OBJECT_TREE, raw)

    def commit(
        self, files: Mapping[str, bytes | str], *, branch: str = "main", message: str = "change", keep: bool = True
    ) -> str:
        """Commit files (a str value makes a link to it, a Gitlink a submodule) on a branch and give the SHA.

        Args:
            keep: with the files of the branch's last commit; otherwise with these alone and no parent.
        """
        last = self._open().references.get(f"refs/heads/{branch}") if keep else None
        parent = str(last.target) if last else ""
        tree = str(last.peel(pygit2.Commit).tree_id) if last else ""
        changed = {os.fsencode(name): self._entry(content) for name, content in files.items()}
        return self.commit_tree(self._with(tree, changed), branch=branch, message=message, parent=parent)

    def commit_tree(self, tree: str, *, branch: str = "main", message: str = "change", parent: str = "") -> str:
        """Commit a tree on a branch and give the SHA."""
        parents = f"parent {parent}\n" if parent else ""
        head = f"tree {tree}\n{parents}".encode()
        body = b"%sauthor %s\ncommitter %s\n\n%s\n" % (head, _NOW, _NOW, message.encode())
        sha = self._write(pygit2.GIT_OBJECT_COMMIT, body)
        self._open().references.create(f"refs/heads/{branch}", sha, force=True)
        return sha

    def _entry(self, content: bytes | str) -> tuple[bytes, str]:
        """Mode and object."""
        if isinstance(content, Gitlink):
            return b"160000", str(content)
        if isinstance(content, str):
            return b"120000", self.blob(content.encode())
        return b"100644", self.blob(content)

    def _open(self) -> pygit2.Repository:
        """The repository as it is now: others write to it."""
        return pygit2.Repository(str(self.path))

    def _write(self, kind: int, content: bytes) -> str:
        return str(self._open().write(kind, content))

    def _with(self, tree: str, changed: _Entries) -> str:
        """Write a tree with these files in it, by their paths."""
        entries = self._entries(tree) if tree else {}
        folders: dict[bytes, _Entries] = defaultdict(dict)
        for path, entry in changed.items():
            name, below, rest = path.partition(b"/")
            if below:
                folders[name][rest] = entry
            else:
                entries[name] = entry
        for name, inside in folders.items():
            mode, before = entries.get(name, (_FOLDER, ""))
            entries[name] = _FOLDER, self._with(before if mode == _FOLDER else "", inside)
        ordered = sorted(entries, key=lambda name: name + b"/" if entries[name][0] == _FOLDER else name)
        return self.tree(*((entries[name][0].decode(), entries[name][1], name) for name in ordered))

    def _entries(self, tree: str) -> _Entries:
        _, raw = self._open().read(tree)
        found: _Entries = {}
        while raw:
            mode, _, raw = raw.partition(b" ")
            name, _, raw = raw.partition(b"\0")
            found[name], raw = (mode, raw[:20].hex()), raw[20:]
        return found

    def tag(self, name: str, target: str = "main", *, annotated: bool = False) -> str:
        """Tag a commit and give the tagged commit's SHA."""
        self.git("tag", "--force", *(["-a", "-m", name] if annotated else []), "--", name, target)
        return self.git("rev-parse", f"{target}^{{commit}}")
