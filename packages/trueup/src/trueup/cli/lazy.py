"""Groups whose commands are loaded when they are used: naming a command must not pay for all the others."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from kubegrammar.errors import Explained
from trueup.cli.screen import raw

SANDBOX = "pocketkube"
"""The package that production does without."""


class Deferred(NamedTuple):
    """Where a command is, and the line that its group shows of it."""

    module: str
    attribute: str
    summary: str


class LazyGroup(click.Group):
    """A group that knows its commands by a table alone; help and completion of their names read nothing else.

    Args:
        table: commands by name.
        elsewhere: verbs of Argo CD's command line that are none here, and what does their job.
    """

    def __init__(
        self, *args: Any, table: Mapping[str, Deferred], elsewhere: Mapping[str, str] | None = None, **rest: Any
    ) -> None:
        super().__init__(*args, **rest)
        self.table = table
        self.elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = self.table.get(cmd_name)
        if found is None:
            return None
        try:
            command: click.Command = getattr(importlib.import_module(found.module), found.attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != SANDBOX:
                raise
            raise Explained(
                f"`{ctx.command_path} {cmd_name}` needs the embedded cluster, which is not installed",
                hint="pip install 'trueup[sandbox]'",
            ) from None
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name == HELP and name not in self.table:
            # As every program of Go's cobra has it, and as each group's list does not show.
            return name, help_of(self, ctx), args[1:]
        if name not in self.table and not name.startswith("-"):
            # Loaded for a word that is wrong.
            import difflib

            near = difflib.get_close_matches(name, self.table, n=1)
            way = self.elsewhere.get(name) or (f"Did you mean {near[0]!r}?" if near else "")
            raise click.UsageError(f"No such command {name!r}." + (f" {way}" if way else ""), ctx)
        found, command, rest = super().resolve_command(ctx, args)
        return found, command, switches(command, rest) if command is not None else rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name not in OF_SERVERS or error.ctx is None or not _meets_cluster(error.ctx.command):
                raise
            # Not what is spelt nearly so: a command of Argo CD's that means its server would act on another cluster.
            raise click.UsageError(
                f"{error.option_name} is about an API server, and `{error.ctx.command_path}` asks none: it speaks "
                "straight to Kubernetes. --kubeconfig and --kube-context name the cluster.",
                error.ctx,
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name].summary) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=self.table[name].summary)
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        # Not the group's own way, which loads every command to ask for its help.
        return names + click.Command.shell_complete(self, ctx, incomplete)


HELP = "help"

OF_SERVERS = {
    "--argocd-context",
    "--auth-token",
    "--client-crt",
    "--client-crt-key",
    "--grpc-web",
    "--grpc-web-root-path",
    "--header",
    "--http-retry-max",
    "--insecure",
    "--plaintext",
    "--port-forward",
    "--port-forward-namespace",
    "--server",
    "--server-crt",
}
"""Options of Argo CD's command line that say how its API server is asked."""


def _meets_cluster(command: click.Command) -> bool:
    return any("--kubeconfig" in option.opts for option in command.params)


def help_of(group: click.Group, parent: click.Context) -> click.Command:
    """A command that prints the help of a group, or of the command below it that its arguments name."""

    def tell(path: tuple[str, ...]) -> None:
        command: click.Command = group
        context, left = parent, list(path)
        while left and isinstance(command, click.Group):
            name, found, left = command.resolve_command(context, left)
            assert found is not None
            command, context = found, click.Context(found, parent=context, info_name=name)
        raw(command.get_help(context))

    return click.Command(HELP, params=[click.Argument(["path"], nargs=-1)], callback=tell)


_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def switches(command: click.Command, arguments: list[str]) -> list[str]:
    """Arguments whose switches are spelt as Go's programs take them: ``--prune=false`` is ``--no-prune``, or nothing
    where that is no option."""
    names = {
        name: option
        for option in command.params
        if isinstance(option, click.Option) and option.is_flag
        for name in option.opts
    }
    said: list[str] = []
    for index, argument in enumerate(arguments):
        if argument == "--":
            return said + arguments[index:]
        name, equals, value = argument.partition("=")
        if not equals or name not in names or value.lower() not in _BOOLEANS:
            said.append(argument)
        elif _BOOLEANS[value.lower()]:
            said.append(name)
        else:
            said += names[name].secondary_opts[:1]
    return said
