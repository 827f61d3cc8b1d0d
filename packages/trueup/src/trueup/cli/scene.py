"""What the demo shows: applications, the last things that happened to them, and what to try."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.cells import cell_len
from rich.text import Text

from trueup.cli.output import COLOURS
from trueup.cli.screen import plain
from trueup.model.audit import AuditRecord
from trueup.model.status import ResourceStatus
from trueup.store.audit.story import clock, story

FEED = 8
"""Events that are shown."""
_TONES = {"good": "green", "bad": "red", "changed": "cyan"}
_HEADINGS = ("APPLICATION", "SYNC", "HEALTH", "REVISION", "MESSAGE")
_NARROW = 72
"""Columns below which no revision is shown."""
_NAME = 24
"""Columns that the name of an application may take."""
_SCALED = ("Deployment", "StatefulSet")
_HARMLESS = ("ConfigMap", "Service", "ServiceAccount")
"""Kinds whose deletion by hand takes nothing along that is not put back."""


class Happening(msgspec.Struct, frozen=True):
    """One event: when (RFC 3339), to which application, what, and how good that is."""

    id: int
    at: str
    application: str
    text: str
    tone: str

    @property
    def line(self) -> str:
        return f"{clock(self.at)}  {self.application}  {self.text}"


class ScenePlace(msgspec.Struct, frozen=True, kw_only=True):
    """What commands in another terminal have to name.

    Attributes:
        programs: folder of ``trueup`` and ``kubectl``, where the shell does not find them; else None.
        context, namespace: of somebody else's cluster, where the demo is a guest; else empty.
        data: the engine's data folder.
        folder: of the repository that may be changed; None where it is not on this machine.
        pushed: commits in that folder are pushed before the engine sees them.
    """

    programs: Path | None
    kubeconfig: Path
    context: str = ""
    namespace: str = ""
    data: Path
    folder: Path | None = None
    pushed: bool = False

    @property
    def kubectl(self) -> str:
        return f"kubectl --context {shlex.quote(self.context)}" if self.context else "kubectl"

    @property
    def options(self) -> str:
        if not self.context:
            return ""
        return f" --kube-context {shlex.quote(self.context)} --namespace {shlex.quote(self.namespace)}"


def commands(place: ScenePlace, application: str, *, examples: bool, namespace: str) -> Iterator[str]:
    """Lines to print: what to paste into another terminal, with blank lines and words between.

    Args:
        examples: the repository is that of the examples, whose files are known.
        namespace: of the application's objects.
    """
    yield "In another terminal:"
    if place.programs:
        yield f'  export PATH={shlex.quote(str(place.programs))}:"$PATH"'
    yield f"  export KUBECONFIG={shlex.quote(str(place.kubeconfig))}"
    yield f"  trueup app list{place.options}"
    yield f"  trueup app get {application}{place.options}"
    if examples:
        yield "Scale it by hand, and see it put back:"
        yield f"  {place.kubectl} -n {namespace} scale deployment web --replicas 5"
    if place.folder:
        push = " && git push" if place.pushed else ""
        yield "Commit a change, and take it back:"
        yield f"  cd {shlex.quote(str(place.folder))}"
        if examples:
            yield "  sed -i 's/replicas: .*/replicas: 3/' plain/deployment.yaml"
        else:
            yield "  ${EDITOR:-vi} ."
        yield f"  git commit -am 'A change'{push}"
        yield f"  git revert --no-edit HEAD{push}"
    yield "The whole story:"
    yield f"  trueup app timeline {application} --data {shlex.quote(str(place.data))}{place.options}"


def by_hand(place: ScenePlace, resources: Sequence[ResourceStatus]) -> str:
    """A command that changes one of an application's objects and harms nothing; empty where there is none."""
    for kinds, change in ((_SCALED, "scale {} --replicas 5"), (_HARMLESS, "delete {}")):
        for each in resources:
            if each.kind in kinds and each.group in ("", "apps") and each.namespace:
                named = f"{each.kind.lower()} {shlex.quote(each.name)}"
                return f"{place.kubectl} -n {shlex.quote(each.namespace)} {change.format(named)}"
    return ""


def happenings(entries: Iterable[AuditRecord]) -> list[Happening]:
    """The trail as events of applications, oldest first; what was applied in detail is left out."""
    ordered = list(entries)
    return [
        Happening(entry.id, entry.at, entry.application.rpartition("/")[2], plain(line.text, keep=""), line.tone)
        for entry, line in zip(ordered, story(ordered), strict=True)
        if not line.inner
    ]


def lines(rows: Sequence[Sequence[str]], happened: Sequence[Happening], columns: int) -> list[Text]:
    """The whole picture, a line each: nothing in it is wrapped, what does not fit is cut at the right.

    Args:
        rows: name, sync, health, revision and message of each application.
    """
    shown = [row[:3] + row[4:] if columns < _NARROW else row for row in map(tuple, (_HEADINGS, *rows))]
    widths = [max(cell_len(row[i]) for row in shown) for i in range(len(shown[0]) - 1)]
    widths[0] = min(widths[0], _NAME)
    picture = [_row(row, widths) for row in shown] if rows else [Text("waiting for applications…")]
    if happened:
        picture += [Text(), Text("LATELY (UTC)")]
        picture += [Text(each.line, style=_TONES.get(each.tone, "")) for each in happened[-FEED:]]
    return picture


def _row(cells: Sequence[str], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, [*widths, None], strict=True):
        part = Text(cell, style=COLOURS.get(cell, ""))
        if width is not None:
            part.truncate(width, overflow="ellipsis", pad=True)
            part.append("  ")
        line.append_text(part)
    line.rstrip()
    return line
