"""One record for each thing that was done or seen."""

from enum import StrEnum

import msgspec

from trueup.model.changed import LastChange

ROLLBACK_TRAILER = "Trueup-Rollback"
"""In the message of a commit that takes a deployment back: ``namespace/name BAD..GOOD``."""


class Action(StrEnum):
    """What happened."""

    COMMIT = "seen-commit"
    STARTED = "sync-started"
    FINISHED = "sync-finished"
    APPLIED = "applied"
    PRUNED = "pruned"
    HOOK = "hook"
    DRIFTED = "drifted"
    HEALED = "healed"
    HEALTH = "health"
    IMAGE = "image-update"
    ROLLBACK = "rollback"
    DELETED = "deleted"
    ERROR = "error"
    REQUEST = "request"


class Why(StrEnum):
    """What set it off."""

    POLL = "poll"
    PUSH = "push"
    MANUAL = "manual"
    LOCAL = "local"
    AUTOMATED = "automated"
    SELF_HEAL = "self-heal"
    IMAGE_UPDATE = "image-update"
    ROLLBACK = "rollback"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who did it: what was said of that, beside what is proved.

    Attributes:
        name: a claim: anybody may write any name into a commit or an operation, and a client names its field manager
            itself.
        kind: ``author`` of a commit, ``user`` who asked for an operation, ``manager`` of fields on the cluster, or
            ``engine``, this one itself, or ``caller`` who has signed in to the API server. Empty in old entries.
        signer: the key that the commit's signature names; empty for none.
        verified: the signature is of this very commit, and was made with that key. Whose key it is, is not known here.
        manager: of an operation: the field manager that the API server has on record as its writer.
    """

    name: str = ""
    kind: str = ""
    signer: str = ""
    verified: bool = False
    manager: str = ""

    @property
    def standing(self) -> str:
        """What a reader must know of the name beside it; empty where there is nothing to doubt."""
        match self.kind:
            case "author" if self.verified:
                return f"signed by {self.signer}"
            case "author":
                return f"signature by {self.signer} not verified" if self.signer else "unsigned"
            case "user":
                return f"claimed, written by {self.manager}" if self.manager else "claimed"
            case "manager":
                return "claimed" if self.name else ""
            case _:
                return ""


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field, as people read it; values of Secrets are masked before they come here."""

    path: str
    before: str = ""
    after: str = ""


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record.

    Attributes:
        id: given by the trail; they grow.
        at: RFC 3339 with microseconds, UTC.
        application: ``namespace/name``.
        project: which the application was in then: rights to read the entry are those to that project. Empty where
            nobody knows, as in old entries.
        object: ``group/Kind/namespace/name``.
        committed_at: when the revision was committed, RFC 3339.
        operation: which sync it belongs to.
        links: ids of the entries that this one answers.
        changed: of a commit that was seen: the last one up to it that touched what the application is made of.
    """

    id: int = 0
    at: str
    action: Action
    application: str = ""
    project: str = ""
    object: str = ""
    why: Why | None = None
    by: Actor = Actor()
    changes: tuple[FieldChange, ...] = ()
    repository: str = ""
    from_revision: str = ""
    revision: str = ""
    committed_at: str = ""
    result: str = ""
    message: str = ""
    operation: str = ""
    links: tuple[int, ...] = ()
    changed: LastChange | None = None
