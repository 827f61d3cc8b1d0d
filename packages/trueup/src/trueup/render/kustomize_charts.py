"""Charts that a kustomization inflates (``helmCharts``), as kustomize's HelmChartInflationGenerator reads them.

Kustomize starts ``helm template`` for each. Here our Helm renders them first, and kustomize is given the outcome as
resources.
"""

import posixpath
from collections.abc import Mapping
from typing import Any

import msgspec

from trueup.model.errors import RenderFailed
from trueup.render.closure import inside
from trueup.render.helm_index import ChartOf
from trueup.render.spelling import spelled, spellings

FIELDS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
HOME = "charts"
"""Where charts lie unless the kustomization says otherwise."""

_MERGES = ("override", "merge", "replace")
_CHART = spellings(
    *("name", "version", "repo", "releaseName", "namespace", "additionalValuesFiles", "valuesFile", "valuesInline"),
    *("valuesMerge", "includeCRDs", "skipHooks", "apiVersions", "kubeVersion", "nameTemplate", "skipTests", "debug"),
    *("devel", "chartHome", "configHome"),
)
_FORMER = spellings(
    *("chartName", "chartVersion", "chartRepoUrl", "chartHome", "values", "valuesLocal", "valuesMerge", "releaseName")
)
_FORMER_NAMES = {
    "chartName": "name",
    "chartVersion": "version",
    "chartRepoUrl": "repo",
    "values": "valuesFile",
    "valuesLocal": "valuesInline",
}


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One chart to be inflated.

    Attributes:
        where: file and field.
        folder: of the chart, from the repository's root.
        fetched: what it is where there is no such folder; None where there must be.
        values_file: stands for the chart's own values.yaml; from the kustomization's folder, empty for that one.
        merge: what ``values_inline`` does to that file: ``override`` it, ``merge`` below it, ``replace`` it.
        namespace: empty for that of the kustomization, or of one above it.
    """

    where: str
    folder: str
    release: str
    fetched: ChartOf | None = None
    values_file: str = ""
    more_values_files: tuple[str, ...] = ()
    values_inline: dict[str, Any] = {}
    merge: str = "override"
    namespace: str = ""
    crds: bool = False
    skip_hooks: bool = False
    skip_tests: bool = False
    api_versions: tuple[str, ...] = ()
    kube_version: str = ""


def names_charts(document: Mapping[str, Any]) -> str:
    """The first field of a kustomization that inflates charts; empty where there is none."""
    return next((field for field in FIELDS[:2] if document.get(field)), "")


def charts_of(document: Mapping[str, Any], base: str, file: str) -> list[Chart]:
    """The charts of a kustomization.

    Args:
        base: its folder.
        file: its path, for messages.

    Raises:
        RenderFailed: a field is wrong, or asks for what is not done.
    """
    shared = document.get("helmGlobals") or {}
    home = shared.get("chartHome") if isinstance(shared, dict) else None
    entries: list[tuple[str, dict[str, Any]]] = []
    for field in FIELDS[:2]:
        listed = document.get(field) or []
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise RenderFailed(f"{file}: {field} must be a list of mappings", hint="begin each chart with a dash")
        for index, item in enumerate(listed):
            where = f"{file}: {field}[{index}]"
            if field == "helmChartInflationGenerator":
                former = spelled(item, _FORMER, f"{where}.")
                home = former.pop("chartHome", None) or home
                item = {_FORMER_NAMES.get(name, name): value for name, value in former.items()}
            entries.append((where, spelled(item, _CHART, f"{where}.")))
    return [_chart(item, str(home or HOME), base, where) for where, item in entries]


def _chart(item: Mapping[str, Any], home: str, base: str, where: str) -> Chart:
    try:
        read = msgspec.convert({name: value for name, value in item.items() if value is not None}, _Written)
    except msgspec.ValidationError as error:
        raise RenderFailed(f"{where}: {error}", hint="correct the field") from error
    if not read.name:
        raise RenderFailed(f"{where}: chart name cannot be empty", hint="set name")
    if read.values_merge and read.values_merge not in _MERGES:
        raise RenderFailed(f"{where}: valuesMerge must be one of {', '.join(_MERGES)}", hint="correct it")
    if not read.release_name:
        raise RenderFailed(f"{where}: without releaseName helm makes another name each time", hint="set releaseName")
    if read.name_template:
        raise RenderFailed(f"{where}: nameTemplate is not supported", hint="set releaseName")
    versioned = f"{read.name}-{read.version}" if read.version and read.repo else ""
    folder = inside(base, posixpath.join(home, versioned, read.name))
    if folder is None:
        raise RenderFailed(
            f"{where}: the chart is outside the application root", hint="name a chartHome of the repository"
        )
    return Chart(
        where=where,
        folder=folder,
        release=read.release_name,
        fetched=ChartOf(read.repo, read.name, read.version) if read.repo else None,
        values_file=read.values_file,
        more_values_files=read.additional_values_files,
        values_inline=read.values_inline,
        merge=read.values_merge or "override",
        namespace=read.namespace,
        crds=read.include_crds,
        skip_hooks=read.skip_hooks,
        skip_tests=read.skip_tests,
        api_versions=read.api_versions,
        kube_version=read.kube_version,
    )


class _Written(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of ``helmCharts`` as it is written."""

    name: str = ""
    version: str = ""
    repo: str = ""
    release_name: str = ""
    namespace: str = ""
    additional_values_files: tuple[str, ...] = ()
    values_file: str = ""
    values_inline: dict[str, Any] = {}
    values_merge: str = ""
    include_crds: bool = msgspec.field(default=False, name="includeCRDs")
    skip_hooks: bool = False
    api_versions: tuple[str, ...] = ()
    kube_version: str = ""
    name_template: str = ""
    skip_tests: bool = False


def merged(base: Any, over: Any) -> Any:
    """What kustomize makes of two values (``kyaml/yaml/merge2``): mappings are merged, a null takes away."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    made = dict(base)
    for name, value in over.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made[name], value) if made.get(name) is not None else value
    return made
