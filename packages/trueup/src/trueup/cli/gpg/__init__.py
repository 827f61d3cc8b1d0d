"""``trueup gpg``: the public keys that commits may be signed with, as Argo CD's ConfigMap keeps them."""

import click

from trueup.cli.lazy import Deferred, LazyGroup

_KEYS = "trueup.cli.gpg.keys"
COMMANDS = {
    "add": Deferred(_KEYS, "add", "Make public keys known."),
    "get": Deferred(_KEYS, "get", "Show one key."),
    "list": Deferred(_KEYS, "list_", "List the keys that are known."),
    "rm": Deferred(_KEYS, "remove", "Forget a key."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def gpg() -> None:
    """OpenPGP keys that commits may be signed with: the ConfigMap argocd-gpg-keys-cm."""
