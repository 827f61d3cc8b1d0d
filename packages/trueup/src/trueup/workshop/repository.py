"""A Git repository to play with: a work tree on this machine that the engine reads by file://."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

Git = Callable[..., Awaitable[bytes]]
"""Runs git: ``await git(args, cwd=…)`` returns its output (the signature of ``workers.git.run_git``)."""

IDENTITY = ("-c", "user.name=Trueup demo", "-c", "user.email=demo@trueup.invalid", "-c", "commit.gpgsign=false")


class PlayRepository:
    """A repository whose content may be changed freely.

    Args:
        folder: its work tree.
        git: runs git.
        remote: where commits are pushed to; without one, the work tree is what is read.
        header: what that wants to be shown.
    """

    def __init__(self, folder: Path, git: Git, *, remote: str = "", header: str = "") -> None:
        self.folder = folder
        self._git = git
        self._remote, self._header = remote, header

    @property
    def url(self) -> str:
        """What the engine is given."""
        return self._remote or self.folder.as_uri()

    async def create(self, content: Path) -> str:
        """Fill it with a copy of a folder and commit; returns the commit."""
        ignored = shutil.ignore_patterns(".git")
        await asyncio.to_thread(shutil.copytree, content, self.folder, ignore=ignored, symlinks=True)
        await self.git("init", "--quiet", "--initial-branch=main")
        if self._remote:
            # For whoever works in the folder: it is the owner's alone.
            config = self.folder / ".git" / "config"
            await self.git("remote", "add", "origin", self._remote)
            await self.git("config", f"http.{self._remote}.extraHeader", f"Authorization: {self._header}")
            await self.git("config", "user.name", "You")
            await self.git("config", "user.email", "you@example.com")
            await self.git("config", "push.autoSetupRemote", "true")
            await self.git("config", "pull.rebase", "true")
            await asyncio.to_thread(config.chmod, 0o600)
        return await self.commit("The first state")

    async def write(self, path: str, text: str, message: str) -> str:
        """Write one file and commit; returns the commit."""
        file = self.folder / path
        await asyncio.to_thread(file.write_text, text)
        return await self.commit(message)

    async def commit(self, message: str) -> str:
        """Commit everything; returns the commit."""
        await self.git("add", "--all")
        await self.git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message)
        return await self.push()

    async def push(self) -> str:
        """Send what is committed to where it is read; returns the commit."""
        if self._remote:
            await self._network("push", "--quiet", "--set-upstream", "origin", "main")
        return await self.head()

    async def pull(self) -> str:
        """Take what others pushed; returns the commit."""
        if self._remote:
            await self._network("pull", "--quiet", "--rebase", "origin", "main")
        return await self.head()

    async def revert(self, revision: str = "HEAD") -> str:
        """``git revert``; returns the new commit."""
        await self.git(*IDENTITY, "revert", "--no-edit", revision)
        return await self.push()

    async def head(self) -> str:
        return (await self.git("rev-parse", "HEAD")).decode().strip()

    async def git(self, *args: str) -> bytes:
        """Run git in the work tree."""
        arguments: Sequence[str] = args
        return await self._git(arguments, cwd=self.folder, timeout=30)

    async def _network(self, *args: str) -> bytes:
        arguments: Sequence[str] = args
        return await self._git(arguments, cwd=self.folder, timeout=30, protocols=("http",))
