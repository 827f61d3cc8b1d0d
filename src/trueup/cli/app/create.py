"""``trueup app create``."""

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from trueup import policy
from trueup.cli.app.access import served
from trueup.cli.completing import projects
from trueup.cli.connect import Access, access_options, connected
from trueup.cli.screen import say
from trueup.controllers.cluster import require_known
from trueup.formats import yaml
from trueup.kube.errors import AlreadyExists
from trueup.model.annotations import API_VERSION, RESOURCES_FINALIZER
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.project import Project
from trueup.store.install import default_project
from trueup.store.kinds import APPLICATION

_NOT_TAKEN = {
    "operation": "it would start a sync; `trueup app sync` asks for one",
    "status": "the engine writes it",
}


@click.command()
@click.argument("name", required=False, default="")
@click.option(
    "-f", "--file", "manifest", type=click.Path(path_type=Path), help="Application manifest; flags win over it."
)
@click.option("--repo", default="", help="Repository URL.")
@click.option("--path", default="", help="Folder in the repository.")
@click.option("--revision", default="", help="Branch, tag, commit or semver range.")
@click.option("--dest-server", default="", help="Cluster URL (default: the cluster Trueup runs on).")
@click.option("--dest-name", default="", help="Cluster name, instead of --dest-server.")
@click.option("--dest-namespace", default="", help="Namespace for objects that name none.")
@click.option("--project", default="default", show_default=True, shell_complete=projects, help="Project it belongs to.")
@click.option(
    "--sync-policy",
    type=click.Choice(["none", "manual", "automated", "auto", "automatic"]),
    default=None,
    help="Sync by itself, or on demand.",
)
@click.option("--auto-prune", is_flag=True, help="Automated sync may delete what left Git.")
@click.option("--self-heal", is_flag=True, help="Put manual changes back.")
@click.option("--allow-empty", is_flag=True, help="Automated sync may delete everything.")
@click.option("--sync-option", multiple=True, help="Such as CreateNamespace=true. Repeatable.")
@click.option("--sync-retry-limit", type=int, default=None, help="Tries after the first; negative: no limit.")
@click.option("-l", "--label", multiple=True, metavar="KEY=VALUE", help="Label of the application. Repeatable.")
@click.option("--annotations", multiple=True, metavar="KEY=VALUE", help="Annotation of the application. Repeatable.")
@click.option("--set-finalizer", is_flag=True, help="Deleting the application deletes its objects.")
@click.option("--values", multiple=True, help="Helm: value file. Repeatable.")
@click.option("--helm-set", multiple=True, metavar="KEY=VALUE", help="Helm: parameter. Repeatable.")
@click.option("--helm-set-string", multiple=True, metavar="KEY=VALUE", help="Helm: text parameter. Repeatable.")
@click.option("--release-name", default="", help="Helm: release (default: the application's name).")
@click.option("--helm-skip-crds", is_flag=True, help="Helm: leave the chart's CRDs out.")
@click.option("--kustomize-image", multiple=True, metavar="NAME=IMAGE", help="Kustomize: another image. Repeatable.")
@click.option("--nameprefix", default="", help="Kustomize: prefix of all names.")
@click.option("--namesuffix", default="", help="Kustomize: suffix of all names.")
@click.option("--directory-recurse", is_flag=True, help="Plain manifests: those in folders below too.")
@click.option("--directory-include", default="", help="Plain manifests: only files that match, such as *.yaml.")
@click.option("--directory-exclude", default="", help="Plain manifests: no files that match.")
@click.option("--upsert", is_flag=True, help="Replace an application of that name.")
@access_options
def create(access: Access, name: str, manifest: Path | None, upsert: bool, **flags: Any) -> None:
    """Create an application."""
    body = _read(manifest) if manifest else {"metadata": {}, "spec": {}}
    _apply_flags(body, name, access.namespace, flags)
    _check(body)

    async def write() -> str:
        async with connected(access) as client:
            metadata = body["metadata"]
            data = msgspec.json.encode(body)
            try:
                with served():
                    await client.create(APPLICATION, metadata["namespace"], data)
                return "created"
            except AlreadyExists as error:
                if not upsert:
                    raise TrueupError(
                        f"application {metadata['name']} exists already", hint="--upsert replaces it"
                    ) from error
            await client.apply(APPLICATION, metadata["namespace"], metadata["name"], data, manager="trueup-cli")
            return "updated"

    done = asyncio.run(write())
    say(f"application '{body['metadata']['name']}' {done}")


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.load(path.read_bytes(), str(path))
    except OSError as error:
        raise TrueupError(f"{path}: {error.strerror}", hint="name a readable file") from error
    except yaml.YamlError as error:
        raise TrueupError(str(error), hint="correct the manifest") from error
    if not isinstance(loaded, dict) or loaded.get("kind") != "Application":
        raise TrueupError(f"{path} holds no Application", hint="its kind must be Application")
    loaded.setdefault("metadata", {})
    loaded.setdefault("spec", {})
    for field, why in _NOT_TAKEN.items():
        if loaded.pop(field, None):
            say(f"warning: {path}: {field} is dropped: {why}", err=True)
    return loaded


def _check(body: dict[str, Any]) -> None:
    """Refuse what the engine would refuse, whatever the project says.

    Raises:
        TrueupError: naming the fields.
    """
    try:
        app = msgspec.convert(body, type=Application)
    except msgspec.ValidationError as error:
        raise TrueupError(f"the application is not valid: {error}", hint="correct that field") from error
    permissive = msgspec.convert(default_project(app.metadata.namespace), type=Project)
    try:
        require_known(app.spec.destination)
        policy.admit(app, permissive)
    except InvalidSpec as error:
        raise TrueupError(f"the application is not valid: {error.message}", hint=error.hint) from error


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
    metadata.setdefault("namespace", namespace)
    for field, pairs in (("labels", flags["label"]), ("annotations", flags["annotations"])):
        if pairs:
            metadata.setdefault(field, {}).update(_pairs(pairs))
    if flags["set_finalizer"]:
        metadata["finalizers"] = [RESOURCES_FINALIZER]
    spec.setdefault("project", flags["project"])
    destination = spec.setdefault("destination", {})
    for field, flag in (("server", "dest_server"), ("name", "dest_name"), ("namespace", "dest_namespace")):
        if flags[flag]:
            destination[field] = flags[flag]
    if not destination.get("server") and not destination.get("name"):
        destination["server"] = "https://kubernetes.default.svc"
    if not spec.get("sources"):
        source = spec.setdefault("source", {})
        _source_flags(source, flags)
        if not source.get("repoURL"):
            raise click.UsageError("name the repository: --repo URL")
        if not source.get("path") and not source.get("chart"):
            raise click.UsageError("name the folder in the repository: --path FOLDER, or '.' for its root")
    _policy_flags(spec, flags)


def _source_flags(source: dict[str, Any], flags: dict[str, Any]) -> None:
    for field, flag in (("repoURL", "repo"), ("path", "path"), ("targetRevision", "revision")):
        if flags[flag]:
            source[field] = flags[flag]
    helm: dict[str, Any] = {
        "valueFiles": list(flags["values"]),
        "parameters": [
            {"name": key, "value": value, **({"forceString": True} if forced else {})}
            for pairs, forced in ((flags["helm_set"], False), (flags["helm_set_string"], True))
            for key, value in _pairs(pairs).items()
        ],
        "releaseName": flags["release_name"],
        "skipCrds": flags["helm_skip_crds"],
    }
    kustomize: dict[str, Any] = {
        "images": list(flags["kustomize_image"]),
        "namePrefix": flags["nameprefix"],
        "nameSuffix": flags["namesuffix"],
    }
    directory: dict[str, Any] = {
        "recurse": flags["directory_recurse"],
        "include": flags["directory_include"],
        "exclude": flags["directory_exclude"],
    }
    for tool, block in (("helm", helm), ("kustomize", kustomize), ("directory", directory)):
        given = {field: value for field, value in block.items() if value}
        if given:
            source.setdefault(tool, {}).update(given)


def _policy_flags(spec: dict[str, Any], flags: dict[str, Any]) -> None:
    wanted = flags["sync_policy"]
    if wanted in ("none", "manual"):
        (spec.get("syncPolicy") or {}).pop("automated", None)
    elif wanted:
        policy = spec["syncPolicy"] = spec.get("syncPolicy") or {}
        policy["automated"] = policy.get("automated") or {}
    automated = (spec.get("syncPolicy") or {}).get("automated")
    for field, flag in (("prune", "auto-prune"), ("selfHeal", "self-heal"), ("allowEmpty", "allow-empty")):
        if not flags[flag.replace("-", "_")]:
            continue
        if not isinstance(automated, dict) or automated.get("enabled") is False:
            # Argo CD's words: to switch automation on takes a flag of its own (cmd/util/app.go SetAppSpecOptions).
            raise TrueupError(
                f"cannot set --{flag}: application not configured with automatic sync",
                hint="add --sync-policy automated",
            )
        automated[field] = True
    if flags["sync_option"]:
        spec.setdefault("syncPolicy", {})["syncOptions"] = list(flags["sync_option"])
    if flags["sync_retry_limit"] is not None:
        spec.setdefault("syncPolicy", {})["retry"] = {"limit": flags["sync_retry_limit"]}


def _pairs(items: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{item!r} is not KEY=VALUE")
        pairs[key] = value
    return pairs
