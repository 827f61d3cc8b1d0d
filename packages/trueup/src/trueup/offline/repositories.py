"""Which tree of files a source reads: the checkout, or a repository elsewhere."""

from collections.abc import Awaitable, Callable, Iterable

from kubegrammar.redact import redact_url
from trueup.model.application import Source
from trueup.model.errors import InvalidSpec
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.model.tree import Tree
from trueup.sources.checkout import Checkout
from trueup.sources.mirrors import Mirrors


class NotHere(Exception):
    """A source that is not read; the text says why."""


class OfflineRepositories:
    """Trees by repository URL.

    Args:
        checkout: stands for its own repository, whatever revision a source asks for.
        urls: further URLs of that repository.
        mirrors: reads the others; None leaves them out.
        ask: refuses one that is not asked.
    """

    def __init__(
        self,
        checkout: Checkout,
        urls: Iterable[str] = (),
        mirrors: Mirrors | None = None,
        ask: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._checkout = checkout
        self._own = {place_of(url) for url in (*checkout.urls, *urls)} | {place_of(checkout.root.as_uri())}
        self._mirrors, self._ask = mirrors, ask

    def is_own(self, url: str) -> bool:
        """Whether a URL means the checkout's repository."""
        return place_of(url) in self._own

    async def tree(self, source: Source) -> Tree:
        """What a source reads.

        Raises:
            NotHere: it is not read.
            TrueupError: it cannot be read.
        """
        reached = RepositoryOf(source.address, "", source.chart)
        if not reached.packed and self.is_own(source.repo_url):
            return self._checkout.tree
        if self._mirrors is None:
            if reached.packed:
                raise NotHere("a repository of charts, or a registry; --remote reads it")
            raise NotHere("another repository; --remote reads it, --repo-url says that it is this one")
        if self._ask is not None:
            await self._ask(reached.url)
        return await self._mirrors.read(reached, source.target_revision, source.tag_prefix)


def place_of(url: str) -> str:
    """Host and path of a URL, without what differs between the ways to reach one repository: scheme, user, ``.git``."""
    try:
        read = parse_repository_url(url)
    except InvalidSpec:
        return url.strip()
    path = read.path.lower().removesuffix(".git")
    return f"{read.host}/{path.removeprefix('~/')}"


def described(source: Source) -> str:
    """A source in a phrase, without credentials."""
    if source.chart:
        return f"chart {source.chart} {source.target_revision} of {redact_url(source.repo_url)}".replace("  ", " ")
    path = source.path if source.path not in ("", ".") else ""
    return f"{path} of {redact_url(source.repo_url)}" if path else redact_url(source.repo_url)
