"""``trueup cluster``: clusters that applications go to, as Argo CD's cluster Secrets keep them."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "add": Deferred("trueup.cli.cluster.add", "add", "Make a cluster known, by a context of your kubeconfig."),
    "get": Deferred("trueup.cli.cluster.read", "get", "Show one cluster, and whether it answers."),
    "list": Deferred("trueup.cli.cluster.read", "list_", "List the clusters that applications can go to."),
    "rm": Deferred("trueup.cli.cluster.change", "remove", "Forget a cluster; what runs there stays."),
    "rotate-auth": Deferred("trueup.cli.cluster.rotate", "rotate_auth", "Give a cluster a new token."),
    "set": Deferred("trueup.cli.cluster.change", "set_", "Change a cluster's name, labels or namespaces."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def cluster() -> None:
    """Clusters that applications go to: Argo CD's Secrets, in the control namespace."""
