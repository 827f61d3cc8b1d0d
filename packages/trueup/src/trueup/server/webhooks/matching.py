"""Which repository is meant, and which applications read what was pushed to it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from kubegrammar import semver
from kubegrammar.glob import OutOfSteps, Steps
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import REMEMBERED, parse_repository_url
from trueup.model.source import Source
from trueup.policy.generate_paths import ChangedFiles, generate_paths
from trueup.server.webhooks.news import GitPush, ImagePush, News
from trueup.sources import revision as revisions

_AZURE, _AZURE_SSH, _VISUAL_STUDIO = "dev.azure.com", "vs-ssh.visualstudio.com", ".visualstudio.com"


STEPS: Final = 20_000
"""Steps of finding out whether pushes that are told together concern an application: a few milliseconds."""
STEPS_OF_ALL: Final = 100 * STEPS
"""Of finding it out for all applications."""
MOST_SOURCES: Final = 100
"""Of an application; one of more is concerned by whatever is pushed to one of them."""
_SAID = 8
"""Steps that a path costs to be read."""
_REVISION = 50
"""Steps that a source's revision costs to be compared with a ref."""


class PushedPlace(msgspec.Struct, frozen=True, order=True):
    """A repository, whatever way leads to it: by ssh or HTTP, with a port or without, in capital letters or small.

    Attributes:
        host: empty for a folder.
    """

    host: str
    path: str


@lru_cache(REMEMBERED)
def place_of(url: str) -> PushedPlace | None:
    """The place that a URL means; None where it is none."""
    try:
        parsed = parse_repository_url(url)
    except InvalidSpec:
        return None
    path = parsed.path.lower().removesuffix(".git")
    host = parsed.host.removeprefix("alt").removeprefix("ssh.") if parsed.host.startswith(_SSH) else parsed.host
    if host == _AZURE or host.endswith(_VISUAL_STUDIO):
        return _azure(host, path)
    return PushedPlace(host, path)


_SSH = ("ssh.", "altssh.")
"""Beginnings of names by which hosts are reached over ssh."""


def _azure(host: str, path: str) -> PushedPlace:
    """Azure has three notations: ``dev.azure.com/org/project/_git/repo``, ``org.visualstudio.com/project/_git/repo``,
    and ``v3/org/project/repo`` of ssh."""
    parts = [part for part in path.split("/") if part not in ("_git", "defaultcollection")]
    if parts[:1] == ["v3"]:
        parts = parts[1:]
    elif host not in (_AZURE, _AZURE_SSH):
        parts = [host.removesuffix(_VISUAL_STUDIO), *parts]
    if len(parts) == 2:
        # A project's repository of the same name is written once.
        parts.append(parts[1])
    return PushedPlace(_AZURE, "/".join(parts))


def place_of_source(repository: RepositoryOf) -> PushedPlace | None:
    """The place that an application reads; of a chart in a registry, the chart's."""
    packed = repository.chart and repository.packed
    return place_of(f"{repository.url.rstrip('/')}/{repository.chart}" if packed else repository.url)


def places_of_news(news: News) -> frozenset[PushedPlace]:
    """The places that something was pushed to, as its host writes them."""
    urls = news.urls if isinstance(news, GitPush) else (f"oci://{news.repository}",)
    return frozenset(place for place in map(place_of, urls) if place is not None and place.path)


class Pushed:
    """What was pushed to a place, prepared once for all applications that read it.

    What the comparison costs is bounded for each application, and for all of them: whoever may write an application
    writes the paths, and whoever may push the files. What would cost more is a push that concerns it.
    """

    def __init__(self, place: PushedPlace, news: Sequence[News]) -> None:
        self._place = place
        self._news = [(each, _changed(each)) for each in news]
        self._left = STEPS_OF_ALL

    def concerns(self, app: Application) -> bool:
        """Whether an application reads what may be another since; true where it would cost too much to find out."""
        given = Steps(min(STEPS, self._left))
        before = given.left
        try:
            return self._concerns(app, given)
        except OutOfSteps:
            return True
        finally:
            self._left -= before - given.left

    def _concerns(self, app: Application, steps: Steps) -> bool:
        all_sources = app.spec.all_sources()
        if len(all_sources) > MOST_SOURCES:
            return True
        steps.take(len(all_sources) * _REVISION)
        sources = [each for each in all_sources if place_of_source(app.spec.repository(each)) == self._place]
        paths: tuple[str, ...] | None = None
        for news, files in self._news:
            steps.take(len(sources) * _REVISION)
            if not any(_names(source, news) for source in sources):
                continue
            if files is None:
                return True
            if paths is None:
                paths = generate_paths(app)
                steps.take(len(paths) * _SAID)
            if not paths or files.touch(paths, steps):
                return True
        return False


def _changed(news: News) -> ChangedFiles | None:
    return ChangedFiles(news.files) if isinstance(news, GitPush) and news.files is not None else None


def _names(source: Source, news: News) -> bool:
    """Whether the revision of a source may be another since."""
    wanted = source.target_revision
    if isinstance(news, ImagePush):
        return not news.tag or wanted in ("", news.tag) or semver.best_match(wanted, [news.tag]) is not None
    if source.packed:
        return False
    refs = {news.ref: "pushed"} | ({revisions.HEAD: "pushed"} if news.is_head is not False else {})
    try:
        return bool(revisions.match(wanted, source.tag_prefix, refs))
    except TrueupError:
        return True
