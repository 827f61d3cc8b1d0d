"""``trueup completion``."""

import click
from click.shell_completion import get_completion_class

from trueup.cli.examples import examples
from trueup.cli.root import COMPLETING
from trueup.cli.screen import raw

PROGRAM = "trueup"


@click.command(epilog=examples("trueup completion bash"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  source <(trueup completion bash)
    zsh:   source <(trueup completion zsh)
    fish:  trueup completion fish | source
    """
    known = get_completion_class(shell)
    assert known is not None, shell
    script = known(ctx.find_root().command, {}, PROGRAM, COMPLETING)
    # Not script.source(): that first runs the shell to check its version, and the script may be for another machine.
    raw(script.source_template % script.source_vars())
