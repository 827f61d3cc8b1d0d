"""Renders Applications, and the Applications among what they render."""

import asyncio
import posixpath
from collections.abc import Callable, Mapping

import msgspec

from trueup import policy
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, RenderFailed, TrueupError
from trueup.model.manifest import Manifest
from trueup.model.tree import Tree
from trueup.observe.lending import written
from trueup.offline.applications import Declared, DeclaredFiles
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.kubernetes import Kubernetes
from trueup.offline.place import file_of_error, file_of_object, refined, wants_values
from trueup.offline.renderer import OfflineRenderer
from trueup.offline.report import Problem, Unverified
from trueup.offline.repositories import NotHere, OfflineRepositories, described
from trueup.offline.templates import file_of_template, with_files
from trueup.render.environment import RenderContext
from trueup.render.recipe import make_recipe
from trueup.render.remote import RemotesNeeded
from trueup.render.renderers import WrittenAs, written_of
from trueup.workers.bringing import Fetch

Telling = Callable[[str, int, int], None]

LEVELS = 8
"""Applications that declare Applications, as deep as this."""


class Rendered(msgspec.Struct, kw_only=True):
    """What became of one Application.

    Attributes:
        manifests: in order, not stamped.
        kustomize: of each source that Kustomize built, by index: the files it reads.
        charts: of each source that is a chart, by index: its folder and the tree that it is in.
        folders: trees of the other sources, by index, whose manifests are as they were written.
    """

    declared: Declared
    manifests: list[Manifest] = []
    kustomize: dict[int, list[tuple[str, Tree]]] = {}
    charts: dict[int, tuple[str, Tree]] = {}
    folders: dict[int, Tree] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    unverified: list[Unverified] = []

    def file_of(self, manifest: Manifest, field: str) -> str:
        """The file an object, or a field of it, comes from."""
        files = self.kustomize.get(manifest.source_index)
        if files is not None:
            return file_of_object(manifest, files, field)
        if (chart := self.charts.get(manifest.source_index)) is not None:
            path, tree = chart
            named = manifest.origin.partition(" ")[0]
            return file_of_template(tree, path, posixpath.relpath(named, path or ".")) or manifest.origin
        tree_of = self.folders.get(manifest.source_index)
        return refined(manifest.origin, tree_of, field) if tree_of is not None else manifest.origin


class DeclaredApplications:
    """Renders what a repository declares.

    Args:
        kubernetes: what charts see of a cluster.
        progress: told what was done, how many of how many.
        inflates: kustomizations may inflate charts.
        elsewhere: brings what kustomizations name elsewhere; None leaves out what names some.
    """

    def __init__(
        self,
        renderer: OfflineRenderer,
        repositories: OfflineRepositories,
        kubernetes: Kubernetes,
        progress: Telling = lambda what, done, total: None,
        *,
        elsewhere: Elsewhere | None = None,
        inflates: bool = False,
    ) -> None:
        self._renderer, self._repositories, self._kubernetes = renderer, repositories, kubernetes
        self._progress, self._elsewhere, self._inflates = progress, elsewhere, inflates
        self._done = self._total = 0

    async def render(self, found: DeclaredFiles) -> list[Rendered]:
        """All of them, sorted by name; those that others render join ``found``, and the render has the last word."""
        results: dict[str, Rendered] = {}
        pending = dict(found.applications)
        for _ in range(LEVELS):
            if not pending:
                break
            self._total += len(pending)
            level = await asyncio.gather(*(self._one(declared) for declared in pending.values()))
            pending = {}
            for rendered in level:
                results[rendered.declared.name] = rendered
            for rendered in level:
                for manifest in rendered.manifests:
                    child = found.take(manifest.object(), rendered.file_of(manifest, ""))
                    if child is not None:
                        pending[child.name] = child
        return self._without_twice(results)

    def _without_twice(self, results: Mapping[str, Rendered]) -> list[Rendered]:
        """Without folders that were taken as applications, and of which a declared one was found meanwhile."""
        declared = {
            posixpath.normpath(source.path or ".")
            for each in results.values()
            if each.declared.file
            for source in each.declared.app.spec.all_sources()
            if self._repositories.is_own(source.repo_url)
        }
        kept = []
        for name in sorted(results):
            app = results[name].declared
            paths = {posixpath.normpath(source.path or ".") for source in app.app.spec.all_sources()}
            if app.file or not paths <= declared:
                kept.append(results[name])
        return kept

    async def _one(self, declared: Declared) -> Rendered:
        result = Rendered(declared=declared)
        if await self._is_lent(declared, result):
            return result
        trees: list[Tree | None] = []
        for source in declared.app.spec.all_sources():
            trees.append(await self._tree(source, result))
        sources = declared.app.spec.all_sources()
        fetch = self._elsewhere.application() if self._elsewhere else None
        refs = {
            source.ref: tree for source, tree in zip(sources, trees, strict=True) if source.ref and tree is not None
        }
        missing = {source.ref for source, tree in zip(sources, trees, strict=True) if source.ref and tree is None}
        for index, (source, tree) in enumerate(zip(sources, trees, strict=True)):
            if tree is None:
                continue
            used = [ref for ref in missing if _names(source, ref)]
            if used:
                why = f"its value files are in ${used[0]}, which is not read"
                result.unverified.append(Unverified(application=declared.name, what=described(source), why=why))
                continue
            await self._source(source, tree, refs, index, result, fetch)
        self._done += 1
        self._progress("applications rendered", self._done, self._total)
        return result

    async def _is_lent(self, declared: Declared, result: Rendered) -> bool:
        """Whether an application is made of what only its cluster has, or asks for that in a way that is none."""
        try:
            asked = policy.asked_of(declared.app)
        except InvalidSpec as error:
            result.problems.append(
                Problem(application=declared.name, file=declared.file, message=error.message, hint=error.hint)
            )
            return True
        if asked.objects:
            why = "its values come from ConfigMaps and Secrets of its destination"
            result.unverified.append(Unverified(application=declared.name, what=declared.file, why=why))
        return bool(asked.objects)

    async def _tree(self, source: Source, result: Rendered) -> Tree | None:
        declared = result.declared
        try:
            return await self._repositories.tree(source)
        except NotHere as reason:
            what = described(source)
            result.unverified.append(Unverified(application=declared.name, what=what, why=str(reason)))
        except TrueupError as error:
            result.problems.append(
                Problem(application=declared.name, file=declared.file, message=error.message, hint=error.hint)
            )
        return None

    async def _source(
        self, source: Source, tree: Tree, refs: Mapping[str, Tree], index: int, result: Rendered, fetch: Fetch | None
    ) -> None:
        declared = result.declared
        context = self.context(declared.app)
        try:
            rendering = await self._renderer.render(source, tree, context, refs=refs, index=index, fetch=fetch)
        except RemotesNeeded as error:
            why = f"{error.message}; --remote reads it"
            result.unverified.append(Unverified(application=declared.name, what=described(source), why=why))
            return
        except TrueupError as error:
            if declared.assumed and wants_values(error.message):
                what = f"{source.path}: {with_files(error.message, tree, source.path)}"
                why = "a chart that nobody gives its values to here; --set does"
                result.unverified.append(Unverified(application=declared.name, what=what, why=why))
                return
            told = with_files(error.message, tree, source.path)
            message = told if isinstance(error, RenderFailed) else f"{declared.name}: {told}"
            file = file_of_error(told, source.path)
            result.problems.append(Problem(application=declared.name, file=file, message=message, hint=error.hint))
            return
        result.manifests += rendering.manifests
        result.warnings += [Problem(application=declared.name, message=text) for text in rendering.warnings]
        match written_of(rendering.source_type):
            case WrittenAs.OBJECTS:
                result.folders[index] = tree
            case WrittenAs.TEMPLATES:
                result.charts[index] = (source.path, tree)
            case WrittenAs.PARTS:
                trees = {**refs, **(self._elsewhere.trees if self._elsewhere else {})}
                recipe = make_recipe(source, tree, trees, context, source_index=index)
                result.kustomize[index] = [(file.path, tree) for file in recipe.inputs if not file.ref]

    def context(self, app: Application) -> RenderContext:
        """What a render of an application may depend on besides files."""
        return RenderContext(
            app_name=app.metadata.name,
            app_namespace=app.metadata.namespace,
            project=app.spec.project or "default",
            namespace=app.spec.destination.namespace,
            kube_version=self._kubernetes.version,
            api_versions=self._kubernetes.api_versions,
            inflates=self._inflates,
            lent=written(app),
        )


def _names(source: Source, ref: str) -> bool:
    """Whether a source's files are in the source of a ref."""
    if source.helm is None:
        return False
    files = [*source.helm.value_files, *(parameter.path for parameter in source.helm.file_parameters)]
    return any(file.startswith(f"${ref}/") for file in files)
