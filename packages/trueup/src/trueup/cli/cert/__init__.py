"""``trueup cert``: certificates and host keys that repositories are trusted by, as Argo CD's ConfigMaps keep them."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

_CERTIFICATES = "trueup.cli.cert.certificates"
COMMANDS = {
    "add-ssh": Deferred(_CERTIFICATES, "add_ssh", "Trust keys of SSH hosts."),
    "add-tls": Deferred(_CERTIFICATES, "add_tls", "Trust a certificate of a server."),
    "list": Deferred(_CERTIFICATES, "list_", "List what is trusted."),
    "rm": Deferred(_CERTIFICATES, "remove", "Trust a server no more."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def cert() -> None:
    """Servers of repositories that are trusted: the ConfigMaps argocd-tls-certs-cm and argocd-ssh-known-hosts-cm."""
