"""What an operation says of who asked for it, beside what is known."""

import msgspec

from trueup.model.application import NameValue, Operation, OperationInitiator

CLAIM_NOTE = "trueup.dev/written-by"
"""In the ``info`` of an operation that somebody else than this engine has asked for: the field manager that the API
server has on record as its writer. What the operation says itself (``initiatedBy``) is a claim."""


def foreign(operation: Operation, manager: str) -> Operation:
    """An operation that was found on an Application, with a note of who wrote it. One it had already is a forgery."""
    kept = [note for note in operation.info if note.name != CLAIM_NOTE]
    return msgspec.structs.replace(operation, info=[*kept, NameValue(name=CLAIM_NOTE, value=manager or "unknown")])


def writer_of(operation: Operation) -> str:
    """Who wrote an operation; empty for one that the engine has begun by itself."""
    return next((note.value for note in operation.info if note.name == CLAIM_NOTE), "")


def initiator(operation: Operation) -> OperationInitiator:
    """Who asked for an operation, as it is told: that this engine did is said of what it has begun by itself alone."""
    by = operation.initiated_by
    if by.automated and writer_of(operation):
        return OperationInitiator(username=by.username or "automated")
    return by
