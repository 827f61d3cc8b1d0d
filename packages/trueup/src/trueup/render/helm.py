"""Helm: the exact files, names and capabilities a chart's templates may read."""

import posixpath
from collections.abc import Mapping

import msgspec

from kubegrammar import json, pattern, semver
from kubegrammar.glob import doublestar_match
from trueup.model.application import HelmParameter, HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import check_size, files_below, follow, inside, refuse_outside
from trueup.render.draft import Draft
from trueup.render.environment import Environment, RenderContext
from trueup.render.helm_chart import read_chart
from trueup.render.helm_scan import Scan
from trueup.render.job import HelmJob, HelmParameterSetting, Input

MAX_VALUE_FILES = 500
MAX_RELEASE_NAME = 53
OWN_KUBE_VERSION = "1.36.0"
"""The version of Kubernetes that the engine's Helm takes for a cluster's where none is said."""

_RELEASE_NAME = pattern.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SCHEME = pattern.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_GLOB = pattern.compile(r"[*?\[{]")


def draft(
    source: Source, tree: Tree, refs: Mapping[str, Tree], path: str, context: RenderContext, environment: Environment
) -> Draft:
    """The render of one chart.

    Raises:
        RenderFailed: Chart.yaml is missing or invalid, the chart is a library or for other versions of Kubernetes, a
            dependency is missing, a value file is missing or outside the repository, or the release name is too long.
    """
    options = source.helm or HelmSource()
    chart = read_chart(tree, path)
    result = Draft(
        HelmJob(path, "", ""), inputs=list(chart.inputs), absent=list(chart.absent), warnings=list(chart.warnings)
    )
    check_size(result.inputs, tree)
    files = _Files(tree, refs, path, environment, result)
    value_files = files.value_files(options)
    file_parameters = tuple(
        (parameter.name, files.file_parameter(parameter.path)) for parameter in options.file_parameters
    )
    job = HelmJob(
        path=path,
        release=_release_name(options, context),
        namespace=options.namespace or context.namespace,
        value_files=tuple(value_files),
        lent=context.lent.values,
        values=options.values if options.values_object is None else "",
        values_object=options.values_object,
        parameters=tuple(_settings(options.parameters, environment)),
        file_parameters=file_parameters,
        kube_version=(options.kube_version or context.kube_version).removeprefix("v"),
        api_versions=tuple(options.api_versions) or context.api_versions,
        skip_crds=options.skip_crds,
        skip_tests=options.skip_tests,
        skip_schema_validation=options.skip_schema_validation,
    )
    refuse_other_versions(path, chart.kube_version, job.kube_version or OWN_KUBE_VERSION)
    scan = Scan()
    for file in result.inputs:
        scan.take(file.path, (refs[file.ref] if file.ref else tree).read(file.entry))
    scan.take("values of the source", job.values.encode() + json.canonical(job.values_object))
    result.job = job = msgspec.structs.replace(job, suspects=tuple(sorted(scan.suspects)))
    result.keyed = msgspec.structs.replace(job, kube_version="", api_versions=(), lent=())
    result.facts = scan.capabilities(job, constrained=chart.constrained)
    if job.lent:
        # What names it, never itself.
        result.facts["lent"] = context.lent.mark
        result.confidential = any(each.secret for each in job.lent)
    return result


def _release_name(options: HelmSource, context: RenderContext) -> str:
    name = options.release_name or context.app_name
    if len(name) > MAX_RELEASE_NAME:
        raise RenderFailed(
            f"release name {name!r} is longer than {MAX_RELEASE_NAME} characters",
            hint="set helm.releaseName to a shorter one",
        )
    if not _RELEASE_NAME.fullmatch(name):
        raise RenderFailed(f"release name {name!r} is no DNS name", hint="use lower-case letters, digits and dashes")
    return name


def refuse_other_versions(path: str, wanted: str, version: str) -> None:
    """Refuse a chart for other versions of Kubernetes, as ``helm template`` does. What stands behind the third number,
    such as ``-gke.100``, plays no part.

    Args:
        path: of the chart.
        wanted: its ``kubeVersion``.

    Raises:
        RenderFailed: naming both versions.
    """
    plain = version.partition("-")[0].partition("+")[0]
    if wanted and semver.best_match(wanted, [plain]) is None:
        raise RenderFailed(
            f"{posixpath.join(path, 'Chart.yaml')}: chart requires kubeVersion: {wanted} which is incompatible with "
            f"Kubernetes v{plain}",
            hint="use a version of the chart that is for this cluster, or set helm.kubeVersion",
        )


def _settings(parameters: list[HelmParameter], environment: Environment) -> list[HelmParameterSetting]:
    """Parameters as Argo CD hands them to Helm: of one name the last, strings after the others.

    Raises:
        RenderFailed: one has no name. An Application that says so is refused before; an override file comes here.
    """
    plain: dict[str, HelmParameterSetting] = {}
    strings: dict[str, HelmParameterSetting] = {}
    for index, parameter in enumerate(parameters):
        if not parameter.name.strip():
            raise RenderFailed(
                f"helm.parameters[{index}] has no name", hint="name the value it sets, such as image.tag"
            )
        value = environment.substitute(parameter.value)
        if not (value.startswith("{") and value.endswith("}")):
            # A comma would end the value; Argo CD escapes it (``cleanSetParameters``).
            value = _commas_escaped(value)
        target = strings if parameter.force_string else plain
        target[parameter.name] = HelmParameterSetting(parameter.name, value, parameter.force_string)
    return [*plain.values(), *strings.values()]


def _commas_escaped(value: str) -> str:
    """The value with a backslash before every comma that has none."""
    pieces = value.split(",")
    return "".join(f"{piece}," if piece.endswith("\\") else f"{piece}\\," for piece in pieces[:-1]) + pieces[-1]


class _Files:
    """Value files and file parameters: found, refused, and added to the closure."""

    def __init__(
        self, tree: Tree, refs: Mapping[str, Tree], base: str, environment: Environment, result: Draft
    ) -> None:
        self._tree = tree
        self._refs = refs
        self._base = base
        self._environment = environment
        self._result = result
        self._taken = {file.path for file in result.inputs}

    def value_files(self, options: HelmSource) -> list[str]:
        """Inputs in Helm's order: globs expanded in place, each file once; an explicit entry keeps its own place."""
        places = [self._place(text, "value file") for text in options.value_files]
        explicit = {place for place in places if not _GLOB.search(place[1])}
        found: list[str] = []
        seen: set[tuple[str, str]] = set()
        for text, (ref, path) in zip(options.value_files, places, strict=True):
            if not _GLOB.search(path):
                key = self._add(ref, path)
                if key:
                    found.append(key)
                elif not options.ignore_missing_value_files:
                    raise RenderFailed(
                        f"values file {text} not found", hint="add it, or set helm.ignoreMissingValueFiles: true"
                    )
                continue
            matches = [match for match in self._matches(ref, path) if (ref, match) not in explicit | seen]
            if not matches and not self._matches(ref, path) and not options.ignore_missing_value_files:
                raise RenderFailed(
                    f"values file pattern {text} matches no file",
                    hint="correct it, or set helm.ignoreMissingValueFiles: true",
                )
            for match in matches:
                seen.add((ref, match))
                found.append(self._add(ref, match))
            if len(found) > MAX_VALUE_FILES:
                raise RenderFailed(
                    f"too many value files: {text} brings more than {MAX_VALUE_FILES}", hint="narrow the pattern"
                )
        return found

    def file_parameter(self, text: str) -> str:
        """The input that holds a file parameter's value."""
        ref, path = self._place(text, "file parameter")
        key = self._add(ref, path)
        if not key:
            raise RenderFailed(f"file parameter {text} not found", hint="add the file or remove the parameter")
        return key

    def _place(self, text: str, what: str) -> tuple[str, str]:
        """(ref, path in its repository) of a ``valueFiles`` or ``fileParameters`` entry.

        A path that starts with a slash is relative to the repository's root, as in Argo CD.
        """
        scheme = _SCHEME.match(text)
        if scheme:
            if scheme[1].lower() in ("http", "https"):
                raise RenderFailed(
                    f"{what} {text}: remote value files are not supported", hint="keep it in the repository"
                )
            raise RenderFailed(f"{what} {text}: the URL scheme '{scheme[1]}' is not allowed", hint="name a file")
        if "\0" in text:
            raise RenderFailed(f"{what} {text!r} holds a NUL character", hint="correct the path")
        first, _, rest = text.partition("/")
        if first.startswith("$") and first[1:] in self._refs:
            ref, base, raw = first[1:], "", self._environment.substitute(rest)
        elif first.startswith("$") and rest and not first.startswith(("$ARGOCD_", "$KUBE_", "${", "$$")):
            known = ", ".join(f"${name}" for name in sorted(self._refs)) or "none"
            raise RenderFailed(
                f"{what} {text}: source referenced {first!r}, but no source has a 'ref' field defined with that name",
                hint=f"known refs: {known}",
            )
        else:
            ref, base, raw = "", self._base, self._environment.substitute(text)
        if raw.startswith("/"):
            base, raw = "", raw.lstrip("/")
        path = inside(base, raw)
        if path is None:
            raise refuse_outside(text, what)
        return ref, path

    def _matches(self, ref: str, glob: str) -> list[str]:
        tree = self._refs[ref] if ref else self._tree
        base = posixpath.dirname(_GLOB.split(glob)[0] + "x")
        located = follow(tree, base, "value file pattern")
        if located is None or located.entry.mode is not Mode.DIRECTORY:
            return []
        names = (
            posixpath.join(base, path[len(located.path) :].lstrip("/")) for path in self._names(tree, located.path)
        )
        return sorted(name for name in names if doublestar_match(glob, name))

    @staticmethod
    def _names(tree: Tree, path: str) -> list[str]:
        return [shown for shown, _ in files_below(tree, path, "value file")]

    def _add(self, ref: str, path: str) -> str:
        """The input's path after adding it; empty when there is no such file, which is recorded."""
        tree = self._refs[ref] if ref else self._tree
        located = follow(tree, path, "value file")
        key = f"${ref}/{path}" if ref else path
        if located is None or located.entry.mode is Mode.DIRECTORY:
            self._result.absent.append(key)
            return ""
        if key not in self._taken:
            self._taken.add(key)
            self._result.inputs.append(Input(key, located.entry, ref))
        return key
