"""``trueup app``: applications, straight on Kubernetes, with Argo CD's flag names."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "create": Deferred("trueup.cli.app.create", "create", "Create an application."),
    "delete": Deferred("trueup.cli.app.delete", "delete", "Delete applications, and what they deployed."),
    "diff": Deferred("trueup.cli.app.inspect", "diff", "Show what a sync would change."),
    "get": Deferred("trueup.cli.app.read", "get", "Show one application: what it deploys, how it compares, how it is."),
    "history": Deferred("trueup.cli.app.read", "history", "Show what was deployed, oldest first."),
    "list": Deferred("trueup.cli.app.read", "list_", "List applications."),
    "manifests": Deferred("trueup.cli.app.inspect", "manifests", "Print the manifests: as Git declares them, or live."),
    "rollback": Deferred("trueup.cli.app.rollback", "rollback", "Go back to an earlier deployment."),
    "sync": Deferred("trueup.cli.app.sync", "sync", "Make the cluster as Git declares, now."),
    "terminate-op": Deferred("trueup.cli.app.terminate", "terminate_op", "Stop the operation that runs."),
    "timeline": Deferred("trueup.cli.app.timeline", "timeline", "Tell what an application went through, as a story."),
    "wait": Deferred("trueup.cli.app.wait", "wait", "Wait until applications are synced and healthy."),
}


_EDIT = "What an application is, is edited in Git, or by `kubectl edit application NAME`."
ELSEWHERE = {
    "set": _EDIT,
    "unset": _EDIT,
    "edit": _EDIT,
    "patch": "`kubectl patch application NAME --type merge -p ...` does that.",
    "resources": "`trueup app get NAME` lists them.",
    "logs": "`kubectl logs` shows those of a Pod.",
    "actions": "`kubectl rollout restart` restarts a workload.",
    "patch-resource": "What Git declares is changed in Git; `kubectl patch` changes the rest.",
    "delete-resource": "`kubectl delete` does that; what Git declares comes back.",
    "add-source": _EDIT,
    "remove-source": _EDIT,
    "confirm-deletion": "Annotate the application: argocd.argoproj.io/deletion-approved=TIME.",
    "get-resource": "`kubectl get KIND NAME -o yaml` does that.",
}


@click.group(cls=LazyGroup, table=COMMANDS, elsewhere=ELSEWHERE)
def app() -> None:
    """Work with applications, straight on Kubernetes."""
