"""Which of several engines looks after a cluster, as Argo CD's controllers share them (``controller/sharding``)."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from kubegrammar.fnv import fnv32a

Method = Literal["legacy", "round-robin"]
METHODS: tuple[Method, ...] = ("legacy", "round-robin")


class Sharding(msgspec.Struct, frozen=True):
    """What an engine knows of the others.

    Attributes:
        shard: its own, from 0.
        replicas: engines that share the clusters; each shard may have further ones that stand by.
        method: by which a cluster gets its shard that names none; None for what the settings say.
    """

    shard: int = 0
    replicas: int = 1
    method: Method | None = None

    def shard_of(self, wanted: int | None, uid: str, uids: Iterable[str], method: Method) -> int:
        """The shard of a cluster.

        Args:
            wanted: what its Secret says; a number beyond the engines counts for nothing.
            uid: of its Secret; empty where it needs none, as the cluster of the engines themselves.
            uids: of all clusters.
        """
        if wanted is not None and wanted < self.replicas:
            return wanted
        if not uid:
            return 0
        if (self.method or method) == "legacy":
            return fnv32a(uid) % self.replicas
        return sorted({*uids, uid}).index(uid) % self.replicas


ALONE = Sharding()
"""An engine that has all clusters."""


def shard_by_name(host: str) -> int | None:
    """The number at the end of a Pod's name, which a StatefulSet gives it; None where there is none."""
    number = host.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else None
