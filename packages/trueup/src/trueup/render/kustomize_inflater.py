"""Charts that a kustomization inflates: where each is, and the files it is rendered from."""

import posixpath
from collections.abc import Mapping
from typing import Any, NamedTuple

from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import follow, inside, refuse_outside
from trueup.render.environment import RenderContext
from trueup.render.helm import OWN_KUBE_VERSION, refuse_other_versions
from trueup.render.helm_chart import read_chart
from trueup.render.helm_index import COMMIT, over_http
from trueup.render.job import Inflation
from trueup.render.kustomize_charts import Chart, charts_of, names_charts
from trueup.render.kustomize_closure import KustomizeClosure
from trueup.render.kustomize_place import KustomizePlace
from trueup.render.remote import RemoteReference, chart_place


class ChartFolder(NamedTuple):
    """Where a chart is.

    Attributes:
        path: of its folder, in the place.
        stands_for: the folder in which kustomize has it, in the kustomization's own place.
    """

    place: KustomizePlace
    path: str
    stands_for: str


class Inflater:
    """Takes the charts of kustomizations into the closure of a build.

    Args:
        refs: charts that were fetched, by the name of their tree.
    """

    def __init__(self, found: KustomizeClosure, refs: Mapping[str, Tree], context: RenderContext) -> None:
        self._found = found
        self._refs = refs
        self._context = context

    def inflate(
        self, place: KustomizePlace, path: str, document: dict[str, Any], file: str, above: str
    ) -> tuple[list[str], bool]:
        """Take the charts of a kustomization.

        Args:
            above: the namespace of the kustomizations above.

        Returns:
            The resources that they will be, from its folder; and whether one is released in the namespace above.

        Raises:
            RenderFailed: inflation is switched off; a chart or a file of values is missing or malformed.
        """
        if not self._context.inflates:
            raise RenderFailed(
                f"{place.shown(file)}: {names_charts(document)} needs Helm inflation, which is switched off",
                hint="make the chart a source of its own, or set kustomize.buildOptions: --enable-helm in argocd-cm; "
                "trueup render and check have --enable-helm",
            )
        made, borrows = [], False
        for chart in charts_of(document, path, place.shown(file)):
            home = self._take_chart(place, chart)
            if home is None:
                continue
            own = chart.namespace or str(document.get("namespace") or "")
            borrows = borrows or not own
            name = f".helm-chart-{len(self._found.charts)}.yaml"
            self._found.charts.append(
                Inflation(
                    where=chart.where,
                    place=place.laid(posixpath.join(path, name)),
                    folder=home.place.laid(home.path),
                    release=chart.release,
                    namespace=own or above or "default",
                    values_file=self._take_values(place, home, path, chart, chart.values_file),
                    inline=chart.values_inline,
                    merge=chart.merge,
                    more=tuple(self._take_values(place, home, path, chart, text) for text in chart.more_values_files),
                    kube_version=(chart.kube_version or self._context.kube_version).removeprefix("v"),
                    api_versions=chart.api_versions or self._context.api_versions,
                    crds=chart.crds,
                    skip_hooks=chart.skip_hooks,
                    skip_tests=chart.skip_tests,
                )
            )
            made.append(name)
        return made, borrows

    def _take_chart(self, place: KustomizePlace, chart: Chart) -> ChartFolder | None:
        """Where a chart is; None where it is to be fetched first."""
        located = follow(place.tree, chart.folder, chart.where)
        if located is not None and located.entry.mode is Mode.DIRECTORY:
            home = ChartFolder(place, located.path, chart.folder)
            self._take_files(home, chart)
            return home
        if chart.fetched is None:
            raise RenderFailed(
                f"{chart.where}: no chart at {chart.folder}",
                hint="commit it there: helm pull --untar; or set repo, from which it is fetched",
            )
        if located is not None:
            raise RenderFailed(f"{chart.where}: {chart.folder} is a file", hint="remove it: the chart would lie there")
        if not over_http(chart.fetched.repository):
            raise RenderFailed(
                f"{chart.where}: {chart.fetched.shown}: Helm repositories are read over HTTP alone",
                hint=f"{COMMIT}, to {chart.folder}; or set repo to one that begins with https://",
            )
        self._found.absent.add(place.laid(chart.folder))
        remote = RemoteReference(chart.where, chart.fetched.tree, file=False, base=None, chart=chart.fetched)
        self._found.count(remote)
        tree = self._refs.get(chart.fetched.tree)
        if tree is None:
            self._found.needed.setdefault(remote.text, remote)
            return None
        home = ChartFolder(
            KustomizePlace(tree, chart.fetched.tree, chart_place(chart.fetched), chart.fetched.shown), "", chart.folder
        )
        try:
            name = self._take_files(home, chart)
        except RenderFailed as error:
            raise type(error)(f"{chart.where}: {chart.fetched.shown}: {error.message}", hint=error.hint) from error
        if name != chart.fetched.name:
            raise RenderFailed(
                f"{chart.where}: {chart.fetched.shown}: its Chart.yaml says that it is {name[:100]!r}",
                hint="name a chart that is what it is called",
            )
        return home

    def _take_files(self, home: ChartFolder, chart: Chart) -> str:
        """Take the files of a chart; its name.

        Raises:
            RenderFailed: they are none, are for another cluster, or lack something.
        """
        place, path = home.place, home.path
        read = read_chart(place.tree, path)
        version = chart.kube_version or self._context.kube_version or OWN_KUBE_VERSION
        refuse_other_versions(path, read.kube_version, version.removeprefix("v"))
        self._found.warnings += read.warnings
        self._found.absent.update(map(place.laid, read.absent))
        for input_ in read.inputs:
            laid = place.laid(input_.path)
            self._found.take(laid, input_.entry, place.ref, chart.where)
        return read.name

    def _take_values(self, place: KustomizePlace, home: ChartFolder, base: str, chart: Chart, text: str) -> str:
        """A value file, by its place; without a name the chart's own. It may lie in a chart that was fetched, where
        kustomize would have put that."""
        target = inside(base, text) if text else posixpath.join(chart.folder, "values.yaml")
        if target is None:
            raise refuse_outside(text, f"{chart.where}: value file")
        shown, within = text or target, f"{home.stands_for}/"
        if home.place is not place and target.startswith(within):
            place, target = home.place, target.removeprefix(within)
        located = follow(place.tree, target, chart.where)
        if located is None or located.entry.mode is Mode.DIRECTORY:
            raise RenderFailed(f"{chart.where}: value file {shown}: no such file", hint="add it")
        laid = place.laid(located.path)
        self._found.take(laid, located.entry, place.ref, f"{chart.where}: value file")
        return laid
