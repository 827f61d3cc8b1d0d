"""``trueup app edit|patch``."""

import asyncio
import sys
from typing import Any

import click

from kubegrammar import json, yaml
from kubegrammar.patch import merge_patch, parse_pointer
from trueup.cli.app.access import ApplicationView
from trueup.cli.app.port import Body, applications_of
from trueup.cli.app.validate import well_formed
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.editor import edit_until_taken
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.strict import WrittenObject, require_known_fields
from trueup.model.application import Application
from trueup.model.errors import TrueupError

_OF_THE_ENGINE = ("status", "operation")


@click.command("edit", epilog=examples("trueup app edit web", "KUBE_EDITOR=nano trueup app edit web"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def edit_(access: ClusterAccess, name: str, app_namespace: str) -> None:
    """Edit an application's specification in your editor: KUBE_EDITOR, VISUAL or EDITOR."""

    async def read() -> ApplicationView:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).view()

    async def write(patch: dict[str, Any]) -> bool:
        def changed(body: dict[str, Any]) -> None:
            body["spec"] = merge_patch(body.get("spec") or {}, patch)
            _must_work(body)

        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            trial = (await app.view()).raw
            changed(trial)
            await app.admit(_must_work(trial))
            return await app.edit(changed)

    before = asyncio.run(read()).raw.get("spec") or {}
    edit_until_taken(f"application '{name}'", before, lambda patch: asyncio.run(write(patch)))


@click.command(
    "patch",
    epilog=examples(
        """trueup app patch web --patch '{"spec": {"source": {"targetRevision": "main"}}}' --type merge""",
        """trueup app patch web --patch '[{"op": "remove", "path": "/spec/syncPolicy/automated"}]'""",
    ),
)
@click.argument("name", shell_complete=applications)
@click.option("--patch", "text", required=True, metavar="PATCH", help="The patch, as JSON or YAML; - is stdin.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["json", "merge"]),
    default="json",
    show_default=True,
    help="JSON patch (a list of operations), or merge patch.",
)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@output_option("yaml", "json")
@reach_options
def patch_(access: ClusterAccess, name: str, text: str, kind: str, app_namespace: str, output: str) -> None:
    """Patch an application, and print what it is then."""
    body = _patch(sys.stdin.read() if text == "-" else text, kind)

    def check(before: Body, after: Body) -> Application:
        if any(before.get(field) != after.get(field) for field in _OF_THE_ENGINE):
            raise TrueupError(
                "a patch changes metadata and spec alone: status and operation are the engine's",
                hint="`trueup app sync` and `trueup app terminate-op` start and end operations",
            )
        return _must_work(after)

    async def run() -> ApplicationView:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).patched(body, kind, check)

    show(asyncio.run(run()).raw, output)


def _patch(text: str, kind: str) -> bytes:
    try:
        found = yaml.load(text.encode(), "--patch")
    except yaml.YamlError as error:
        raise TrueupError(str(error), hint="write the patch as JSON or YAML") from error
    if kind == "json" and not isinstance(found, list):
        raise TrueupError("a JSON patch is a list of operations", hint="--type merge takes a mapping")
    if kind == "merge" and not isinstance(found, dict):
        raise TrueupError("a merge patch is a mapping", hint="--type json takes a list of operations")
    for change in [found] if kind == "merge" else found:
        stub = change if kind == "merge" else _stub(change)
        require_known_fields(WrittenObject("--patch", {"spec": (stub or {}).get("spec")}), Application)
    return json.canonical(found)


def _stub(operation: Any) -> Any:
    """What one operation of a JSON patch writes, as an object that has nothing else."""
    if not isinstance(operation, dict) or not isinstance(path := operation.get("path"), str):
        raise TrueupError("an operation of a JSON patch has op, path and mostly value", hint="see RFC 6902")
    try:
        tokens = parse_pointer(path)
    except ValueError as error:
        raise TrueupError(f"--patch: {error}", hint="a path is written as /spec/source/targetRevision") from error
    value = operation.get("value")
    for place in reversed(tokens):
        value = [value] if place == "-" or place.isdecimal() else {place: value}
    return value if isinstance(value, dict) else None


def _must_work(body: dict[str, Any]) -> Application:
    document = WrittenObject("the application", {"spec": body.get("spec")})
    require_known_fields(document, Application)
    return well_formed({field: body.get(field) for field in ("metadata", "spec")})
