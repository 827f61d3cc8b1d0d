"""``manifest-generate-paths``: the files that an application says it is made of."""

import posixpath
from collections.abc import Iterable

from kubegrammar.glob import doublestar_match
from trueup.model.annotations import GENERATE_PATHS
from trueup.model.application import Application


def generate_paths(app: Application) -> tuple[str, ...]:
    """Folders, files and patterns below the repository's root; none where the application does not say.

    As in Argo CD: separated by semicolons, relative to the path of each source, or to the root with a slash before.
    """
    found: list[str] = []
    for item in filter(None, map(str.strip, app.metadata.annotations.get(GENERATE_PATHS, "").split(";"))):
        bases = [""] if item.startswith("/") else [source.path for source in app.spec.all_sources()]
        found += [_tidy(f"{base}/{item}") for base in bases]
    return tuple(dict.fromkeys(found))


def touched(paths: Iterable[str], files: Iterable[str]) -> bool:
    """Whether one of the files is one of the paths, lies below it, or matches it as a pattern."""
    below = tuple(paths)
    return any(_is_of(path, _tidy(file)) for file in files for path in below)


def _is_of(path: str, file: str) -> bool:
    if not path or file == path or file.startswith(path + "/"):
        return True
    return any(mark in path for mark in "*?[") and doublestar_match(path, file)


def _tidy(path: str) -> str:
    """Without a slash before, and without dots; what leads out of the repository ends at its root."""
    return posixpath.normpath("/" + path).strip("/")
