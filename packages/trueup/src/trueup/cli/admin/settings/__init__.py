"""``trueup admin settings``: look at the settings of an installation before they count."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "rbac": Deferred("trueup.cli.admin.settings.rbac", "rbac", "Who may do what, by a policy that need not be in use."),
    "validate": Deferred("trueup.cli.admin.settings.validate", "validate", "What an engine makes of argocd-cm."),
}
ELSEWHERE = {
    "resource-overrides": "`trueup app diff` shows what ignored differences leave; health scripts are not run.",
}


@click.group(cls=LazyGroup, table=COMMANDS, elsewhere=ELSEWHERE)
def settings() -> None:
    """Look at settings before they count."""
