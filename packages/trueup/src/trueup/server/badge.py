"""``/api/badge``: how an application or a project does, as a small picture for pages of others.

Nobody signs in for it, so it knows nothing unless ``statusbadge.enabled`` is ``true``: of what is there then as little
as of what is not.
"""

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from kubegrammar import pattern
from trueup.model.application import DEFAULT_PROJECT
from trueup.model.repository import short_revision
from trueup.server.endpoint import Endpoint, EndpointAnswer, Knock
from trueup.store.applications import StoredApplication

PATH: Final = "/api/badge"
KIND: Final = "image/svg+xml"
_NAME = pattern.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_HEALTH: Final = {
    "Healthy": "#18be52",
    "Progressing": "#0dadea",
    "Suspended": "#766f94",
    "Degraded": "#e96d76",
    "Missing": "#f4c030",
    "Unknown": "#ccd6dd",
}
_SYNC: Final = {"Synced": "#18be52", "OutOfSync": "#f4c030", "Unknown": "#ccd6dd"}
_REVISION: Final = "#4d4d4d"
_TEXT: Final = 6.6
"""Width of a letter, about."""
_NARROWEST, _WIDEST = 40, 2000
_SHOWN: Final = 80
"""Letters of a revision."""
_WORST: Final = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended")


class BadgePorts(msgspec.Struct, frozen=True):
    """What it is made from.

    Attributes:
        settings: the data of ``argocd-cm``.
        application: one by its key.
        applications: all that can be read.
    """

    settings: Callable[[], Mapping[str, str]]
    application: Callable[[str], StoredApplication | None]
    applications: Callable[[], Iterable[StoredApplication]]
    control_namespace: str


class BadgeVerdict(msgspec.Struct, frozen=True):
    """What is shown.

    Attributes:
        revision: empty for none.
        title: stands before the rest; empty for none.
    """

    health: str = "Unknown"
    sync: str = "Unknown"
    revision: str = ""
    title: str = ""


class Badges:
    """Makes badges."""

    def __init__(self, ports: BadgePorts) -> None:
        self._ports = ports

    def endpoint(self) -> Endpoint:
        """The path's."""
        return Endpoint(self.answer, ("GET", "HEAD"))

    async def answer(self, knock: Knock) -> EndpointAnswer:
        """One badge."""
        query = knock.query
        is_on = self._ports.settings().get("statusbadge.enabled", "").strip().lower() == "true"
        verdict = self._verdict(query) if is_on else BadgeVerdict()
        width = query.get("width", "")
        wide = int(width) if width.isascii() and width.isdecimal() and len(width) < 5 else 0
        return EndpointAnswer(200, picture(verdict, wide).encode(), KIND)

    def _verdict(self, query: Mapping[str, str]) -> BadgeVerdict:
        name, namespace = query.get("name", ""), query.get("namespace", "") or self._ports.control_namespace
        if name:
            if not (_NAME.fullmatch(name) and _NAME.fullmatch(namespace)):
                return BadgeVerdict()
            stored = self._ports.application(f"{namespace}/{name}")
            if stored is None or stored.fault is not None:
                return BadgeVerdict()
            health, sync = _states(stored)
            revision = _revision(stored, query) if query.get("revision", "") == "true" else ""
            return BadgeVerdict(health, sync, revision, name if query.get("showAppName", "") == "true" else "")
        project = query.get("project", "")
        found = [
            _states(each)
            for each in self._ports.applications()
            if project and (each.app.spec.project or DEFAULT_PROJECT) == project
        ]
        if not found:
            return BadgeVerdict()
        health = next((each for each in _WORST if any(state[0] == each for state in found)), "Healthy")
        sync = next((each for each in ("Unknown", "OutOfSync") if any(s[1] == each for s in found)), "Synced")
        return BadgeVerdict(health, sync)


def _states(stored: StoredApplication) -> tuple[str, str]:
    status = stored.status
    health = str(status.health.status) if status.health and status.health.status else "Unknown"
    sync = str(status.sync.status) if status.sync and status.sync.status else "Unknown"
    return health if health in _HEALTH else "Unknown", sync if sync in _SYNC else "Unknown"


def _revision(stored: StoredApplication, query: Mapping[str, str]) -> str:
    """Of the last sync, as in Argo CD."""
    state = stored.status.operation_state
    result = state.sync_result if state is not None else None
    revision = (result.revision or next(iter(result.revisions), "")) if result is not None else ""
    full = query.get("keepFullRevision", "") == "true"
    return revision[:_SHOWN] if full else short_revision(revision, 7)[:_SHOWN]


def picture(verdict: BadgeVerdict, width: int = 0) -> str:
    """The picture. Whatever a name holds, it is text in it.

    Args:
        width: pixels; 0 for as many as it needs.
    """
    parts = [("#333333", verdict.title)] if verdict.title else []
    parts += [(_HEALTH[verdict.health], verdict.health), (_SYNC[verdict.sync], verdict.sync)]
    parts += [(_REVISION, f"({verdict.revision})")] if verdict.revision else []
    at, drawn = 0.0, []
    for colour, text in parts:
        wide = max(_NARROWEST, round(len(text) * _TEXT) + 16)
        shown = html.escape(text, quote=True)
        drawn.append(f'<rect x="{at:g}" width="{wide}" height="20" fill="{colour}"/>')
        drawn.append(f'<text x="{at + wide / 2:g}" y="14">{shown}</text>')
        at += wide
    shown_width = min(max(width, 20), _WIDEST) if width else round(at)
    label = html.escape(", ".join(text for _, text in parts), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{shown_width}" height="20" viewBox="0 0 {at:g} 20" role="img" '
        f'aria-label="{label}"><g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff" '
        f'text-anchor="middle">{"".join(drawn)}</g></svg>'
    )
