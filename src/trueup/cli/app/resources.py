"""``trueup app resources``, and how a tree is drawn."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from trueup.cli.app.access import Handle, View
from trueup.cli.app.children import Node, Tree, tree_of
from trueup.cli.completing import applications
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.duration import age
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.runtime.clock import SystemClock

TREES = ("tree", "tree=detailed")


@click.command(
    epilog=examples(
        "trueup app resources web",
        "trueup app resources web -o tree=detailed",
        "trueup app resources web -o json",
    )
)
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@click.option("--orphaned", is_flag=True, help="Not possible: objects that no application declares are not watched.")
@output_option("wide", *TREES, "json", "yaml")
@access_options
def resources(access: Access, name: str, app_namespace: str, orphaned: bool, output: str) -> None:
    """List the objects of an application and what they have made: ReplicaSets, Pods, whatever they own."""
    if orphaned:
        raise TrueupError(
            "--orphaned: orphaned objects are not watched (orphanedResources of a project is not built)",
            hint="`kubectl get all -n NAMESPACE` lists a namespace; without --orphaned this lists what belongs to the "
            "application",
        )

    async def read() -> tuple[View, Tree]:
        async with connected(access) as client:
            view = await Handle(client, access, name, app_namespace).view()
        return view, await tree_of(access, view.status.resources)

    view, tree = asyncio.run(read())
    if output in TREES:
        print_tree(view, tree, detailed=output == "tree=detailed")
    elif output == "wide":
        rows = [(n.key.group, n.key.kind, n.key.namespace, n.key.name, n.status, n.health, "No") for n in tree.nodes()]
        table(("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "ORPHANED"), rows)
    else:
        show([_data(each) for each in tree.nodes()], output)
    tell_unread(tree)


def print_tree(view: View, tree: Tree, *, detailed: bool) -> None:
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


class Line(NamedTuple):
    """A line of a drawn tree."""

    stem: str
    node: Node


def drawn(tree: Tree) -> Iterator[Line]:
    """The lines of a tree, with what leads to each."""
    for root in tree.roots:
        yield Line("", root)
        yield from _below(root, "")


def tell_unread(tree: Tree) -> None:
    """Say what may be missing."""
    if tree.unread:
        say(f"warning: you may not list {', '.join(tree.unread)}: those are missing", err=True)


def _below(node: Node, indent: str) -> Iterator[Line]:
    for index, child in enumerate(node.children):
        last = index == len(node.children) - 1
        yield Line(f"{indent}{'└─' if last else '├─'}", child)
        yield from _below(child, f"{indent}{'  ' if last else '│ '}")


def _data(node: Node) -> dict[str, Any]:
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
    }
