"""A worker process: reads tasks from its standard input, renders, answers. Started by :mod:`trueup.workers.pool` alone.

Whatever a chart or a file does to this process, the process dies alone: it has an empty environment, a folder of its
own and nothing else to write, limits on memory, time, files, no network, and no way to print into the answers.
"""

import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import assert_never

from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Rendering
from trueup.render.directory import read_directory
from trueup.render.given import read_given
from trueup.render.job import ClosureTooNarrow, DirectoryJob, GivenJob, HelmJob, JsonnetJob, KustomizeJob, PluginJob
from trueup.render.output import Objects
from trueup.workers.frame import MAX_FRAME, Answer, Done, Failed, RenderTask, pack, unpack_task
from trueup.workers.helm import render_helm
from trueup.workers.jsonnet import evaluate
from trueup.workers.kustomize import kubectl, render_kustomize
from trueup.workers.kustomizer import program
from trueup.workers.plugin import render_plugin
from trueup.workers.worker import serve

_DEEP = 3000
"""Python's recursion limit here: YAML may nest as deep as its reader allows."""


def render(task: RenderTask, scratch: Path) -> Rendering:
    """Do one task.

    Raises:
        RenderFailed: the source cannot become manifests.
    """
    recipe = task.recipe
    objects = Objects(recipe.source_index, recipe.substitution)
    match recipe.job:
        case DirectoryJob() as job:
            programs = job.jsonnet or JsonnetJob(())
            read_directory(job, task.files, objects, lambda path: evaluate(programs, path, task.files))
        case GivenJob():
            read_given(task.files, objects)
        case KustomizeJob() as job:
            render_kustomize(job, recipe, task.files, scratch, objects)
        case HelmJob() as job:
            render_helm(job, recipe, task.files, scratch, objects)
        case PluginJob() as job:
            render_plugin(job, recipe, task.files, scratch, objects)
        case None:
            pass
        case _ as unknown:
            assert_never(unknown)
    return Rendering(
        key=recipe.key,
        source_type=recipe.tool,
        manifests=objects.finish(),
        warnings=(*recipe.warnings, *objects.warnings),
        barren=(*recipe.gaps, *objects.barren),
    )


def answer(task: RenderTask) -> Answer:
    """The answer to one task; its scratch folder is gone afterwards."""
    _limit_cpu(task.cpu_seconds)
    scratch = Path(tempfile.mkdtemp(dir=Path.cwd()))
    try:
        return Done(render(task, scratch))
    except RenderFailed as error:
        stopped = isinstance(error, RenderStopped)
        return Failed(error.message, error.hint, narrow=isinstance(error, ClosureTooNarrow), stopped=stopped)
    except MemoryError:
        return Failed("rendering stopped: memory limit", "make the source smaller, or split it", stopped=True)
    except RecursionError:
        return Failed("rendering stopped: nesting too deep", "flatten the manifests")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _limit_cpu(seconds: int) -> None:
    """Let this process use ``seconds`` more of processor time; a tool it starts inherits the number."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def handle(body: bytes) -> bytes:
    """The answer to one task, packed."""
    packed = pack(answer(unpack_task(body)))
    if len(packed) > MAX_FRAME:
        packed = pack(Failed("rendering stopped: its outcome is too large", "split the source"))
    return packed


def main() -> None:
    """Serve tasks until the input ends."""
    sys.setrecursionlimit(_DEEP)
    # What is named to be read, a plugin's child may also run.
    serve(handle, executes=[kubectl(), *filter(None, (program(),)), *map(Path, sys.argv[2:])])


if __name__ == "__main__":
    main()
