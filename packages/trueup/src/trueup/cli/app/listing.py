"""``trueup app list``."""

import asyncio

import click

from trueup.cli.app.access import ApplicationView
from trueup.cli.app.changed import change_of
from trueup.cli.app.port import applications_of
from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say


@click.command(
    "list", epilog=examples("trueup app list", "trueup app list -l team=web -p shop", "trueup app list -o name")
)
@click.option("-p", "--project", multiple=True, shell_complete=projects, help="Only applications of these projects.")
@click.option("-l", "--selector", default="", help="Only applications with these labels.")
@click.option("-r", "--repo", default="", help="Only applications of this repository.")
@click.option("-c", "--cluster", default="", help="Only applications of this cluster, by its name or URL.")
@click.option("-P", "--path", default="", help="Only applications of this folder.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the applications.")
@output_option("wide", "name", "json", "yaml")
@reach_options
def list_(
    access: ClusterAccess,
    project: tuple[str, ...],
    selector: str,
    repo: str,
    cluster: str,
    path: str,
    app_namespace: str,
    output: str,
) -> None:
    """List applications."""

    async def read() -> tuple[list[ApplicationView], str]:
        async with applications_of(access) as apps:
            return await apps.list(app_namespace, selector, project), apps.place(app_namespace)

    found, place = asyncio.run(read())
    views = [
        view
        for view in found
        if (not repo or any(source.repo_url == repo for source in view.app.spec.all_sources()))
        and (not cluster or cluster in (view.app.spec.destination.name, view.app.spec.destination.server))
        and (not path or any(source.path == path for source in view.app.spec.all_sources()))
    ]
    views.sort(key=lambda view: view.app.metadata.name)
    if not views and output in ("wide", "name"):
        narrowed = " that match" if project or selector or repo or cluster or path else ""
        say(f"no applications{narrowed} in {place}", err=True)
        return
    if output == "name":
        for view in views:
            say(f"{view.app.metadata.namespace}/{view.app.metadata.name}")
    elif output == "wide":
        table(LISTED, [list_row(view) for view in views], spare=SPARE)
    else:
        show([view.raw for view in views], output)


LISTED = (
    *("NAME", "DESTINATION", "NAMESPACE", "PROJECT", "STATUS", "HEALTH"),
    *("SYNCPOLICY", "CONDITIONS", "REPO", "PATH", "TARGET", "CHANGED BY"),
)
"""Columns of ``app list``."""


SPARE = ("CHANGED BY", "DESTINATION", "SYNCPOLICY", "PATH", "TARGET", "REPO", "PROJECT", "NAMESPACE")
"""Those that a narrow terminal does without."""


def list_row(view: ApplicationView) -> tuple[str, ...]:
    """A line of ``app list``."""
    spec, status = view.app.spec, view.status
    first = next(iter(spec.all_sources()), None)
    automated = spec.sync_policy.automated if spec.sync_policy else None
    policy = "Manual"
    if automated and automated.enabled is not False:
        policy = "Auto" + ("-Prune" if automated.prune else "")
    deleting = ["Deleting"] if view.app.metadata.deletion_timestamp else []
    return (
        f"{view.app.metadata.namespace}/{view.app.metadata.name}",
        spec.destination.server or spec.destination.name,
        spec.destination.namespace,
        spec.project or "default",
        str(status.sync.status) if status.sync else "Unknown",
        (status.health.status if status.health else "") or "Unknown",
        policy,
        ",".join([*deleting, *sorted({condition.type for condition in status.conditions})]) or "<none>",
        first.repo_url if first else "",
        (first.path or first.chart) if first else "",
        first.target_revision if first else "",
        change_of(view),
    )
