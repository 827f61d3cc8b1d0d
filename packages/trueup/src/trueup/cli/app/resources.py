"""``trueup app resources``, and how a tree is drawn."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.children import ResourceNode, ResourceTree
from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import age
from trueup.cli.examples import examples
from trueup.cli.output import TREES, output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.runtime.clock import SystemClock


@click.command(
    epilog=examples(
        "trueup app resources web",
        "trueup app resources web -o tree=detailed",
        "trueup app resources web --orphaned",
        "trueup app resources web -o json",
    )
)
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@click.option("--orphaned", is_flag=True, help="Only objects of its namespace that no application declares.")
@output_option("wide", *TREES, "json", "yaml")
@reach_options
def resources(access: ClusterAccess, name: str, app_namespace: str, orphaned: bool, output: str) -> None:
    """List the objects of an application and what they have made: ReplicaSets, Pods, whatever they own.

    Where its project asks for orphaned resources, those are listed too: objects of the application's namespace that no
    application declares.
    """

    async def read() -> tuple[ApplicationView, ResourceTree, ResourceTree | None]:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            view = await app.view()
            own = ResourceTree(()) if orphaned else await app.tree(view)
            try:
                return view, own, await app.orphans(view)
            except TrueupError:
                # Who may not read the project has the rest all the same.
                if orphaned:
                    raise
                return view, own, None

    view, tree, orphans = asyncio.run(read())
    if orphaned and orphans is None:
        project = view.app.spec.project or "default"
        say(f"project {project} does not ask for orphaned resources: its spec.orphanedResources is not set", err=True)
    orphans = orphans or ResourceTree(())
    if output in TREES:
        print_tree(view, ResourceTree((*tree.roots, *orphans.roots)), detailed=output == "tree=detailed")
    elif output == "wide":
        rows = [_row(node, "No") for node in tree.nodes()] + [_row(node, "Yes") for node in orphans.nodes()]
        table(("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "ORPHANED"), rows)
    else:
        data = [_data(each, orphaned=False) for each in tree.nodes()]
        show(data + [_data(each, orphaned=True) for each in orphans.nodes()], output)
    tell_unread(ResourceTree((), tuple(dict.fromkeys((*tree.unread, *orphans.unread)))))


def _row(node: ResourceNode, orphaned: str) -> tuple[str, ...]:
    key = node.key
    return (key.group, key.kind, key.namespace, key.name, node.status, node.health, orphaned)


def print_tree(view: ApplicationView, tree: ResourceTree, *, detailed: bool) -> None:
    """The tree as Argo CD draws it; each object with what the last sync said of it, or why it does not work."""
    state = view.status.operation_state
    results = state.sync_result.resources if state and state.sync_result else []
    done = {(each.group, each.kind, each.namespace, each.name): each.message for each in results}
    rows = []
    now = SystemClock().now()
    for line in drawn(tree):
        key = line.node.key
        message = line.node.message or done.get((key.group, key.kind, key.namespace, key.name), "")
        old = (age(line.node.created, now),) if detailed else ()
        rows.append((f"{line.stem}{key.kind}/{key.name}", line.node.status, line.node.health, *old, message))
    header = ("KIND/NAME", "STATUS", "HEALTH", *(("AGE",) if detailed else ()), "MESSAGE")
    table(header, rows)


class TreeLine(NamedTuple):
    """A line of a drawn tree."""

    stem: str
    node: ResourceNode


def drawn(tree: ResourceTree) -> Iterator[TreeLine]:
    """The lines of a tree, with what leads to each."""
    for root in tree.roots:
        yield TreeLine("", root)
        yield from _below(root, "")


def tell_unread(tree: ResourceTree) -> None:
    """Say what may be missing."""
    if tree.unread:
        say(f"warning: you may not list {', '.join(tree.unread)}: those are missing", err=True)


def _below(node: ResourceNode, indent: str) -> Iterator[TreeLine]:
    for index, child in enumerate(node.children):
        last = index == len(node.children) - 1
        yield TreeLine(f"{indent}{'└─' if last else '├─'}", child)
        yield from _below(child, f"{indent}{'  ' if last else '│ '}")


def _data(node: ResourceNode, *, orphaned: bool) -> dict[str, Any]:
    return {
        "group": node.key.group,
        "kind": node.key.kind,
        "namespace": node.key.namespace,
        "name": node.key.name,
        "uid": node.uid,
        "status": node.status,
        "health": {"status": node.health, "message": node.message},
        "createdAt": node.created,
        "children": [child.uid for child in node.children],
        "orphaned": orphaned,
    }
