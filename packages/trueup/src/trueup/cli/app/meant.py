"""Some objects of an application. Pure."""

from typing import NamedTuple

from trueup.model.errors import TrueupError
from trueup.model.resource import ResourceKey


class ObjectsMeant(NamedTuple):
    """Some objects of an application; what is empty is any.

    Attributes:
        group: None is any; empty is the core group.
    """

    group: str | None = None
    kind: str = ""
    namespace: str = ""
    name: str = ""

    def takes(self, key: ResourceKey) -> bool:
        """Whether an object is meant."""
        return (
            self.group in (None, key.group)
            and self.kind.lower() in ("", key.kind.lower())
            and self.namespace in ("", key.namespace)
            and self.name in ("", key.name)
        )


def require(found: list[ResourceKey], app: str) -> list[ResourceKey]:
    """The objects that are meant.

    Raises:
        TrueupError: there is none.
    """
    if not found:
        raise TrueupError(
            f"No matching resource found in application '{app}'", hint=f"`trueup app resources {app}` lists them"
        )
    return found
