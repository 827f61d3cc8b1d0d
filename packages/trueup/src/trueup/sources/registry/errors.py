"""How registries refuse."""

from trueup.model.errors import Stalled


class NoSuchImage(Stalled):
    """The registry has no such repository, tag or blob (or does not tell strangers)."""

    reason = "NoSuchImage"


class AccessRefused(Stalled):
    """The registry does not accept what it was shown, or asks for what may not be shown."""

    reason = "RegistryAccessRefused"


class TokenServerRefused(AccessRefused):
    """The registry's token server is not one that may be shown its password."""
