"""What the cluster said when it was asked what an apply would do."""

from typing import Any

import msgspec


class DryRunAnswer(msgspec.Struct, frozen=True, gc=False):
    """What a server-side dry run of an apply returned, or why it returned nothing.

    Attributes:
        body: JSON of the object as it would be stored; of a certain refusal, as it would be were it not refused.
        refused: the server's reason.
        certain: the refusal follows from the two objects (400 and 422: an immutable field, a bad value), so a sync
            would meet it as well. Else it may be a permission or a webhook that refuses dry runs, and nothing is known.
    """

    body: bytes = b""
    refused: str = ""
    certain: bool = False

    def object(self) -> dict[str, Any]:
        """A fresh copy of the object as it would be stored. Only where nothing was refused."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded
