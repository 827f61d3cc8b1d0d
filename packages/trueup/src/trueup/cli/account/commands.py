"""``trueup account can-i|list|get|…``."""

import time
from typing import Any

import click
import msgspec

from trueup.cli.asking import ask_secret
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import raw, say
from trueup.cli.servers.client import ServerClient, escaped
from trueup.cli.servers.options import ServerAccess, server_options
from trueup.cli.servers.shape import rows, word, words
from trueup.cli.servers.tokens import require_token

_PATH = "/api/v1/account"


@click.command(
    "can-i", epilog=examples("trueup account can-i sync applications 'shop/*'", "trueup account can-i get clusters x")
)
@click.argument("action")
@click.argument("resource")
@click.argument("subresource")
@server_options
def can_i(access: ServerAccess, action: str, resource: str, subresource: str) -> None:
    """Whether I may do something to an object: yes or no."""
    path = f"{_PATH}/can-i/{escaped(resource)}/{escaped(action)}/{escaped(subresource)}"
    say(str(ServerClient(access.known()).get(path).get("value", "no")))


@click.command("list", epilog=examples("trueup account list", "trueup account list -o name"))
@output_option("wide", "name", "json", "yaml")
@server_options
def list_(access: ServerAccess, output: str) -> None:
    """List the accounts that I may see."""
    items = rows(ServerClient(access.known()).get(_PATH), "items")
    if output == "name":
        for item in items:
            say(word(item, "name"))
    elif output == "wide":
        lines = [(word(each, "name"), _truth(each), ", ".join(words(each, "capabilities"))) for each in items]
        table(("NAME", "ENABLED", "CAPABILITIES"), lines)
    else:
        show(items, output)


@click.command(epilog=examples("trueup account get", "trueup account get --account ci"))
@click.option("-a", "--account", "name", default="", help="Account; my own by default.")
@output_option("wide", "json", "yaml")
@server_options
def get(access: ServerAccess, name: str, output: str) -> None:
    """Show one account, and its tokens."""
    client = ServerClient(access.known())
    found = client.get(f"{_PATH}/{escaped(name or _me(client))}")
    if output != "wide":
        show(found, output)
        return
    for head, value in (
        ("Name:", word(found, "name")),
        ("Enabled:", _truth(found)),
        ("Capabilities:", ", ".join(words(found, "capabilities"))),
    ):
        say(f"{head:<20}{value}")
    say()
    say("Tokens:")
    tokens = rows(found, "tokens")
    if not tokens:
        say("NONE")
        return
    lines = [(word(each, "id"), _moment(each.get("issuedAt")), _moment(each.get("expiresAt"))) for each in tokens]
    table(("ID", "ISSUED AT", "EXPIRING AT"), lines)


@click.command("get-user-info", epilog=examples("trueup account get-user-info"))
@output_option("wide", "json", "yaml")
@server_options
def user_info(access: ServerAccess, output: str) -> None:
    """Say who I am."""
    found = ServerClient(access.known()).get("/api/v1/session/userinfo")
    if output != "wide":
        show(found, output)
        return
    say(f"Logged In: {'true' if found.get('loggedIn') else 'false'}")
    if found.get("loggedIn"):
        say(f"Username: {found.get('username', '')}")
        say(f"Issuer: {found.get('iss', '')}")
        say(f"Groups: {','.join(words(found, 'groups'))}")


@click.command("session-token", epilog=examples("trueup account session-token"))
@server_options
def session_token(access: ServerAccess) -> None:
    """Print the token of the session."""
    raw(access.known().token)


@click.command(
    "generate-token",
    epilog=examples("trueup account generate-token --account ci", "trueup account generate-token -a ci -e 720h"),
)
@click.option("-a", "--account", "name", default="", help="Account; my own by default.")
@click.option("-e", "--expires-in", type=DURATION, default="0s", show_default=True, help="0s for never.")
@click.option("--id", "id_", default="", help="Id of the token; one is made without.")
@server_options
def generate_token(access: ServerAccess, name: str, expires_in: float, id_: str) -> None:
    """Make a token for an account, and print it: nobody can see it again."""
    known = access.known()
    client = ServerClient(known)
    body: dict[str, Any] = {"id": id_, "expiresIn": int(expires_in)}
    made = client.ask("POST", f"{_PATH}/{escaped(name or _me(client))}/token", body)
    raw(require_token(made.get("token"), known.address))


@click.command("delete-token", epilog=examples("trueup account delete-token --account ci build"))
@click.argument("id_", metavar="ID")
@click.option("-a", "--account", "name", default="", help="Account; my own by default.")
@server_options
def delete_token(access: ServerAccess, name: str, id_: str) -> None:
    """Delete a token of an account: it is no good any more."""
    client = ServerClient(access.known())
    client.ask("DELETE", f"{_PATH}/{escaped(name or _me(client))}/token/{escaped(id_)}")


@click.command(
    "update-password", epilog=examples("trueup account update-password", "trueup account update-password --account ci")
)
@click.option("--account", "name", default="", help="Account; my own by default.")
@click.option("--current-password", default="", help="Password of who is signed in; asked for without.")
@click.option("--new-password", default="", help="The new one; asked for without.")
@server_options
def update_password(access: ServerAccess, name: str, current_password: str, new_password: str) -> None:
    """Change a password; my own session goes on with the new one."""
    known = access.known()
    client = ServerClient(known)
    me = _me(client)
    current = current_password or ask_secret(
        f"*** Enter password of currently logged in user ({me})", "--current-password"
    )
    new = new_password or ask_secret(f"*** Enter new password for user {name or me}", "--new-password", repeated=True)
    client.ask("PUT", f"{_PATH}/password", {"name": name, "currentPassword": current, "newPassword": new})
    say("Password updated")
    if name in ("", me) and known.context and not access.token:
        body = {"username": me, "password": new}
        session = ServerClient(msgspec.structs.replace(known, token="")).ask("POST", "/api/v1/session", body)
        token = require_token(session.get("token"), known.address)
        access.file().keep(known.context, msgspec.structs.replace(known, token=token))
        say(f"Context '{known.context}' updated")


def _me(client: ServerClient) -> str:
    return str(client.get("/api/v1/session/userinfo").get("username", ""))


def _truth(account: dict[str, Any]) -> str:
    return "true" if account.get("enabled") else "false"


def _moment(seconds: Any) -> str:
    if not seconds:
        return "never"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds)))
    except (TypeError, ValueError, OverflowError, OSError):
        return "unknown"
