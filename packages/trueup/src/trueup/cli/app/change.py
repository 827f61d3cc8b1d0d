"""``trueup app set|unset|add-source|remove-source``."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from trueup.cli.app.create import validate_option
from trueup.cli.app.flags import SYNC_POLICIES, setting, source_flags, unsetting
from trueup.cli.app.port import applications_of
from trueup.cli.app.progress import not_tried_again
from trueup.cli.app.spec import Spec, add_source, change, remove_source, source_at, take_away
from trueup.cli.app.validate import tell_oddities, well_formed
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.screen import say

position_option = click.option(
    "--source-position", "position", type=int, default=None, help="Which of several sources is meant, from 1."
)
source_name_option = click.option("--source-name", default="", help="Which of several sources is meant, by its name.")


@click.command(
    "set",
    epilog=examples(
        "trueup app set web --revision v1.4.0",
        "trueup app set web --helm-set image.tag=v1.4.0 --values values-prod.yaml",
        "trueup app set web --sync-policy automated --self-heal --no-auto-prune",
        "trueup app set web --source-position 2 --revision main",
    ),
)
@click.argument("name", shell_complete=applications)
@click.option("--sync-policy", type=click.Choice(SYNC_POLICIES), default=None, help="Sync by itself, or on demand.")
@setting()
@position_option
@source_name_option
@validate_option
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def set_(
    access: ClusterAccess,
    name: str,
    position: int | None,
    source_name: str,
    validated: bool,
    app_namespace: str,
    **flags: Any,
) -> None:
    """Change what an application is: its source, its destination, its policy. What is not named stays."""
    if not any(value not in (None, ()) for value in flags.values()):
        raise click.UsageError("say what to set: `trueup app set --help` lists it")

    def edit(spec: Spec) -> None:
        change(spec, flags, _source_meant(spec, flags, position, source_name))

    _rewrite(access, name, app_namespace, edit, validated=validated)


@click.command(
    epilog=examples(
        "trueup app unset web --helm-set image.tag --values values-prod.yaml",
        "trueup app unset web --kustomize-image registry.example/web --nameprefix",
        "trueup app unset web --sync-option CreateNamespace=true",
    )
)
@click.argument("name", shell_complete=applications)
@unsetting
@position_option
@source_name_option
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def unset(
    access: ClusterAccess, name: str, position: int | None, source_name: str, app_namespace: str, **flags: Any
) -> None:
    """Take away what was set: parameters by their names, whole fields by their flags."""
    if not any(flags.values()):
        raise click.UsageError("say what to unset: `trueup app unset --help` lists it")

    def edit(spec: Spec) -> None:
        take_away(spec, flags, _source_meant(spec, flags, position, source_name))

    _rewrite(access, name, app_namespace, edit, validated=False)


@click.command(
    "add-source",
    epilog=examples("trueup app add-source web --repo https://git.example.com/team/values.git --ref values"),
)
@click.argument("name", shell_complete=applications)
@setting(source_flags())
@validate_option
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def add_source_(access: ClusterAccess, name: str, validated: bool, app_namespace: str, **flags: Any) -> None:
    """Give an application one source more; a single one becomes the first of several."""
    if not flags["repo"]:
        raise click.UsageError("name the repository: --repo URL")

    def edit(spec: Spec) -> None:
        source: Spec = {}
        change(spec, flags, source)
        add_source(spec, source)

    _rewrite(access, name, app_namespace, edit, validated=validated)


@click.command("remove-source", epilog=examples("trueup app remove-source web --source-position 2"))
@click.argument("name", shell_complete=applications)
@position_option
@source_name_option
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def remove_source_(
    access: ClusterAccess, name: str, position: int | None, source_name: str, app_namespace: str
) -> None:
    """Take one of several sources away from an application."""
    if position is None and not source_name:
        raise click.UsageError("say which: --source-position N, from 1, or --source-name NAME")

    def edit(spec: Spec) -> None:
        remove_source(spec, source_at(spec, position, source_name))

    _rewrite(access, name, app_namespace, edit, validated=False)


def _source_meant(spec: Spec, flags: dict[str, Any], position: int | None, source_name: str) -> Spec | None:
    """The source that flags of sources mean; None where no such flag was given."""
    of_source = any(flags.get(flag.name) not in (None, (), False) for flag in source_flags())
    if not of_source and position is None and not source_name:
        return None
    return source_at(spec, position, source_name)


def _rewrite(
    access: ClusterAccess, name: str, app_namespace: str, edit: Callable[[Spec], None], *, validated: bool
) -> None:
    """Change a specification, and refuse what the engine would refuse."""

    def changed(body: dict[str, Any]) -> None:
        edit(body.setdefault("spec", {}))
        well_formed({field: body.get(field) for field in ("metadata", "spec")})

    async def run() -> tuple[bool, str]:
        async with applications_of(access) as apps:
            there = apps.of(name, app_namespace)
            before = await there.view()
            sources, trial = before.app.spec.all_sources(), before.raw
            changed(trial)
            app = well_formed(trial)
            tell_oddities(app)
            if validated:
                await there.look(app)
            done, after = await there.edit(changed, validate=validated), await there.view()
            # Another source is something new to try.
            return done, not_tried_again(after) if after.app.spec.all_sources() == sources else ""

    done, left = asyncio.run(run())
    say(f"application '{name}' {'updated' if done else 'unchanged'}")
    if left:
        say(f"the last sync failed, and is {left}", err=True)
