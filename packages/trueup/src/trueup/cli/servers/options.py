"""Which server a command means: ``--server``, the environment, or the context of Argo CD's configuration file."""

import os
from collections.abc import Callable
from typing import Any

import click
import msgspec

from trueup.cli.servers.config import KnownServer, ServersConfig, config_path
from trueup.model.errors import TrueupError


class ServerAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say."""

    server: str = ""
    token: str = ""
    config: str = ""
    context: str = ""
    root: str = ""
    plain: bool = False
    insecure: bool = False

    def file(self) -> ServersConfig:
        """The configuration file."""
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
        return msgspec.structs.replace(
            found,
            token=self.token or found.token,
            root=self.root.strip("/") or found.root,
            plain=self.plain or found.plain,
            insecure=self.insecure or found.insecure,
        )


def split_address(text: str) -> tuple[str, str]:
    """``host:port`` and the path of an address, which may have a scheme."""
    address, _, root = text.removeprefix("https://").removeprefix("http://").partition("/")
    return address, root.strip("/")


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, as one :class:`ServerAccess` ``server``."""

    @click.option(
        "--server",
        default=lambda: os.environ.get("ARGOCD_SERVER", ""),
        help="Address of an API server ($ARGOCD_SERVER).",
    )
    @click.option(
        "--auth-token",
        default=lambda: os.environ.get("ARGOCD_AUTH_TOKEN", ""),
        help="Token to show to it ($ARGOCD_AUTH_TOKEN).",
    )
    @click.option(
        "--config", default="", metavar="FILE", help="Argo CD's configuration file (~/.config/argocd/config)."
    )
    @click.option("--argocd-context", default="", help="Context of that file.")
    @click.option("--grpc-web-root-path", default="", help="Path below which the server is.")
    @click.option("--grpc-web", is_flag=True, help="Taken, and without effect: commands speak REST.")
    @click.option("--plaintext", is_flag=True, help="Speak without TLS.")
    @click.option("--insecure", is_flag=True, help="Do not look at the server's certificate.")
    def wrapped(
        server: str,
        auth_token: str,
        config: str,
        argocd_context: str,
        grpc_web_root_path: str,
        grpc_web: bool,
        plaintext: bool,
        insecure: bool,
        **rest: Any,
    ) -> Any:
        access = ServerAccess(
            server=server,
            token=auth_token,
            config=config,
            context=argocd_context,
            root=grpc_web_root_path,
            plain=plaintext,
            insecure=insecure,
        )
        return command(access=access, **rest)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", []) + wrapped.__click_params__  # type: ignore[attr-defined]
    return wrapped
