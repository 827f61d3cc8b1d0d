"""Who owns whom: the objects with owners, and what shall become of one. No effects here.

The rules are those of pkg/controller/garbagecollector (``attemptToDeleteItem``, ``processDeletingDependentsItem``).
"""

from collections.abc import Callable, Iterable
from enum import Enum

import msgspec

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class OwnerReference(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An entry of ``metadata.ownerReferences``."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    block_owner_deletion: bool | None = None


class GraphNode(msgspec.Struct, frozen=True, rename="camel"):
    """The metadata that counts."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] | None = ()
    owner_references: tuple[OwnerReference, ...] | None = ()

    @property
    def owners(self) -> tuple[OwnerReference, ...]:
        return self.owner_references or ()

    def waits_for(self, finalizer: str) -> bool:
        """Whether it is being deleted and waits for this finalizer."""
        return bool(self.deletion_timestamp) and finalizer in (self.finalizers or ())


class State(Enum):
    """How an owner is seen from what it owns."""

    SOLID = "is there"
    WAITING = "is being deleted and waits for its dependents"
    DANGLING = "is gone"
    UNKNOWN = "cannot be told"


class Verdict(Enum):
    """What becomes of an object by its owners."""

    KEEP = "stays"
    UNTIE = "stays, without the owners that are gone or going"
    DELETE = "goes"
    DELETE_FOREGROUND = "goes after its own dependents"


class _Metadata(msgspec.Struct, gc=False):
    metadata: GraphNode = msgspec.field(default_factory=GraphNode)


_DECODER = msgspec.json.Decoder(_Metadata)


def read_node(body: bytes) -> GraphNode:
    """The metadata of a stored object."""
    return _DECODER.decode(body).metadata


def judge(
    node: GraphNode, state_of: Callable[[OwnerReference], State], *, has_dependents: bool
) -> tuple[Verdict, set[str]]:
    """What becomes of an object, and the uids of the owners that it no longer has.

    Args:
        state_of: tells about an owner.
        has_dependents: whether it owns something itself.
    """
    states = {reference.uid: state_of(reference) for reference in node.owners}
    if not states or State.UNKNOWN in states.values():
        return Verdict.KEEP, set()
    gone = {uid for uid, state in states.items() if state is not State.SOLID}
    if len(gone) < len(states):
        return (Verdict.UNTIE if gone else Verdict.KEEP), gone
    if State.WAITING in states.values() and has_dependents:
        return Verdict.DELETE_FOREGROUND, set()
    return Verdict.DELETE, set()


class Graph:
    """The objects that have owners, by uid."""

    def __init__(self) -> None:
        self._nodes: dict[str, tuple[str, GraphNode]] = {}
        self._dependents: dict[str, set[str]] = {}

    def put(self, stored_as: str, node: GraphNode) -> bool:
        """Takes an object as it is now; whether its owners changed."""
        before = self._nodes.get(node.uid)
        old = before[1].owners if before else ()
        if old != node.owners:
            self._untie(node.uid, old)
            for reference in node.owners:
                self._dependents.setdefault(reference.uid, set()).add(node.uid)
        if node.owners:
            self._nodes[node.uid] = (stored_as, node)
        else:
            self._nodes.pop(node.uid, None)
        return old != node.owners

    def drop(self, uid: str) -> GraphNode | None:
        """Forgets an object that is gone."""
        found = self._nodes.pop(uid, None)
        if found is None:
            return None
        self._untie(uid, found[1].owners)
        return found[1]

    def get(self, uid: str) -> tuple[str, GraphNode] | None:
        """The store and the metadata of an object that has owners."""
        return self._nodes.get(uid)

    def dependents(self, uid: str) -> list[str]:
        """The uids of what an object owns."""
        return list(self._dependents.get(uid, ()))

    def blocking(self, uid: str) -> list[str]:
        """The uids of what must go before its owner does."""
        return [
            one
            for one in self._dependents.get(uid, ())
            if any(reference.uid == uid and reference.block_owner_deletion for reference in self._nodes[one][1].owners)
        ]

    def _untie(self, uid: str, owners: Iterable[OwnerReference]) -> None:
        for reference in owners:
            known = self._dependents.get(reference.uid)
            if known is not None:
                known.discard(uid)
                if not known:
                    del self._dependents[reference.uid]
