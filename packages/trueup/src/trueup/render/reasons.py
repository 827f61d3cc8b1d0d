"""Why each file is among those that a source is made of."""

import posixpath
from collections.abc import Iterator

import msgspec

from trueup.render.job import DirectoryJob, HelmJob, Input, KustomizeJob, PluginJob, Recipe

ABSENT = "looked for, and not there: one that is added may change the outcome"
_CHART_FILES = {
    "Chart.yaml": "the chart",
    "Chart.lock": "versions of the chart's dependencies",
    "requirements.yaml": "the chart's dependencies",
    "values.yaml": "default values",
    "values.schema.json": "what values may be",
    ".helmignore": "files of the chart that are left out",
}


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the closure.

    Attributes:
        path: in its repository.
        why: what names it, or what it is there.
        ref: the source that it is of, where that is another one; for what is elsewhere, its address.
        absent: there is none.
    """

    path: str
    why: str
    ref: str = ""
    absent: bool = False


def reasons(recipe: Recipe) -> Iterator[ReadFile]:
    """The closure of a recipe, in the order of its paths, then what was looked for in vain."""
    for override in recipe.overrides:
        yield ReadFile(path=override.path, why="options of the source, merged into those of the Application")
    named = set(recipe.named)
    for file in recipe.inputs:
        why = recipe.reasons.get(file.path) or _why(recipe, file)
        if recipe.whole_tree and file.path not in named:
            why = "the whole repository is read: the kustomization files do not say what is needed"
        yield ReadFile(path=file.path.removeprefix(f"${file.ref}/") if file.ref else file.path, why=why, ref=file.ref)
    for path in recipe.absent:
        ref, slash, rest = path.removeprefix("$").partition("/")
        elsewhere = path.startswith("$") and bool(slash)
        yield ReadFile(path=rest if elsewhere else path, why=ABSENT, ref=ref if elsewhere else "", absent=True)


def _why(recipe: Recipe, file: Input) -> str:
    match recipe.job:
        case HelmJob() as job:
            return _of_chart(job, file)
        case DirectoryJob() as job:
            if job.jsonnet is not None and file.path in job.jsonnet.programs:
                return "a program of Jsonnet"
            return "imported by Jsonnet" if file.path in job.imported else "a manifest"
        case KustomizeJob():
            return "named by a kustomization"
        case PluginJob() as job:
            return f"plugin {job.name} may read it"
        case _:
            return "a manifest"


def _of_chart(job: HelmJob, file: Input) -> str:
    if file.path in job.value_files:
        return f"values, number {job.value_files.index(file.path) + 1} of {len(job.value_files)}"
    for name, path in job.file_parameters:
        if path == file.path:
            return f"the value of {name}"
    within = posixpath.relpath(file.path, job.path or ".")
    *charts, last = within.split("charts/")
    of = f" of subchart {' in '.join(reversed([each.split('/')[0] for each in [*charts[1:], last]]))}" if charts else ""
    inner = last.partition("/")[2] if charts else within
    if charts and not inner:
        return f"a packed subchart, {last}"
    if inner in _CHART_FILES:
        return f"{_CHART_FILES[inner]}{of}"
    if inner.startswith("templates/"):
        return f"a template{of}"
    if inner.startswith("crds/"):
        return f"a CustomResourceDefinition{of}"
    return f"a file{of}, which templates may read"
