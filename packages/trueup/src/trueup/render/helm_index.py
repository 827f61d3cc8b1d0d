"""The index of a Helm repository: which archive a name and a version mean, by the rules of Helm's ``pkg/repo``."""

import posixpath
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from kubegrammar import semver, yaml
from kubegrammar.redact import redact_url
from trueup.model.errors import RenderFailed

MAX_INDEX = 16 * 1024 * 1024
"""Bytes of an index."""
_NODES = 2_000_000
_KINDS = (None, "", "application", "library")
_NEWEST = 5
"""Versions that are named where the wanted one is not there."""


CHART, FILES = "chart", "files"
COMMIT = "commit the chart to the repository: helm pull --untar"


class ChartOf(msgspec.Struct, frozen=True):
    """A chart of a Helm repository.

    Attributes:
        repository: its URL, as it is written.
        name: empty for an artifact, which is all that there is at a URL.
        version: exact, or a range; the newest stable one where it is empty.
    """

    repository: str
    name: str
    version: str = ""

    @property
    def tree(self) -> str:
        """The name of the tree that holds it."""
        return f"chart {self.name}\n{self.version}\n{self.repository}"

    @property
    def shown(self) -> str:
        """For messages, without credentials."""
        version = f" {self.version[:100]}" if self.version else ""
        what = f"chart {self.name[:100]}" if self.name else "artifact"
        return f"{what}{version} of {redact_url(self.repository)[:300]}"


class Found(msgspec.Struct, frozen=True, tag=True):
    """What an index says of one version of a chart.

    Attributes:
        version: as it is written there.
        url: of the archive, whole.
        digest: SHA-256 of the archive in hexadecimal; empty where the index says none.
        form: what is in it: ``chart``, or ``files`` of an artifact.
    """

    version: str
    url: str
    digest: str = ""
    form: str = CHART


class Missing(msgspec.Struct, frozen=True, tag=True):
    """Why an index has no such chart, and the remedy."""

    message: str
    hint: str


def over_http(url: str) -> bool:
    """Whether a URL is one of HTTP."""
    return url[:8].lower().startswith(("https://", "http://"))


def index_url(repository: str) -> str:
    """Where the index of a repository lies."""
    return _below(repository, "index.yaml")


def read_index(data: bytes, repository: str) -> dict[str, Any]:
    """The entries of an index by name.

    Raises:
        RenderFailed: it is none.
    """
    shown = redact_url(index_url(repository))[:300]
    try:
        read = yaml.load(data, shown, yaml.YamlLimits(size=MAX_INDEX, nodes=_NODES))
    except yaml.YamlError as error:
        raise RenderFailed(f"the index of the Helm repository: {error}"[:600], hint="correct repo") from error
    if not isinstance(read, dict) or not read.get("apiVersion"):
        raise RenderFailed(f"{shown} is no index of a Helm repository: it has no apiVersion", hint="correct repo")
    entries = read.get("entries")
    return entries if isinstance(entries, dict) else {}


def find_all(data: bytes, charts: Sequence[ChartOf]) -> list[Found | Missing]:
    """What an index says of charts of its repository.

    Raises:
        RenderFailed: it is none.
    """
    if not charts:
        return []
    entries = read_index(data, charts[0].repository)
    return [find(entries, chart) for chart in charts]


def find(entries: dict[str, Any], chart: ChartOf) -> Found | Missing:
    """The archive that a chart means. An exact version is taken as it is written, before ranges are; entries that Helm
    would pass over are passed over.

    Args:
        entries: by :func:`read_index`.
    """
    listed = entries.get(chart.name)
    usable = [each for each in listed if _is_usable(each)] if isinstance(listed, list) else []
    if not usable:
        return Missing(f"{chart.shown}: its index has no chart of this name", _named_alike(chart.name, entries))
    versions = [str(each["version"]) for each in usable]
    wanted = chart.version if chart.version in versions else semver.best_match(chart.version or "*", versions)
    if wanted is None:
        problem = "no such version" if chart.version else "no stable version"
        return Missing(f"{chart.shown}: its index has {problem}", f"set version to one that it has: {newest(versions)}")
    entry = usable[versions.index(wanted)]
    urls = entry.get("urls")
    if not isinstance(urls, list) or not urls or not isinstance(urls[0], str):
        return Missing(f"{chart.shown}: its index names no URL of version {wanted}", "set another version")
    digest = entry.get("digest")
    digest = digest.removeprefix("sha256:").lower() if isinstance(digest, str) else ""
    try:
        url = _resolved(chart.repository, urls[0])
    except ValueError:
        return Missing(f"{chart.shown}: its index names no URL of version {wanted} that is one", "set another version")
    if not over_http(url):
        scheme = urlsplit(url).scheme[:20]
        return Missing(f"{chart.shown}: its index has version {wanted} at {scheme}://, and HTTP alone is read", COMMIT)
    return Found(wanted, url, digest)


def _is_usable(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("type") not in _KINDS:
        return False
    name, version = entry.get("name"), entry.get("version")
    return (
        isinstance(name, str) and bool(name) and isinstance(version, str) and semver.parse_version(version) is not None
    )


def newest(versions: Sequence[str]) -> str:
    """The first few versions from the top, to be named."""
    found: list[str] = []
    rest = list(versions)
    while rest and len(found) < _NEWEST and (best := semver.best_match(">=0.0.0-0", rest)):
        found.append(best)
        rest = [each for each in rest if each != best]
    return ", ".join(each[:60] for each in found)


def _named_alike(name: str, entries: dict[str, Any]) -> str:
    folded = name.casefold()
    alike = sorted(each for each in entries if folded in each.casefold() or each.casefold() in folded)[:_NEWEST]
    return f"correct name: it has {', '.join(each[:60] for each in alike)}" if alike else "correct name, or repo"


def _below(repository: str, name: str) -> str:
    parts = urlsplit(repository)
    return urlunsplit(parts._replace(path=posixpath.join(parts.path.rstrip("/") + "/", name)))


def _resolved(repository: str, url: str) -> str:
    """An archive's URL; relative ones begin at the repository's, whose query they keep (``ResolveReferenceURL``)."""
    if urlsplit(url).scheme:
        return url
    base = urlsplit(_below(repository, ""))
    return urlunsplit(urlsplit(urljoin(urlunsplit(base), url))._replace(query=base.query))
