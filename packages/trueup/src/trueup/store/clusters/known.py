"""The clusters that are known now: those of the Secrets, followed, and the one that the engine runs on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from trueup.kube.client import Client
from trueup.kube.errors import ConfigError
from trueup.memory.bounded import Memory
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Destination
from trueup.model.errors import InvalidSpec, Waiting
from trueup.model.live import LiveObject
from trueup.model.server import canonical_server, unknown_cluster
from trueup.model.tree import MEBIBYTE
from trueup.policy.sharding import ALONE, Sharding
from trueup.runtime import secrecy
from trueup.runtime.logger import Logger
from trueup.store.clusters.secret import (
    CLUSTER,
    LABEL,
    ClusterEntry,
    read_entry,
)
from trueup.store.credentials import SECRET, decoded
from trueup.store.following import RETRY_SECONDS, Followed

if TYPE_CHECKING:
    from trueup.store.settings import Settings

log = Logger("trueup.clusters")

REMEMBERED, ROOM = 10_000, 4 * MEBIBYTE
"""Destinations whose clusters are known at once, and bytes for them."""

SELECTOR = f"{LABEL}={CLUSTER}"
OWN = ClusterEntry(secret="", name=IN_CLUSTER_NAME, server=IN_CLUSTER_SERVER)
"""The cluster that the engine runs on, where no Secret says more of it."""


class ClustersUnread(Waiting):
    """The Secrets have never been read: that a cluster is not known says nothing yet."""

    reason = "ClustersUnread"


class KnownClusters:
    """Cluster Secrets of the control namespace.

    Args:
        settings: as they are now.
        sharding: what this engine knows of others that share the clusters.
        changed: told that some cluster is there, is gone, or is another.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        *,
        settings: Callable[[], "Settings"],
        sharding: Sharding = ALONE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._sharding, self._changed = settings, sharding, changed
        self._secrets: dict[str, LiveObject] = {}
        self._entries: dict[str, ClusterEntry] = {}
        self._faults: dict[str, ConfigError] = {}
        self._spelt: dict[str, tuple[str, str, str]] = {}
        self._all = [OWN]
        self._found: Memory[tuple[str, str, str], ClusterEntry] = Memory(entries=REMEMBERED, size=ROOM)
        self._shards = {OWN.secret: 0}
        self._read = False
        self.followed = Followed(client, SECRET, namespace, SELECTOR, replaced=self.replaced, changed=self.take)
        secrecy.EVERYWHERE.learn("clusters", self._confidential)

    def all(self) -> list[ClusterEntry]:
        """Those that can be used, the own one first."""
        return self._all

    def mine(self, destination: Destination, project: str) -> bool:
        """Whether this engine is to look after what goes to a destination. What names no cluster is for the first one,
        which says so; before the Secrets have been read nobody knows."""
        if self._sharding.replicas <= 1:
            return True
        try:
            shard = self._shards.get(self.of(destination, project).secret, 0)
        except InvalidSpec:
            shard = 0
        except ClustersUnread:
            return False
        return shard == self._sharding.shard

    def faults(self) -> Mapping[str, ConfigError]:
        """Why Secrets, by their names, are not used."""
        return self._faults

    def of(self, destination: Destination, project: str) -> ClusterEntry:
        """The cluster that a destination names, on behalf of a project.

        Raises:
            InvalidSpec: there is none, more than one, or it is another project's.
            ClustersUnread: the Secrets have never been read.
        """
        question = (destination.server, destination.name, project)
        entry = self._found.get(question)
        if entry is None:
            # Each pass over each application asks, several times.
            entry = self._one(destination, project)
            self._found.put(question, entry)
        if entry.in_cluster and not self._settings().in_cluster:
            raise InvalidSpec(
                f"cluster {entry.name} is disabled by cluster.inClusterEnabled in argocd-cm",
                hint="name another cluster in spec.destination",
            )
        return entry

    def _one(self, destination: Destination, project: str) -> ClusterEntry:
        fits = _named(destination)
        found = [entry for entry in self.all() if fits(entry)]
        usable = [entry for entry in found if entry.project in ("", project)]
        own = [entry for entry in usable if entry.project] or usable
        if len(own) == 1:
            return own[0]
        if not found and not self._read:
            raise ClustersUnread(
                f"cluster {destination.server or destination.name!r} is not known: the cluster Secrets cannot be read",
                after=RETRY_SECONDS,
                hint="give the engine the right to list and watch Secrets in its own namespace",
            )
        raise self._refusal(destination, own, project)

    def place(self, destination: Destination, project: str) -> Destination:
        """A destination by server and name both. One that names none, or names it twice, is for its own check.

        Raises:
            InvalidSpec, ClustersUnread: as :meth:`of`.
        """
        if bool(destination.server) == bool(destination.name):
            return destination
        return self.of(destination, project).place(destination)

    def _refusal(self, destination: Destination, usable: list[ClusterEntry], project: str) -> InvalidSpec:
        field = "server" if destination.server else "name"
        said = f"spec.destination.{field}"
        if usable:
            secrets = ", ".join(entry.secret or "the cluster of the engine" for entry in usable)
            return InvalidSpec(f"{said}: there are {len(usable)} clusters with the same {field}: {secrets}")
        broken = [fault for name, fault in self._faults.items() if self._may_be(name, destination, project)]
        if broken:
            return InvalidSpec(f"{said}: {broken[0].message}", hint=broken[0].hint)
        return unknown_cluster(destination.server, destination.name, project)

    def _may_be(self, secret: str, destination: Destination, project: str) -> bool:
        """Whether a Secret that cannot be used seems to be about a destination's cluster, and is not for others."""
        name, server, owner = self._spelt.get(secret, ("", "", ""))
        if owner not in ("", project):
            return False
        return destination.name == name if destination.name else canonical_server(destination.server) == server

    def replaced(self, secrets: Sequence[LiveObject]) -> None:
        """These are the Secrets now."""
        self._secrets, self._read = {live.key.name: live for live in secrets}, True
        self.reread()

    def take(self, live: LiveObject, gone: bool = False) -> None:
        """One of the Secrets is another now, or gone."""
        if gone:
            self._secrets.pop(live.key.name, None)
        else:
            self._secrets[live.key.name] = live
        self.reread()

    def reread(self) -> None:
        """The Secrets, or settings that they depend on, have changed."""
        before, shards, faults = self._entries, self._shards, self._faults
        self._entries, self._faults, self._spelt = {}, {}, {}
        programs = self._settings().exec_commands
        for secret, live in self._secrets.items():
            data = decoded(live.object())
            named = data.get("name", "").strip(), canonical_server(data.get("server", ""))
            self._spelt[secret] = (*named, data.get("project", "").strip())
            try:
                self._entries[secret] = read_entry(live, data, programs=programs, engines=self._sharding.replicas)
            except ConfigError as error:
                self._faults[secret] = error
                if str(faults.get(secret)) != str(error):
                    log.warning("cluster not used", secret=secret, problem=str(error))
        entries = sorted(self._entries.values(), key=lambda entry: (not entry.in_cluster, entry.name, entry.secret))
        self._found.clear()
        self._all = entries if any(entry.in_cluster for entry in entries) else [OWN, *entries]
        self._share()
        for secret, entry in self._entries.items():
            if entry.warnings and before.get(secret) != entry:
                log.warning("cluster Secret", secret=secret, problem="; ".join(entry.warnings))
        matters = _matters(before) != _matters(self._entries) or shards != self._shards
        if matters or faults.keys() != self._faults.keys():
            self._changed()

    def _share(self) -> None:
        """Each cluster its shard."""
        method, uids = self._settings().sharding_method, [entry.uid for entry in self._all]
        of = self._sharding.shard_of
        self._shards = {entry.secret: of(entry.shard, entry.uid, uids, method) for entry in self._all}

    def _confidential(self) -> Iterator[str]:
        for entry in self._entries.values():
            if entry.config is not None:
                yield from filter(None, (entry.config.token, entry.config.password))


def _matters(entries: Mapping[str, ClusterEntry]) -> dict[str, tuple[object, ...]]:
    """What of the Secrets concerns applications: labels and the like do not."""
    return {secret: (entry.way, entry.project, entry.skipped) for secret, entry in entries.items()}


def _named(destination: Destination) -> Callable[[ClusterEntry], bool]:
    if destination.server:
        server = canonical_server(destination.server)
        return lambda entry: entry.server == server
    # The own cluster keeps its name beside the one that a Secret gives it.
    return lambda entry: entry.name == destination.name or (entry.in_cluster and destination.name == IN_CLUSTER_NAME)
