"""Files of a chart on which it depends which objects there are."""

from collections.abc import Callable

from trueup.model.tree import Mode, Tree
from trueup.render.helm_chart import RENDERED
from trueup.render.helm_scan import ARCHIVES
from trueup.render.job import HelmJob, Input, Recipe
from trueup.render.wholeness import TEXTS

_FILES = b"Files"


def deciding(recipe: Recipe, now: Tree) -> Callable[[Input], bool]:
    """Tells it of each: all do where a template may read files, else templates and values."""
    job = recipe.job
    assert isinstance(job, HelmJob)
    if _reads_files(recipe, now):
        return lambda file: True
    chosen = {*job.value_files, *(path for _, path in job.file_parameters)}
    prefix = f"{job.path}/" if job.path else ""

    def decides(file: Input) -> bool:
        folder, slash, _ = file.path.removeprefix(prefix).partition("/")
        return file.path in chosen or (file.path.endswith(TEXTS) if not slash else folder in RENDERED)

    return decides


def _reads_files(recipe: Recipe, now: Tree) -> bool:
    """Whether a template of a chart may read other files of it (``.Files``); one in an archive may."""
    for file in recipe.inputs:
        if file.path.endswith(ARCHIVES):
            return True
        if file.entry.mode is Mode.LINK or file.ref or not any(f"/{folder}/" in f"/{file.path}" for folder in RENDERED):
            continue
        if _FILES in now.read(file.entry):
            return True
    return False
