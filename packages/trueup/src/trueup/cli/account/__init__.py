"""``trueup account``: accounts of an API server."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

_COMMANDS = "trueup.cli.account.commands"
COMMANDS = {
    "bcrypt": Deferred("trueup.cli.account.hashing", "bcrypt_", "Print the hash of a password."),
    "can-i": Deferred(_COMMANDS, "can_i", "Whether I may do something."),
    "delete-token": Deferred(_COMMANDS, "delete_token", "Delete a token of an account."),
    "generate-token": Deferred(_COMMANDS, "generate_token", "Make a token for an account."),
    "get": Deferred(_COMMANDS, "get", "Show one account."),
    "get-user-info": Deferred(_COMMANDS, "user_info", "Say who I am."),
    "list": Deferred(_COMMANDS, "list_", "List accounts."),
    "session-token": Deferred(_COMMANDS, "session_token", "Print the token of the session."),
    "update-password": Deferred(_COMMANDS, "update_password", "Change a password."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def account() -> None:
    """Accounts of an API server: `trueup login` signs in to one."""
