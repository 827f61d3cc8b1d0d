"""Run a config management plugin on a private folder, in this process, which is a worker's.

It may run the programs of this machine, read nothing else of it but its own folder, and reach no network. What it
leaves in the background ends with this process, which does one task.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.render.job import PluginJob, Recipe
from trueup.render.output import Objects
from trueup.workers.folder import lay_out

SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt")))
"""Where programs are."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MAX_OUTPUT = 32 * 1024 * 1024
_SHOWN = 800


def render_plugin(job: PluginJob, recipe: Recipe, files: Mapping[str, bytes], scratch: Path, objects: Objects) -> None:
    """Look whether it is for the folder, prepare, generate, and read what it prints.

    Raises:
        RenderFailed: a command failed, or printed no manifest.
    """
    root = scratch / "repository"
    lay_out(root, recipe.inputs, files, executable=frozenset(job.executable))
    for name in ("home", "tmp"):
        (scratch / name).mkdir()
    environment = {"PATH": _PATH, "HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp"), **job.environment}
    ran = _Commands(job, root / job.path, scratch, environment)
    if job.find and not ran.run("discover.find", job.find).strip():
        raise RenderFailed(
            f"plugin {job.name}: its spec.discover.find.command says that it is not for {job.path or '.'}",
            hint="correct source.path or source.plugin.name",
        )
    if job.init:
        ran.run("init", job.init)
    output = ran.run("generate", job.generate)
    where = f"output of plugin {job.name}"
    try:
        loaded = yaml.load_all(output, where)
    except yaml.YamlError as error:
        raise RenderFailed(
            str(error), hint=f"see what the plugin's spec.generate prints in {job.path or '.'}"
        ) from error
    for document in loaded.documents:
        objects.read(document, f"plugin {job.name}", note=" (in its output)")
    if not objects.taken:
        # Pruning by it would take all that there is.
        raise RenderFailed(
            f"plugin {job.name}: spec.generate printed no manifest",
            hint="delete the application where nothing is to be deployed",
        )


class _Commands:
    """The commands of one render."""

    def __init__(self, job: PluginJob, folder: Path, scratch: Path, environment: Mapping[str, str]) -> None:
        self._job, self._folder, self._scratch, self._environment = job, folder, scratch, environment

    def run(self, field: str, command: tuple[str, ...]) -> bytes:
        """What a command prints.

        Raises:
            RenderFailed: it cannot be started, failed, or printed too much.
        """
        told = self._scratch / "errors"
        with told.open("wb") as errors:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                )
            except OSError as error:
                raise self._failed(field, command, f"cannot be started: {error.strerror}") from error
        with process:
            assert process.stdout is not None
            output = process.stdout.read(_MAX_OUTPUT + 1)
            if len(output) > _MAX_OUTPUT:
                process.kill()
                raise self._failed(field, command, f"printed more than {_MAX_OUTPUT >> 20} MiB")
        if process.returncode != 0:
            how = f"exit {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
            raise self._failed(field, command, f"failed with {how}: {self._tail(told)}")
        return output

    def _failed(self, field: str, command: tuple[str, ...], why: str) -> RenderFailed:
        shown = " ".join(command)[:200]
        return RenderFailed(
            f"plugin {self._job.name}: spec.{field} `{shown}` {why}",
            hint="a plugin reads its repository and the programs of the engine's machine, and has no network",
        )

    def _tail(self, told: Path) -> str:
        with told.open("rb") as errors:
            errors.seek(max(0, os.fstat(errors.fileno()).st_size - 4096))
            text = errors.read().decode("utf-8", "replace")
        return text.replace(f"{self._scratch}/", "").strip()[-_SHOWN:] or "it said nothing"
