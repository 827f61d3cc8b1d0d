"""An API server that a command may ask, and where Argo CD's configuration file lies."""

import os
from pathlib import Path

import msgspec

from trueup.cli.home import home


class KnownServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and the token that is shown to it.

    Attributes:
        address: ``host:port``.
        root: the path below which it is; empty for none.
        plain: without TLS.
        insecure: its certificate is not looked at.
        authority: PEM of who signs its certificate; empty means the system's.
        certificate, key: PEM of what the client shows of itself.
        headers: sent with every request.
        tries: how often a question that changes nothing is asked.
        core: no server: Kubernetes itself, as ``argocd login --core`` writes it.
    """

    address: str
    root: str = ""
    plain: bool = False
    insecure: bool = False
    token: str = ""
    refresh_token: str = ""
    context: str = ""
    authority: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    tries: int = 1
    core: bool = False

    @property
    def page(self) -> str:
        """Where a browser finds it, without a slash at its end."""
        return f"{'http' if self.plain else 'https'}://{self.address}" + (f"/{self.root}" if self.root else "")

    def __repr__(self) -> str:
        return f"KnownServer({self.address!r})"


def config_path(given: str = "") -> Path:
    """Where the file is: ``--config``, ``ARGOCD_CONFIG_DIR``, an old ``~/.argocd``, the XDG folder."""
    if given:
        return Path(given)
    if named := os.environ.get("ARGOCD_CONFIG_DIR", ""):
        return Path(named) / "config"
    old = home() / ".argocd" / "config"
    if old.exists():
        return old
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else home() / ".config") / "argocd" / "config"
