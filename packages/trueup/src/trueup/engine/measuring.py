"""How long passes and git take, and how often they fail."""

import time
from collections.abc import Awaitable, Callable, Sequence, Set
from typing import Any, Final

from kubegrammar.redact import redact_url
from trueup.model.errors import InvalidSpec
from trueup.model.repository_url import parse_repository_url
from trueup.runtime.metrics import Family, Labels, Metrics
from trueup.runtime.outcome import Requeue
from trueup.sources.port import Git

_PASS: Final = (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
RECONCILE: Final = Family(
    "argocd_app_reconcile", "histogram", "Time of a pass over an application, in seconds.", ("namespace",), _PASS
)
GIT: Final = Family("argocd_git_request_total", "counter", "Questions to Git servers.", ("repo", "request_type"))
GIT_FAILED: Final = Family(
    "argocd_git_fetch_fail_total",
    "counter",
    "Questions to Git servers that were not answered.",
    ("repo", "request_type"),
)
GIT_SECONDS: Final = Family(
    "argocd_git_request_duration_seconds",
    "histogram",
    "Time that git took, in seconds.",
    ("repo", "request_type"),
    (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0),
)

_OF_GIT: Final = frozenset({GIT.name, GIT_FAILED.name, GIT_SECONDS.name})
OTHERS: Final = "others"
"""In place of the URL of a repository that is nobody's: strangers' URLs are no series of their own."""
MOST_REPOSITORIES: Final = 4000
"""Repositories that are told apart."""


def measured_passes(
    reconcile: Callable[[str], Awaitable[Requeue]], metrics: Metrics
) -> Callable[[str], Awaitable[Requeue]]:
    """Passes over applications, by their keys, with their time."""

    async def measured(key: str) -> Requeue:
        began = time.monotonic()
        try:
            return await reconcile(key)
        finally:
            metrics.observe(RECONCILE, time.monotonic() - began, (key.partition("/")[0],))

    return measured


class _Repositories:
    """What repositories are called in numbers: those that are known by their URLs, and all others together."""

    def __init__(self, metrics: Metrics, known: Callable[[], Set[str]]) -> None:
        self._metrics, self._known = metrics, known
        self._labels: dict[str, str] = {}

    def label(self, address: str) -> str:
        found = self._labels.get(address)
        if found is None:
            known = self._known()
            if _name(address) not in known:
                return OTHERS
            if len(self._labels) >= MOST_REPOSITORIES and not self._make_room(known):
                return OTHERS
            found = self._labels[address] = redact_url(address)
        return found

    def _make_room(self, known: Set[str]) -> bool:
        """Forget those that were known; gives whether there were any."""
        gone = {address for address in self._labels if _name(address) not in known}
        left = {self._labels.pop(address) for address in gone} - set(self._labels.values())

        def is_left(family: Family, values: Labels) -> bool:
            return family.name in _OF_GIT and values[0] in left

        if left:
            self._metrics.forget(is_left)
        return bool(gone)


def _name(address: str) -> str:
    try:
        return parse_repository_url(address).name
    except InvalidSpec:
        return ""


def measured_git(run: Git, metrics: Metrics, known: Callable[[], Set[str]]) -> Git:
    """Commands of git with their time, as far as they ask a server: what stands behind ``--`` is its address.

    Args:
        known: names of the repositories (``RepositoryUrl.name``) that are counted by their URLs.
    """
    repositories = _Repositories(metrics, known)

    async def measured(args: Sequence[str], **more: Any) -> bytes:
        kind = next((each for each in ("ls-remote", "fetch", "push") if each in args), "")
        if not kind or "--" not in args:
            return await run(args, **more)
        of = (repositories.label(args[args.index("--") + 1]), kind)
        began = time.monotonic()
        metrics.count(GIT, of)
        try:
            return await run(args, **more)
        except Exception:
            metrics.count(GIT_FAILED, of)
            raise
        finally:
            metrics.observe(GIT_SECONDS, time.monotonic() - began, of)

    return measured
