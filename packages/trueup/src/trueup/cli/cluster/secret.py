"""Cluster Secrets: how they are called, made, found and shown."""

from collections.abc import Mapping, Sequence

import msgspec

from trueup.kube.client import Client
from trueup.kube.errors import ConfigError
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.server import canonical_server
from trueup.store.clusters.known import OWN, SELECTOR
from trueup.store.clusters.secret import ClusterEntry, read_entry
from trueup.store.clusters.written import config_json as config_json
from trueup.store.clusters.written import secret_name as secret_name
from trueup.store.clusters.written import secret_object as secret_object
from trueup.store.credentials import SECRET, decoded


class ClusterSecret(msgspec.Struct, frozen=True):
    """A cluster Secret.

    Attributes:
        secret: its name; empty for the engine's own cluster, which needs none.
        entry: what it says; None where it cannot be used.
        problem: why it cannot.
        data: its values; never shown.
    """

    secret: str
    name: str
    server: str
    project: str = ""
    entry: ClusterEntry | None = None
    problem: str = ""
    live: LiveObject | None = None
    data: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Kept({self.secret!r})"


async def kept(client: Client, namespace: str) -> list[ClusterSecret]:
    """The clusters that are known, by name, the engine's own among them."""
    listing = await client.list(SECRET, namespace, label_selector=SELECTOR)
    found = [_kept(live) for live in listing.objects]
    if not any(each.server == IN_CLUSTER_SERVER for each in found):
        found.append(ClusterSecret("", IN_CLUSTER_NAME, IN_CLUSTER_SERVER, entry=OWN))
    return sorted(found, key=lambda each: (each.server != IN_CLUSTER_SERVER, each.name, each.secret))


def _kept(live: LiveObject) -> ClusterSecret:
    data = decoded(live.object())
    server = canonical_server(data.get("server", ""))
    name, project = data.get("name", "").strip() or server, data.get("project", "").strip()
    try:
        # Which programs the engine may run is its own affair: a Secret that names one is none the worse for it here.
        entry = read_entry(live, data, programs=None)
    except ConfigError as error:
        return ClusterSecret(live.key.name, name, server, project, None, str(error), live, data)
    return ClusterSecret(live.key.name, name, server, project, entry, "", live, data)


def only(found: Sequence[ClusterSecret], named: str) -> ClusterSecret:
    """The cluster of a name or server.

    Raises:
        TrueupError: there is none, or more than one.
    """
    server = canonical_server(named)
    fitting = [each for each in found if named == each.name or server == each.server]
    fitting = fitting or [each for each in found if each.server == IN_CLUSTER_SERVER and named == IN_CLUSTER_NAME]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise TrueupError(f"there is no cluster {named!r}", hint="`trueup cluster list` shows those that are known")
    raise TrueupError(
        f"there are {len(fitting)} clusters {named!r}, of the Secrets {', '.join(each.secret for each in fitting)}",
        hint="name one by its server, or delete the Secret that is not meant",
    )
