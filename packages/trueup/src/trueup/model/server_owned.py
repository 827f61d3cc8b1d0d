"""What of an object is the API server's to say, and what it makes of a Secret."""

import base64
from typing import Any

METADATA = (
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "uid",
    "selfLink",
)
"""Of ``metadata``: never Git's to set, for an apply with them fails or means something else (cluster-truths 1)."""
MOVING = ("managedFields", "resourceVersion", "generation")
"""Of these, what another write changes though it changes nothing else."""


def fold_string_data(secret: dict[str, Any]) -> None:
    """Moves the texts of a Secret to where the server stores them (cluster-truths 5); what is no text stays there, for
    the server to refuse."""
    texts = secret.get("stringData")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        return
    del secret["stringData"]
    data = secret.get("data")
    encoded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    secret["data"] = {**(data if isinstance(data, dict) else {}), **encoded}
