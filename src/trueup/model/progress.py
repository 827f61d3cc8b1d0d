"""What happened while work ran, as a stream of small values."""

import msgspec

from trueup.model.resource import ResourceKey


class Applied(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An object was created or changed. ``change`` is ``created``, ``configured`` or ``unchanged``."""

    key: ResourceKey
    change: str
    message: str = ""


class Pruned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An object was deleted because Git no longer has it."""

    key: ResourceKey


class Waited(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An object held the operation up."""

    key: ResourceKey
    message: str


class Refused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The cluster, or a rule of ours, refused a write."""

    key: ResourceKey
    message: str


Progress = Applied | Pruned | Waited | Refused
