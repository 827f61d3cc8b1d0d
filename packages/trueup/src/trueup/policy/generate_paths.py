"""``manifest-generate-paths``: the files that an application says it is made of.

Whoever may write an application writes the one side of the comparison, whoever may push the other. What is more than
anybody needs counts as not said, and so does what would cost more than a few milliseconds to find out.
"""

import posixpath
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from kubegrammar.glob import OutOfSteps, Steps, doublestar_match, doublestar_size
from trueup.model.annotations import GENERATE_PATHS
from trueup.model.application import Application

LONGEST: Final = 64 << 10
"""Characters of all paths, with those of the sources before them."""
MOST_PATHS: Final = 500
"""Paths that an application may name, once for each source."""
_PATH: Final = 16
"""Steps that a path costs, found among sorted files."""
_MARKS: Final = "*?["


def generate_paths(app: Application) -> tuple[str, ...]:
    """Folders, files and patterns below the repository's root; none where the application does not say, or too many.

    As in Argo CD: separated by semicolons, relative to the path of each source, or to the root with a slash before.
    """
    said = app.metadata.annotations.get(GENERATE_PATHS, "")
    if not said or len(said) > LONGEST:
        return ()
    if said.count(";") > 2 * MOST_PATHS:
        return ()
    items = list(dict.fromkeys(filter(None, map(str.strip, said.split(";")))))
    bases = list(dict.fromkeys(source.path for source in app.spec.all_sources()))
    longest = len(items) * sum(map(len, bases)) + len(bases) * len(said)
    if len(items) * len(bases) > MOST_PATHS or longest > LONGEST:
        return ()
    found = (_tidy(f"{base}/{item}") for item in items for base in ([""] if item.startswith("/") else bases))
    return tuple(dict.fromkeys(found))


class ChangedFiles:
    """The files of a push, sorted once for all applications that are asked about them."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = sorted(set(map(_tidy, files)))

    def touch(self, paths: Iterable[str], steps: Steps) -> bool:
        """Whether one of them is one of the paths, lies below it, or matches it as a pattern; or it costs too much.

        Args:
            steps: what it may cost.
        """
        try:
            return any(self._touches(path, steps) for path in paths)
        except OutOfSteps:
            return True

    def _touches(self, path: str, steps: Steps) -> bool:
        steps.take(_PATH)
        if not path:
            return bool(self._files)
        if self._begins(path, path) or self._begins(f"{path}/"):
            return True
        if not any(mark in path for mark in _MARKS):
            return False
        steps.take(doublestar_size(path))
        start = _fixed(path)
        for at in range(bisect_left(self._files, start), len(self._files)):
            if not self._files[at].startswith(start):
                return False
            if doublestar_match(path, self._files[at], steps):
                return True
        return False

    def _begins(self, start: str, whole: str = "") -> bool:
        """Whether a file begins so, or is that whole."""
        at = bisect_left(self._files, start)
        return at < len(self._files) and (self._files[at] == whole if whole else self._files[at].startswith(start))


def _fixed(pattern: str) -> str:
    """What all that a pattern matches begins with."""
    return pattern[: next((at for at, each in enumerate(pattern) if each in "*?[{\\"), len(pattern))]


def _tidy(path: str) -> str:
    """Without a slash before, and without dots; what leads out of the repository ends at its root."""
    return posixpath.normpath("/" + path).strip("/")
