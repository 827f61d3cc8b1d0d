"""Objects that the kinds of an embedded cluster look up."""

from collections.abc import Iterable
from typing import Any


class Empty:
    """A cluster in which there is nothing."""

    def find(self, stored_as: str, namespace: str, name: str) -> dict[str, Any] | None:
        return None

    def every(self, stored_as: str) -> Iterable[dict[str, Any]]:
        return ()
