"""``trueup account bcrypt``."""

import click

from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.model.errors import TrueupError

_COST = 10
_LONGEST = 72


@click.command("bcrypt", epilog=examples("trueup account bcrypt --password secret"))
@click.option("--password", default="", help="The password; asked for without.")
def bcrypt_(password: str) -> None:
    """Print the hash of a password, as argocd-secret has it."""
    import bcrypt

    text = (password or click.prompt("Password", hide_input=True)).encode()
    if len(text) > _LONGEST:
        raise TrueupError(f"a password has {_LONGEST} bytes at most", hint="choose a shorter one")
    say(bcrypt.hashpw(text, bcrypt.gensalt(_COST, b"2a")).decode())
