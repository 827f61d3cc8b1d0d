"""Where what an operation deploys came from, as its record says: from Git, or from a person's machine."""

from trueup.model.application import Operation

NOTE = "trueup.dev/local-manifests"
"""In the ``info`` of an operation that brought its manifests along: how many there were, and their digest. They
themselves leave the record with its end: Secrets may be among them."""


def is_local(operation: Operation) -> bool:
    """Whether an operation brings its manifests along, or did."""
    return bool(operation.sync and operation.sync.manifests) or any(note.name == NOTE for note in operation.info)


def local_origin(operation: Operation) -> str:
    """Where the manifests of a local sync came from, for people; empty for any other."""
    if not is_local(operation):
        return ""
    note = next((note.value for note in operation.info if note.name == NOTE), "manifests")
    return f"{note}, from a person's machine, not from Git"
