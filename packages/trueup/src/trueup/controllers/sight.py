"""What a pass sees: the one place that asks for observations."""

from collections.abc import Sequence

from trueup import policy
from trueup.controllers.ports import Observing
from trueup.model.errors import TrueupError
from trueup.model.project import Project
from trueup.model.status import OperationState, SyncOperationResult
from trueup.observe.observation import Observation
from trueup.plan.facts import options_for
from trueup.plan.options import RESPECT_IGNORED
from trueup.store.applications import StoredApplication

Head = Observation | TrueupError
"""What a pass saw of an application as it is declared, or why there is nothing to be seen."""


class Sight:
    """Looks at applications as they are declared, and at the revisions of their operations where those are others."""

    def __init__(self, observer: Observing) -> None:
        self._observer = observer

    async def head(self, stored: StoredApplication, project: Project, *, fresh: bool = False) -> Observation:
        """What the application declares now, beside what is there.

        Args:
            fresh: nothing is taken from the cache of renders.

        Raises:
            TrueupError: as :meth:`trueup.observe.observer.Observer.observe`.
        """
        return await self._observer.observe(stored, project, fresh=fresh)

    async def of_operation(
        self, stored: StoredApplication, project: Project, state: OperationState, head: Head
    ) -> Observation:
        """The facts of the revision that the operation runs: the one just compared, or another; or of the manifests
        that it brings.

        Raises:
            TrueupError: there are no manifests, or the cluster cannot be asked.
        """
        options = options_for(state.operation, stored.app.spec.sync_policy)
        sync = state.operation.sync
        if sync is not None and sync.manifests:
            policy.admit_local(stored.app, project, state.operation)
            brought = await self._observer.brought(stored, project, sync.manifests, options)
            return self._observer.with_hooks(brought, state)
        result = state.sync_result or SyncOperationResult()
        revisions = tuple(result.revisions or ([result.revision] if result.revision else []))
        sources = (sync.sources or ([sync.source] if sync.source else [])) if sync else []
        own = stored.app.spec.all_sources()
        same = (
            isinstance(head, Observation)
            and (not revisions or revisions == head.comparison.revisions)
            and head.respectful == (RESPECT_IGNORED in options.texts)
        )
        if not same or (sources and sources != own):
            if not revisions and isinstance(head, TrueupError):
                raise head
            head = await self._observer.observe(stored, project, sources=sources, revisions=revisions, options=options)
        assert isinstance(head, Observation)
        return self._observer.with_hooks(head, state)

    async def content(self, stored: StoredApplication, project: Project, revisions: Sequence[str]) -> str:
        """Digest of what the application's sources declare at these revisions.

        Raises:
            TrueupError: as :meth:`head`.
        """
        return await self._observer.content(stored, project, revisions)
