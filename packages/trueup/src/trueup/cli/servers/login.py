"""``trueup login|relogin|logout|context``: who one is at an API server, in Argo CD's configuration file."""

import click
import msgspec

from trueup.cli.asking import ask, ask_secret, confirm
from trueup.cli.examples import examples
from trueup.cli.output import table
from trueup.cli.screen import say
from trueup.cli.servers.client import ServerClient, ServerRefused, UnknownCertificate
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.options import ServerAccess, server_options, split_address
from trueup.cli.servers.tokens import claims, require_token
from trueup.model.errors import TrueupError

_UNAUTHORIZED = 401
CORE = "kubernetes"
"""Name of the context that is no server, as Argo CD has it."""


def _password_options(command: click.decorators.FC) -> click.decorators.FC:
    password = click.option("--password", default="", help="Password of the account; asked for without.")
    return password(command)


@click.command(
    epilog=examples(
        "trueup login argocd.example.com --username admin",
        "trueup login localhost:8080 --insecure --username admin --password secret",
        "trueup login argocd.example.com --sso",
        "trueup login --core",
    )
)
@click.argument("address", metavar="[SERVER]", default="")
@click.option("--username", default="", help="Local account to sign in as; asked for without.")
@_password_options
@click.option("--name", default="", help="Name of the context; that of the server by default.")
@click.option("--sso", is_flag=True, help="Sign in by the server's identity provider, with a browser.")
@click.option(
    "--sso-port", type=click.IntRange(0, 65535), default=8085, show_default=True, help="Port of this machine."
)
@click.option(
    "--sso-launch-browser/--no-sso-launch-browser",
    default=True,
    help="Open a browser (default), or print the URL alone.",
)
@click.option("--core", is_flag=True, help="No server: commands speak straight to Kubernetes from then on.")
@click.option("--skip-test-tls", is_flag=True, help="Taken, and without effect.")
@server_options
def login(
    access: ServerAccess,
    address: str,
    username: str,
    password: str,
    name: str,
    sso: bool,
    sso_port: int,
    sso_launch_browser: bool,
    core: bool,
    skip_test_tls: bool,
) -> None:
    """Sign in to an API server, and remember the session."""
    if core:
        access.file().keep(name or CORE, KnownServer(address=CORE, core=True))
        say(f"Context '{name or CORE}' updated")
        return
    place, root = split_address(address or access.server)
    if not place:
        raise click.UsageError("name the server: trueup login argocd.example.com")
    server = _trusted(access.over(KnownServer(address=place, root=root)))
    if sso:
        from trueup.cli.servers.sso import sign_in

        given = sign_in(server, port=sso_port, launches=sso_launch_browser)
        say("Authentication successful")
        server = msgspec.structs.replace(server, token=given.id_token, refresh_token=given.refresh_token)
        account = str(ServerClient(server).get("/api/v1/session/userinfo").get("username", ""))
        if not account:
            raise TrueupError(f"{place} does not take the provider's token", hint="its log says why")
    else:
        server = msgspec.structs.replace(server, token=_session(server, username, password))
        account = _subject(server.token)
    context = name or (f"{place}/{server.root}" if server.root else place)
    access.file().keep(context, server)
    say(f"'{account}' logged in successfully")
    say(f"Context '{context}' updated")


@click.command(epilog=examples("trueup relogin", "trueup relogin --password secret"))
@_password_options
@server_options
def relogin(access: ServerAccess, password: str) -> None:
    """Sign in again where the session of the context has ended."""
    file = access.file()
    known = file.server(access.context)
    if known is None or known.core:
        raise TrueupError("No context found. Login using `trueup login`", hint="`trueup login HOST` makes one")
    account = _subject(known.token).partition(":")[0] if known.token else ""
    say(f"Relogging in as '{account}'" if account else "Relogging in")
    token = _session(access.over(known), account, password)
    file.keep(known.context, msgspec.structs.replace(known, token=token))
    say(f"Context '{known.context}' updated")


@click.command(epilog=examples("trueup logout argocd.example.com"))
@click.argument("context")
@server_options
def logout(access: ServerAccess, context: str) -> None:
    """End the session of a context, here and on the server."""
    file = access.file()
    known = file.server(context)
    if known is None:
        raise TrueupError(f"Context '{context}' undefined", hint="`trueup context` lists those that are")
    if known.token and not known.core:
        try:
            ServerClient(access.over(known)).ask("DELETE", "/api/v1/session")
        except TrueupError as error:
            say(f"the session may still be good on the server: {error.message}", err=True)
    file.forget_token(context)
    say(f"Logged out from '{context}'")


@click.command(epilog=examples("trueup context", "trueup context argocd.example.com", "trueup context old --delete"))
@click.argument("name", metavar="[CONTEXT]", default="")
@click.option("--delete", is_flag=True, help="Forget the context.")
@server_options
def context(access: ServerAccess, name: str, delete: bool) -> None:
    """List the contexts of API servers, or change to one."""
    file = access.file()
    if delete:
        if not name or not file.remove(name):
            raise TrueupError(f"Context {name or ''} does not exist", hint="`trueup context` lists those that do")
        say(f"Context '{name}' deleted")
    elif name:
        if not file.use(name):
            raise TrueupError(f"Context '{name}' undefined", hint="`trueup context` lists those that are")
        say(f"Switched to context '{name}'")
    else:
        rows = [("*" if current else "", each, server) for each, server, current in file.contexts()]
        table(("CURRENT", "NAME", "SERVER"), rows)


def _trusted(server: KnownServer) -> KnownServer:
    """The server, as its certificate is taken; who has it asked says so himself."""
    try:
        ServerClient(server).get("/api/version")
    except UnknownCertificate as error:
        confirm(f"WARNING: {error.message}. Proceed insecurely?", error.message, error.hint)
        return msgspec.structs.replace(server, insecure=True)
    except ServerRefused:
        pass
    return server


def _session(server: KnownServer, username: str, password: str) -> str:
    username = username or ask("Username", "--username")
    password = password or ask_secret("Password", "--password")
    try:
        answer = ServerClient(msgspec.structs.replace(server, token="")).ask(
            "POST", "/api/v1/session", {"username": username, "password": password}
        )
    except ServerRefused as error:
        if error.status != _UNAUTHORIZED:
            raise
        raise TrueupError(error.said, hint="are the name of the account and its password right?") from error
    return require_token(answer.get("token"), server.address)


def _subject(token: str) -> str:
    return str(claims(token).get("sub", ""))
