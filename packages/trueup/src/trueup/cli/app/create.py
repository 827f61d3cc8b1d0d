"""``trueup app create``."""

import asyncio
from typing import Any

import click

from trueup.cli.app.flags import SYNC_POLICIES, setting
from trueup.cli.app.port import applications_of
from trueup.cli.app.spec import change, pairs
from trueup.cli.app.validate import tell_oddities, well_formed
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.cli.strict import WrittenObject, documents, require_known_fields
from trueup.model.annotations import API_VERSION, RESOURCES_FINALIZER
from trueup.model.application import IN_CLUSTER_SERVER, Application

_NOT_TAKEN = {
    "operation": "it would start a sync; `trueup app sync` asks for one",
    "status": "the engine writes it",
}

validate_option = click.option(
    "--validate/--no-validate",
    "validated",
    default=True,
    show_default=True,
    help="First look whether project, cluster, repository, revision and path are there.",
)


@click.command(
    epilog=examples(
        "trueup app create web --repo https://git.example.com/team/web.git --path deploy --dest-namespace web",
        "trueup app create web --repo https://git.example.com/team/web.git --path . --sync-policy auto --self-heal",
        "trueup app create web --repo https://charts.example.com/stable --helm-chart podinfo --revision '^6.7'",
        "trueup app create -f web.yaml --upsert",
        "trueup app create -f - --validate=false",
    )
)
@click.argument("name", required=False, default="")
@click.option(
    "-f",
    "--file",
    "manifest",
    default="",
    type=click.Path(allow_dash=True),
    help="Manifests of Applications: a file, a folder of them, or - for stdin; flags win over them.",
)
@click.option("--sync-policy", type=click.Choice(SYNC_POLICIES), default=None, help="Sync by itself, or on demand.")
@setting()
@click.option("-l", "--label", multiple=True, metavar="KEY=VALUE", help="Label of the application. Repeatable.")
@click.option("--annotations", multiple=True, metavar="KEY=VALUE", help="Annotation of the application. Repeatable.")
@click.option("--set-finalizer", is_flag=True, help="Deleting the application deletes its objects.")
@click.option("--upsert", is_flag=True, help="Replace the specification of an application of that name.")
@validate_option
@reach_options
def create(access: ClusterAccess, name: str, manifest: str, upsert: bool, validated: bool, **flags: Any) -> None:
    """Create an application, or those of a file."""
    found = documents(manifest, "Application") if manifest else [WrittenObject("", {"metadata": {}, "spec": {}})]
    if name and len(found) > 1:
        raise click.UsageError(f"{manifest} holds {len(found)} applications: leave the name out")
    for document in found:
        _taken(document)
        _apply_flags(document.body, name, "" if access.served else access.namespace, flags)
    # All of them are looked at before the first is written.
    apps = [well_formed(document.body) for document in found]
    for app in apps:
        tell_oddities(app)

    async def run() -> None:
        async with applications_of(access) as there:
            if validated:
                for app in apps:
                    await there.look(app)
            for document in found:
                done = await there.create(document.body, upsert=upsert, validate=validated)
                say(f"application '{document.body['metadata']['name']}' {done}")

    asyncio.run(run())


def _taken(document: WrittenObject) -> None:
    for field, why in _NOT_TAKEN.items():
        if document.body.pop(field, None):
            say(f"warning: {document.origin}: {field} is dropped: {why}", err=True)
    require_known_fields(document, Application)


def _apply_flags(body: dict[str, Any], name: str, namespace: str, flags: dict[str, Any]) -> None:
    body["apiVersion"], body["kind"] = API_VERSION, "Application"
    metadata, spec = body["metadata"], body["spec"]
    if name:
        given_namespace, slash, bare = name.rpartition("/")
        metadata["name"] = bare
        if slash:
            metadata["namespace"] = given_namespace
    if not metadata.get("name"):
        raise click.UsageError("name the application: trueup app create NAME …")
    if namespace:
        metadata.setdefault("namespace", namespace)
    for field, given in (("labels", flags["label"]), ("annotations", flags["annotations"])):
        if given:
            metadata[field] = {**(metadata.get(field) or {}), **pairs(given)}
    if flags["set_finalizer"]:
        metadata["finalizers"] = list(dict.fromkeys([*(metadata.get("finalizers") or []), RESOURCES_FINALIZER]))
    sources = spec.get("sources")
    if sources and any(flags[name] for name in ("repo", "path", "revision", "helm_chart")):
        raise click.UsageError("the manifest has several sources: `trueup app set --source-position` changes one")
    change(spec, flags, sources[0] if sources else None)
    spec.setdefault("project", "default")
    destination = spec.setdefault("destination", {})
    if not destination.get("server") and not destination.get("name"):
        destination["server"] = IN_CLUSTER_SERVER
    if not sources:
        source = spec.setdefault("source", {})
        if not source.get("repoURL"):
            raise click.UsageError("name the repository: --repo URL")
        if not source.get("path") and not source.get("chart"):
            raise click.UsageError(
                "name the folder in the repository: --path FOLDER, or '.' for its root; or a chart: --helm-chart NAME"
            )
