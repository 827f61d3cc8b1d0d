"""Applications compared and rendered in this process, with the engine's own code."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubegrammar import yaml
from trueup import diff as diffs
from trueup.cli import plugins
from trueup.cli.app.inputs import InputsOf
from trueup.cli.app.inspect import Compared
from trueup.cli.app.sources import Here, Revisions
from trueup.cli.app.validate import EVERYWHERE
from trueup.cli.connect import ClusterAccess
from trueup.cli.home import resolved
from trueup.cli.logs import configure_logs
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.model.comparison import ComparedResource
from trueup.model.errors import InvalidSpec
from trueup.model.manifest import Manifest
from trueup.model.status import SyncCode
from trueup.model.tree import Tree
from trueup.render.reasons import reasons

if TYPE_CHECKING:
    from trueup.engine import Engine
    from trueup.observe.observation import Observation
    from trueup.sources.writer import Changes


async def compared(
    access: ClusterAccess, key: str, revisions: Revisions, local: tuple[Path, ...], here: Here | None = None
) -> Compared:
    """Compare an application with the cluster.

    Args:
        key: ``namespace/name``.
        local: folders below which file:// may read.
        here: taken in the place of the application's folder; None for that of the revision.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with _engine(access, local) as running:
        seen = await running.observe(key, revisions.of, _edit(here))
        unknown = [r for r in seen.comparison.compared if r.status is SyncCode.UNKNOWN]
        return Compared(
            {str(r.key): diffs.change(r, seen.lent) for r in _differing(seen)},
            {str(r.key): written(*diffs.sides(r), seen.lent) for r in _differing(seen)},
            [f"{resource.key} cannot be compared: {resource.message}" for resource in unknown],
        )


async def declared(
    access: ClusterAccess,
    key: str,
    revisions: Revisions,
    local: tuple[Path, ...],
    here: Here | None,
    *,
    live: bool = False,
) -> list[dict[str, Any]]:
    """The objects of an application as they are declared, or as they are, masked.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with _engine(access, local) as running:
        seen = await running.observe(key, revisions.of, _edit(here))
        masks = diffs.Masks(running.control.settings().masked_annotations, seen.lent)
        if live:
            return [masks.shown(r.live.object()) for r in seen.comparison.resources if r.live is not None]
        wanted = [r.target for r in seen.comparison.resources if r.target is not None]
        return [masks.shown(manifest.object()) for manifest in (*wanted, *seen.comparison.hooks)]


async def brought(access: ClusterAccess, key: str, revisions: Revisions, here: Here | None) -> tuple[Manifest, ...]:
    """The manifests of an application, with a folder of this disk in the place of its own where one is named.

    Args:
        revisions: also of what lies beside the folder.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with _engine(access, (EVERYWHERE,)) as running:
        return await running.declared(key, revisions.of, _edit(here))


async def planned(access: ClusterAccess, key: str, *, prune: bool, local: tuple[Path, ...]) -> dict[str, Any]:
    """What a sync of an application would do.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with _engine(access, local) as running:
        from trueup.engine.own import preview
        from trueup.server.resources.planned import told_plan

        seen = await running.observe(key)
        stored = running.control.applications.get(key)
        if stored is None:
            raise InvalidSpec(f"application {key} is gone")
        masked = running.control.settings().masked_annotations
        return told_plan(await preview(running, stored, seen, prune=prune, masked=masked))


async def made_of(
    access: ClusterAccess, key: str, revisions: Revisions, local: tuple[Path, ...], here: Here | None
) -> list[InputsOf]:
    """The files that an application is made of, source by source.

    Raises:
        TrueupError: it cannot be rendered, or there is none.
    """
    async with _engine(access, local) as running:
        return [
            InputsOf(
                repo_url=each.source.repo_url,
                path=each.source.path or each.source.chart,
                revision=each.revision,
                tool=each.recipe.tool,
                files=list(reasons(each.recipe)),
            )
            for each in await running.inputs(key, revisions.of, _edit(here))
        ]


def written(
    before: dict[str, Any] | None, after: dict[str, Any] | None, lent: Literals = NO_LITERALS
) -> tuple[str, str]:
    """Two sides of an object as YAML, empty for none; values of Secrets are masked, lent ones wherever they stand."""
    old, new = diffs.masked(before, after, lent=lent)
    return yaml.dump(old) if old else "", yaml.dump(new) if new else ""


def _edit(here: Here | None) -> "Callable[[Tree, str], Changes] | None":
    if here is None:
        return None
    from trueup.cli.app.local import local_changes

    return lambda tree, path: local_changes(tree, path, here)


@contextlib.asynccontextmanager
async def _engine(access: ClusterAccess, local: tuple[Path, ...]) -> AsyncIterator["Engine"]:
    """An engine that reconciles nothing. Its mirrors go with it; what it warns of, the command says as errors."""
    # What shows objects as they are does without.
    from trueup.engine import Engine, EngineOptions

    configure_logs("text", "error")
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        options = EngineOptions(
            config=access.config(),
            plugins=plugins.run,
            control_namespace=access.namespace,
            data=Path(folder) / "data",
            state=Path(folder) / "state",
            local_repositories=tuple(map(resolved, local)),
            render_workers=1,
        )
        async with Engine(options) as built:
            yield built


def _differing(seen: "Observation") -> list[ComparedResource]:
    return [r for r in seen.comparison.compared if r.status is SyncCode.OUT_OF_SYNC and not r.hook]
