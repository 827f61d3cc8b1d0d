"""The Applications that the files of a repository declare."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar import yaml
from trueup.model.annotations import GROUP
from trueup.model.application import Application
from trueup.model.project import Project
from trueup.model.tree import Mode, Tree
from trueup.offline.aside import walk
from trueup.offline.report import Problem, Unverified
from trueup.render.kustomization import kustomizations

CONTROL_NAMESPACE = "argocd"
MAX_BYTES = 4 * 1024 * 1024
"""Of one file that is looked into; Applications are small."""

_EXTENSIONS = (".yaml", ".yml", ".json")
_OURS = re.compile(rb"""kind["']?[ \t]*:[ \t]*["']?(?:Application|ApplicationSet|AppProject)\b""")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """An Application, and where it is declared.

    Attributes:
        file: where it is declared; empty for a folder that was taken for an application's.
        body: canonical JSON, to see whether two declarations of one name differ.
        label: its name in reports, where another file declares another application of its name.
    """

    app: Application
    file: str
    body: bytes
    label: str = ""

    @property
    def name(self) -> str:
        """``namespace/name``, or its label."""
        return self.label or self.app.key

    @property
    def assumed(self) -> bool:
        """Whether no Application says so: a folder was taken for one's."""
        return not self.file

    @property
    def plain(self) -> bool:
        """Whether it is a folder of plain manifests that was taken for an application's."""
        return self.assumed and all(source.directory is not None for source in self.app.spec.all_sources())


class DeclaredFiles(msgspec.Struct):
    """What the files declare."""

    applications: dict[str, Declared] = {}
    projects: dict[str, Project] = {}
    problems: list[Problem] = []
    unverified: list[Unverified] = []

    def take(self, value: Mapping[str, Any], file: str) -> Declared | None:
        """Keep an object if it is an Application or an AppProject; the Application, unless it is known as it is."""
        if not str(value.get("apiVersion", "")).startswith(f"{GROUP}/"):
            return None
        kind = value.get("kind")
        try:
            if kind == "AppProject":
                project = msgspec.convert(value, type=Project)
                self.projects[project.metadata.name] = project
            if kind != "Application":
                return None
            declared = read_application(value, file)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `$")
            metadata = value.get("metadata")
            name = metadata.get("name", "") if isinstance(metadata, dict) else ""
            field = place.rstrip("`").lstrip(".")
            self.problems.append(Problem(file=file, object=f"{GROUP}/{kind} {name}", field=field, message=problem))
            return None
        known = self.applications.get(declared.name)
        self.applications[declared.name] = declared
        return None if known is not None and known.body == declared.body else declared


def read_application(value: Mapping[str, Any], file: str) -> Declared:
    """An Application from its manifest; without a namespace it is in the control namespace.

    Raises:
        msgspec.ValidationError: a field has a wrong type.
    """
    app = msgspec.convert(value, type=Application)
    if not app.metadata.namespace:
        metadata = msgspec.structs.replace(app.metadata, namespace=CONTROL_NAMESPACE)
        app = msgspec.structs.replace(app, metadata=metadata)
    return Declared(app=app, file=file, body=msgspec.json.encode(app.spec, order="sorted"))


def find_applications(tree: Tree, path: str) -> DeclaredFiles:
    """Applications and projects in the plain files below a folder.

    Templates of charts are left out: what they declare is known when the chart is rendered. So are fixtures of tests.
    """
    found = DeclaredFiles()
    for file, data in _candidates(tree, path):
        try:
            documents = yaml.load_all(data, file).documents
        except yaml.YamlError as error:
            # Braces make it a template of something that is no chart: nobody applies it as it is.
            if b"{{" not in data:
                problem = Problem(file=f"{file}:{error.line}", message=error.problem, hint="correct the file")
                found.problems.append(problem)
            continue
        for document in documents:
            if isinstance(document.value, dict) and not _is_patch(tree, file, document.value):
                _take(found, document.value, f"{file}:{document.line}")
                if document.value.get("kind") == "ApplicationSet":
                    found.unverified.append(
                        Unverified(application="", what=file, why="ApplicationSets are not generated")
                    )
    return found


def _take(found: DeclaredFiles, value: dict[str, Any], place: str) -> None:
    """Keep what a file declares beside what others have of its name: each may be for a cluster of its own."""
    before = dict(found.applications)
    declared = found.take(value, place)
    former = before.get(declared.name) if declared is not None else None
    if declared is not None and former is not None:
        found.applications[former.name] = former
        labelled = msgspec.structs.replace(declared, label=f"{declared.name} ({place})")
        found.applications[labelled.name] = labelled


def _candidates(tree: Tree, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in walk(tree, path):
        if entry.mode is Mode.LINK or not entry.path.endswith(_EXTENSIONS) or tree.size(entry) > MAX_BYTES:
            continue
        if _in_templates(tree, entry.path):
            continue
        data = tree.read(entry)
        if GROUP.encode() in data and _OURS.search(data):
            yield entry.path, data


def _in_templates(tree: Tree, path: str) -> bool:
    parts = path.split("/")
    return any(
        part == "templates" and tree.entry(posixpath.join(*parts[:index], "Chart.yaml")) is not None
        for index, part in enumerate(parts)
    )


def _is_patch(tree: Tree, file: str, value: dict[str, Any]) -> bool:
    """Whether a manifest near a kustomization names no repository: it changes an Application, and is none."""
    if value.get("kind") != "Application":
        return False
    spec = value.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    sources = spec.get("sources") or [spec.get("source")]
    if isinstance(sources, list) and any(isinstance(source, dict) and source.get("repoURL") for source in sources):
        return False
    parts = posixpath.dirname(file).split("/") if "/" in file else []
    return any(kustomizations(tree, "/".join(parts[:count])) for count in range(len(parts) + 1))
