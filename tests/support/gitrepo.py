"""Makes Git repositories for tests, with the git command and a fixed identity."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

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


class GitRepo:
    """A bare repository that commits are written to without a work tree."""

    def __init__(self, path: Path, branch: str = "main") -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", f"--initial-branch={branch}")

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
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[str, str, bytes]) -> str:
        """Write a tree of ``(mode, object, name)`` with no check of the names."""
        raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, oid, name in entries)
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)

    def commit(
        self, files: Mapping[str, bytes | str], *, branch: str = "main", message: str = "change", keep: bool = True
    ) -> str:
        """Commit files (a str value makes a link to it) on a branch and give the SHA.

        Args:
            keep: with the files of the branch's last commit; otherwise with these alone and no parent.
        """
        parent = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") if keep else ""
        index = {"GIT_INDEX_FILE": str(self.path / "test-index")}
        (self.path / "test-index").unlink(missing_ok=True)
        if parent:
            self.git("read-tree", parent, env=index)
        lines = b""
        for name, content in files.items():
            mode = "120000" if isinstance(content, str) else "100644"
            oid = self.blob(content.encode() if isinstance(content, str) else content)
            lines += f"{mode} {oid}\t".encode() + os.fsencode(name) + b"\0"
        self.git("update-index", "-z", "--index-info", stdin=lines, env=index)
        return self.commit_tree(self.git("write-tree", env=index), branch=branch, message=message, parent=parent)

    def commit_tree(self, tree: str, *, branch: str = "main", message: str = "change", parent: str = "") -> str:
        """Commit a tree on a branch and give the SHA."""
        parents = ["-p", parent] if parent else []
        sha = self.git("commit-tree", tree, *parents, "-m", message)
        self.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def tag(self, name: str, target: str = "main", *, annotated: bool = False) -> str:
        """Tag a commit and give the tagged commit's SHA."""
        self.git("tag", "--force", *(["-a", "-m", name] if annotated else []), "--", name, target)
        return self.git("rev-parse", f"{target}^{{commit}}")
