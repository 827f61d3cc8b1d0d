"""The cluster that an application goes to, for commands that read what is there."""

from trueup.cli.connect import ClusterAccess, connected
from trueup.kube.config import ClusterConfig
from trueup.model.application import DEFAULT_PROJECT, IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from trueup.model.errors import TrueupError

OWN = (IN_CLUSTER_SERVER, IN_CLUSTER_NAME)


async def destination_of(access: ClusterAccess, app: Application) -> ClusterConfig:
    """The way to an application's cluster: the kubeconfig's for the engine's own, else the one of its Secret.

    Raises:
        InvalidSpec: no such cluster is known.
        TrueupError: the Secret may not be read, or only the engine can show its credential.
    """
    said = app.spec.destination
    if said.server.rstrip("/") in OWN or said.name in OWN:
        return access.config()
    # Only who asks for another cluster pays for it.
    from trueup.cli.clusters import known_clusters

    async with connected(access) as client:
        known = await known_clusters(client, access.namespace)
        entry = known.of(said, app.spec.project or DEFAULT_PROJECT)
    if entry.config is None:
        return access.config()
    if entry.config.plugin is not None:
        raise TrueupError(
            f"cluster {entry.name} is not read from here: its credential comes from a program that the engine runs",
            hint="use a kubeconfig of that cluster with kubectl",
        )
    return entry.config
