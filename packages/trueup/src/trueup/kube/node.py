"""What is kept of an object whose body nobody needs."""

import sys
from collections.abc import Callable

import msgspec

from trueup.model.live import LiveObject, Node, Shown

Brief = Callable[[LiveObject], Shown]
"""What a tree shows of an object, by its kind."""


def node_of(found: LiveObject, brief: Brief) -> Node:
    """An object without its body. Names that thousands share are kept once."""
    key = found.key
    shared = msgspec.structs.replace(
        key, group=sys.intern(key.group), kind=sys.intern(key.kind), namespace=sys.intern(key.namespace)
    )
    return Node(
        key=shared,
        api_version=sys.intern(found.api_version),
        uid=found.uid,
        resource_version=found.resource_version,
        creation_timestamp=found.creation_timestamp,
        deletion_timestamp=found.deletion_timestamp,
        owners=found.owners,
        shown=brief(found),
    )
