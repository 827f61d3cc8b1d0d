"""``trueup proj``: projects, with Argo CD's verbs and flag names."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

_LISTS, _WINDOWS = "trueup.cli.proj.lists", "trueup.cli.proj.windows"
COMMANDS = {
    "add-destination": Deferred(_LISTS, "add_destination", "Allow a cluster and a namespace."),
    "add-destination-service-account": Deferred(_LISTS, "add_account", "Let syncs to a destination act as an account."),
    "add-orphaned-ignore": Deferred(_LISTS, "add_orphaned_ignore", "Do not report objects of a kind as orphaned."),
    "add-signature-key": Deferred(_LISTS, "add_signature_key", "Let a key sign commits."),
    "add-source": Deferred(_LISTS, "add_source", "Allow a repository."),
    "add-source-namespace": Deferred(_LISTS, "add_source_namespace", "Let a namespace's applications use the project."),
    "allow-cluster-resource": Deferred(_LISTS, "allow_cluster_resource", "Allow a cluster-scoped kind."),
    "allow-namespace-resource": Deferred(_LISTS, "allow_namespace_resource", "Allow a namespaced kind again."),
    "create": Deferred("trueup.cli.proj.create", "create", "Create a project."),
    "delete": Deferred("trueup.cli.proj.remove", "delete", "Delete projects that no application uses."),
    "deny-cluster-resource": Deferred(_LISTS, "deny_cluster_resource", "Deny a cluster-scoped kind."),
    "deny-namespace-resource": Deferred(_LISTS, "deny_namespace_resource", "Deny a namespaced kind."),
    "edit": Deferred("trueup.cli.proj.create", "edit", "Edit a project's specification in your editor."),
    "get": Deferred("trueup.cli.proj.read", "get", "Show one project: what it permits."),
    "list": Deferred("trueup.cli.proj.read", "list_", "List projects."),
    "remove-destination": Deferred(_LISTS, "remove_destination", "Take a destination away."),
    "remove-destination-service-account": Deferred(_LISTS, "remove_account", "Take a service account away."),
    "remove-orphaned-ignore": Deferred(_LISTS, "remove_orphaned_ignore", "Report them again."),
    "remove-signature-key": Deferred(_LISTS, "remove_signature_key", "Take a key away."),
    "remove-source": Deferred(_LISTS, "remove_source", "Take a repository away."),
    "remove-source-namespace": Deferred(_LISTS, "remove_source_namespace", "Take a namespace away."),
    "role": Deferred("trueup.cli.proj.roles", "role", "Roles of a project: policies, groups, tokens."),
    "set": Deferred("trueup.cli.proj.create", "set_", "Change what a project permits."),
    "windows": Deferred(_WINDOWS, "windows", "Times at which syncs are allowed or denied."),
}
ELSEWHERE = {
    "source-integrity": "`trueup proj edit` changes the field spec.sourceIntegrity.",
}


@click.group(cls=LazyGroup, table=COMMANDS, elsewhere=ELSEWHERE)
def proj() -> None:
    """Projects: what groups of applications may use."""
