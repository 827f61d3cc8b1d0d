"""``trueup repo`` and ``trueup repocreds``: credentials of repositories, as Argo CD's Secrets keep them."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

COMMANDS = {
    "add": Deferred("trueup.cli.repo.add", "add", "Make a repository known, with its credentials."),
    "get": Deferred("trueup.cli.repo.read", "get", "Show one repository, and whether it can be read."),
    "list": Deferred("trueup.cli.repo.read", "list_", "List the repositories that have credentials."),
    "rm": Deferred("trueup.cli.repo.remove", "remove", "Forget a repository's credentials."),
}
TEMPLATES = {
    "add": Deferred("trueup.cli.repo.add", "add_template", "Keep credentials for all repositories below a URL."),
    "list": Deferred("trueup.cli.repo.read", "list_templates", "List the URLs that have credentials."),
    "rm": Deferred("trueup.cli.repo.remove", "remove_template", "Forget the credentials of a URL."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def repo() -> None:
    """Repositories and their credentials: Argo CD's Secrets, in the control namespace."""


@click.group(cls=LazyGroup, table=TEMPLATES)
def repocreds() -> None:
    """Credentials of all repositories below a URL: Argo CD's Secrets, in the control namespace."""
