"""Which server a command means: options, the environment, or the context of Argo CD's configuration file."""

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from trueup.cli.servers.known import KnownServer, config_path
from trueup.model.errors import TrueupError

if TYPE_CHECKING:
    from trueup.cli.servers.config import ServersConfig

NAMED = ("ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN")
"""Variables that say that a server is meant."""
_MOST_TRIES = 20


class ServerAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say."""

    server: str = ""
    token: str = ""
    config: str = ""
    context: str = ""
    root: str = ""
    plain: bool = False
    insecure: bool = False
    authority: str = ""
    certificate: str = ""
    key: str = ""
    headers: tuple[str, ...] = ()
    tries: int = 1

    def file(self) -> "ServersConfig":
        """The configuration file."""
        # What reads YAML is loaded where there is some.
        from trueup.cli.servers.config import ServersConfig

        return ServersConfig(config_path(self.config))

    def known(self) -> KnownServer:
        """The server, and the token for it.

        Raises:
            TrueupError: nobody has named one.
        """
        found = self.file().server(self.context)
        if found is None and self.context:
            raise TrueupError(f"Context '{self.context}' undefined", hint="`trueup context` lists those that are")
        if self.server:
            address, root = split_address(self.server)
            same = found if found is not None and found.address == address else KnownServer(address=address)
            found = msgspec.structs.replace(same, root=root or same.root)
        if found is None:
            raise TrueupError(
                "Argo CD server address unspecified", hint="`trueup login HOST` signs in; --server names one"
            )
        return self.over(found)

    def over(self, found: KnownServer) -> KnownServer:
        """A server as the options say that it is spoken to."""
        return msgspec.structs.replace(
            found,
            token=self.token or found.token,
            root=self.root.strip("/") or found.root,
            plain=self.plain or found.plain,
            insecure=self.insecure or found.insecure,
            authority=_file(self.authority, "--server-crt") or found.authority,
            certificate=_file(self.certificate, "--client-crt") or found.certificate,
            key=_file(self.key, "--client-crt-key") or found.key,
            headers=tuple(map(_header, self.headers)),
            tries=self.tries,
        )

    def chosen(self) -> KnownServer | None:
        """The server that is named, or that somebody has signed in to; None where there is neither: Kubernetes then.

        Raises:
            TrueupError: the one that is named is not known, or the file cannot be read.
        """
        if self.server or self.context:
            found = self.known()
        elif not config_path(self.config).exists() or self.file().server() is None:
            return None
        else:
            found = self.known()
        return None if found.core else found


def split_address(text: str) -> tuple[str, str]:
    """``host:port`` and the path of an address, which may have a scheme."""
    address, _, root = text.removeprefix("https://").removeprefix("http://").partition("/")
    return address, root.strip("/")


def always() -> dict[str, Any]:
    """What ``ARGOCD_OPTS`` says: options that every command has, by their names.

    Raises:
        click.UsageError: it cannot be read, or says what none of them is.
    """
    text = os.environ.get("ARGOCD_OPTS", "")
    if not text.strip():
        return {}
    reader = click.Command(
        "ARGOCD_OPTS", params=[*_parameters(), click.Option(["--core"], is_flag=True)], add_help_option=False
    )
    try:
        said = reader.make_context("ARGOCD_OPTS", shlex.split(text)).params
    except (click.UsageError, ValueError) as error:
        why = error.format_message() if isinstance(error, click.UsageError) else str(error)
        raise click.UsageError(f"ARGOCD_OPTS: {why} It holds options such as --grpc-web --insecure.") from error
    return {name: value for name, value in said.items() if value}


def taken(flags: dict[str, Any]) -> ServerAccess:
    """What options say, which are taken out of the flags of a command.

    Raises:
        click.UsageError: one is not built.
    """
    return said_by({str(option.name): flags.pop(str(option.name)) for option in _parameters()})


def said_by(flags: Mapping[str, Any]) -> ServerAccess:
    """What options say among others; ``ARGOCD_OPTS`` where they say nothing.

    Raises:
        click.UsageError: one is not built.
    """
    opts = always()
    names = [str(option.name) for option in _parameters()]
    given = {name: flags.get(name) or opts.get(name) for name in names}
    if given["port_forward"] or given["port_forward_namespace"]:
        raise click.UsageError(
            "--port-forward is not built: `kubectl -n argocd port-forward svc/trueup 8080:443` "
            "and --server localhost:8080 do the same"
        )
    return ServerAccess(
        server=given["server_address"] or os.environ.get("ARGOCD_SERVER", ""),
        token=given["auth_token"] or os.environ.get("ARGOCD_AUTH_TOKEN", ""),
        config=given["config"] or "",
        context=given["argocd_context"] or "",
        root=given["grpc_web_root_path"] or "",
        plain=bool(given["plaintext"]),
        insecure=bool(given["insecure"]),
        authority=given["server_crt"] or "",
        certificate=given["client_crt"] or "",
        key=given["client_crt_key"] or "",
        headers=tuple(given["header"] or ()),
        tries=1 + min(given["http_retry_max"] or 0, _MOST_TRIES),
    )


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, as one :class:`ServerAccess` ``access``."""

    def wrapped(**flags: Any) -> Any:
        return command(access=taken(flags), **flags)

    return with_server_options(wrapped, command)


def with_server_options(wrapped: Callable[..., Any], command: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the name, the text and the options of another, and with those that name a server."""
    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    # Click reads them last to first, as decorators leave them.
    wrapped.__click_params__ = [*reversed(_parameters()), *getattr(command, "__click_params__", [])]  # type: ignore[attr-defined]
    return wrapped


def _parameters() -> list[click.Option]:
    return [
        click.Option(["--server", "server_address"], default="", help="Address of an API server ($ARGOCD_SERVER)."),
        click.Option(["--auth-token"], default="", help="Token to show to it ($ARGOCD_AUTH_TOKEN)."),
        click.Option(
            ["--config"], default="", metavar="FILE", help="Argo CD's configuration file (~/.config/argocd/config)."
        ),
        click.Option(["--argocd-context"], default="", help="Context of that file."),
        click.Option(["--grpc-web-root-path"], default="", help="Path below which the server is."),
        click.Option(["--grpc-web"], is_flag=True, help="Taken, and without effect: commands speak REST."),
        click.Option(["--plaintext"], is_flag=True, help="Speak without TLS."),
        click.Option(["--insecure"], is_flag=True, help="Do not look at the server's certificate."),
        click.Option(["--server-crt"], default="", metavar="FILE", help="Who signs the server's certificate, as PEM."),
        click.Option(["--client-crt"], default="", metavar="FILE", help="Certificate to show to the server, as PEM."),
        click.Option(["--client-crt-key"], default="", metavar="FILE", help="Its key."),
        click.Option(
            ["-H", "--header"], multiple=True, metavar="NAME:VALUE", help="Sent with every request. Repeatable."
        ),
        click.Option(["--http-retry-max"], type=click.IntRange(0), default=0, help="Times that a read is tried again."),
        click.Option(["--port-forward"], is_flag=True, hidden=True, help="Not built."),
        click.Option(["--port-forward-namespace"], default="", hidden=True, help="Not built."),
    ]


def _file(path: str, option: str) -> bytes:
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise TrueupError(f"{option}: {path} cannot be read: {error.strerror}", hint="name a PEM file") from error


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not name.strip().isascii():
        raise click.UsageError(f"--header: {text[:80]!r} is not NAME:VALUE")
    return name.strip(), value.strip()
