"""All mirrors of an engine."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from trueup.model.errors import InvalidSpec
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.sources.port import Git, Timeouts
from trueup.sources.url import admit

_NAME_LENGTH = 32
_REMEMBERED = 10_000


class Mirrors:
    """One mirror per repository, in folders below ``root``.

    Two URLs share a mirror when they differ in the case of scheme or host or in a last slash only. Other spellings
    that Argo CD holds equal (``.git``, case of the path) may name different repositories, and other credentials may
    have other rights.

    Args:
        root: folder of the mirrors, for this engine alone.
        git: the git command.
        allowed_local: folders below which local repositories may lie.
        credential: what to show the server of a URL, asked for at each run of git.
    """

    def __init__(
        self,
        root: Path,
        git: Git,
        *,
        allowed_local: Sequence[Path] = (),
        timeouts: Timeouts | None = None,
        credential: Callable[[str], Credential | None] = lambda _: None,
    ) -> None:
        self._root = root
        self._git = git
        self._allowed_local = tuple(allowed_local)
        self._timeouts = timeouts or Timeouts()
        self._credential = credential
        self._mirrors: dict[str, Mirror] = {}
        self._identities: dict[str, str] = {}

    def get(self, url: str) -> Mirror:
        """The mirror of a repository, fetched or not yet.

        Raises:
            InvalidSpec: the URL is not allowed.
        """
        remote = admit(url, self._allowed_local)
        mirror = self._mirrors.get(remote.identity)
        if mirror is None:
            folder = self._root / _name(remote.identity)
            mirror = Mirror(remote, folder, self._git, self._timeouts, credential=lambda: self._credential(url))
            self._mirrors[remote.identity] = mirror
        return mirror

    def identity(self, url: str) -> str:
        """What two URLs of one repository have in common; an unallowed URL is its own."""
        known = self._identities.get(url)
        if known is None:
            try:
                known = admit(url, self._allowed_local).identity
            except InvalidSpec:
                known = url
            if len(self._identities) >= _REMEMBERED:
                self._identities.clear()
            self._identities[url] = known
        return known

    async def keep_only(self, urls: Iterable[str]) -> None:
        """Drop the mirrors of all other repositories, and their folders, also those of an earlier run."""
        kept = {admit(url, self._allowed_local).identity for url in urls}
        for identity in [each for each in self._mirrors if each not in kept]:
            await self._mirrors.pop(identity).close()
        await asyncio.to_thread(self._remove_folders, {_name(identity) for identity in kept})

    async def close(self) -> None:
        """Give up all updates under way."""
        await asyncio.gather(*(mirror.close() for mirror in self._mirrors.values()))

    def _remove_folders(self, kept: set[str]) -> None:
        if not self._root.is_dir():
            return
        for folder in self._root.iterdir():
            if folder.name not in kept and len(folder.name) == _NAME_LENGTH:
                shutil.rmtree(folder, ignore_errors=True)


def _name(identity: str) -> str:
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:_NAME_LENGTH]
