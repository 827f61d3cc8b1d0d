"""How long passes and git take, and how often they fail."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from kubegrammar.redact import redact_url
from trueup.runtime.metrics import Family, Metrics
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


def measured_git(run: Git, metrics: Metrics) -> Git:
    """Commands of git with their time, as far as they ask a server: what stands behind ``--`` is its address."""

    async def measured(args: Sequence[str], **more: Any) -> bytes:
        kind = next((each for each in ("ls-remote", "fetch", "push") if each in args), "")
        if not kind or "--" not in args:
            return await run(args, **more)
        of = (redact_url(args[args.index("--") + 1]), kind)
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
