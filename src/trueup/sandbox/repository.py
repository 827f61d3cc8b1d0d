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
    """

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self._git = git

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    async def create(self, content: Path) -> str:
        """Fill it with a copy of a folder and commit; returns the commit."""
        ignored = shutil.ignore_patterns(".git")
        await asyncio.to_thread(shutil.copytree, content, self.folder, ignore=ignored, symlinks=True)
        await self.git("init", "--quiet", "--initial-branch=main")
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
        return await self.head()

    async def revert(self, revision: str = "HEAD") -> str:
        """``git revert``; returns the new commit."""
        await self.git(*IDENTITY, "revert", "--no-edit", revision)
        return await self.head()

    async def head(self) -> str:
        return (await self.git("rev-parse", "HEAD")).decode().strip()

    async def git(self, *args: str) -> bytes:
        """Run git in the work tree."""
        arguments: Sequence[str] = args
        return await self._git(arguments, cwd=self.folder, timeout=30)
