"""Carries steps out on the destination."""

import structlog

from trueup.apply.cluster import acting_as
from trueup.apply.perform import Performed, perform
from trueup.clusters.managed import ManagedCluster
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.task import Step

log = structlog.get_logger("trueup.cluster")


class Performer:
    """Performs on one cluster, and remembers what each step confirmed."""

    def __init__(self, cluster: ManagedCluster) -> None:
        self._cluster = cluster

    async def __call__(self, step: Step | DeletionStep | HookStep, account: str = "") -> Performed:
        """Carry a step out.

        Args:
            account: the user as whom; empty for the engine itself.
        """
        performed = await perform(step, acting_as(self._cluster, account))
        for manifest, answer, writing in performed.stored:
            self._cluster.confirmer.seed(manifest, answer, writing, account)
        if performed.interrupted is not None:
            log.warning("cluster not reached", cluster=self._cluster.name, error=str(performed.interrupted))
        return performed
