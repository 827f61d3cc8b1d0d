"""``trueup app``: applications, straight on Kubernetes or through an API server, with Argo CD's flag names."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "actions": Deferred("trueup.cli.app.actions", "actions", "What can be done to an application's objects."),
    "add-source": Deferred("trueup.cli.app.change", "add_source_", "Give an application one source more."),
    "confirm-deletion": Deferred(
        "trueup.cli.app.confirm", "confirm_deletion", "Let objects go that ask to be confirmed first."
    ),
    "create": Deferred("trueup.cli.app.create", "create", "Create an application."),
    "delete": Deferred("trueup.cli.app.delete", "delete", "Delete applications, and what they deployed."),
    "delete-resource": Deferred("trueup.cli.app.single", "delete_resource", "Delete objects of an application."),
    "diff": Deferred("trueup.cli.app.inspect", "diff", "Show what a sync would change."),
    "edit": Deferred("trueup.cli.app.edit", "edit_", "Edit an application's specification in your editor."),
    "explain": Deferred("trueup.cli.app.explain", "explain", "Tell why an application is as it is, and what to do."),
    "get": Deferred("trueup.cli.app.get", "get", "Show one application: what it deploys, how it compares, how it is."),
    "get-resource": Deferred("trueup.cli.app.single", "get_resource", "Print objects of an application as they are."),
    "history": Deferred("trueup.cli.app.history", "history", "Show what was deployed, oldest first."),
    "inputs": Deferred(
        "trueup.cli.app.inputs", "inputs", "List the files that an application is made of, and why each is among them."
    ),
    "list": Deferred("trueup.cli.app.listing", "list_", "List applications."),
    "logs": Deferred("trueup.cli.app.logs", "logs", "Print what the Pods of an application have logged."),
    "manifests": Deferred("trueup.cli.app.inspect", "manifests", "Print the manifests: as Git declares them, or live."),
    "patch": Deferred("trueup.cli.app.edit", "patch_", "Patch an application."),
    "patch-resource": Deferred("trueup.cli.app.single", "patch_resource", "Patch objects of an application."),
    "plan": Deferred("trueup.cli.app.plan", "plan", "Show what a sync would do, step by step."),
    "remove-source": Deferred("trueup.cli.app.change", "remove_source_", "Take one of several sources away."),
    "resources": Deferred("trueup.cli.app.resources", "resources", "List an application's objects, Pods among them."),
    "rollback": Deferred("trueup.cli.app.rollback", "rollback", "Go back to an earlier deployment."),
    "set": Deferred("trueup.cli.app.change", "set_", "Change an application: its source, destination, policy."),
    "sync": Deferred("trueup.cli.app.sync", "sync", "Make the cluster as Git declares, now."),
    "terminate-op": Deferred("trueup.cli.app.terminate", "terminate_op", "Stop the operation that runs."),
    "timeline": Deferred("trueup.cli.app.timeline", "timeline", "Tell what an application went through, as a story."),
    "unset": Deferred("trueup.cli.app.change", "unset", "Take away what was set."),
    "wait": Deferred("trueup.cli.app.wait", "wait", "Wait until applications are synced and healthy."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def app() -> None:
    """Work with applications, straight on Kubernetes or through an API server."""
