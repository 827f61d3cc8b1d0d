"""What a pass saw of one application."""

from collections.abc import Callable, Mapping

import msgspec

from trueup import policy
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.model.application import NamespaceMetadata
from trueup.model.changed import LastChange
from trueup.model.comparison import Comparison
from trueup.model.health import Health
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceStatus


def _unasked(_: ResourceKey) -> str:
    return "the project has not been asked"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass saw.

    Attributes:
        live: objects by key: of targets, prune candidates, hooks, and the destination namespace.
        health: verdicts over ``live``.
        content: digest of all manifests, hooks among them: equal for two commits that declare the same.
        vitals: of the whole application.
        refused: keys the project does not permit, or that cannot be written as asked, with the reason.
        forbids: the same of any key, as far as the project decides.
        warnings: (condition type, message).
        namespace_metadata: for the destination namespace, where it is this application's to apply.
        namespace_mark: of whom it says that it is.
        shared: what is part of another application too, one text for each object.
        taken: of that, what the other one has applied, with its name.
        respectful: compared as ``RespectIgnoreDifferences=true`` writes.
        unbuilt: fields and settings that ask for what is not done; nothing is synced by itself then.
        unseen: lines of the last comparison about objects of kinds that cannot be listed now.
        leaving: objects are being deleted, and it is too early to say that something holds them.
        withheld: objects that automation must not prune.
        changed: the commit that changed the application last; None where it is not known.
        lent: texts of Secrets that the application is lent: nobody is shown them.
    """

    comparison: Comparison
    live: Mapping[ResourceKey, LiveObject]
    health: Mapping[ResourceKey, Health | None]
    content: str
    vitals: Health
    refused: Mapping[ResourceKey, str]
    warnings: tuple[tuple[str, str], ...]
    forbids: Callable[[ResourceKey], str] = _unasked
    namespace_metadata: NamespaceMetadata | None = None
    namespace_mark: str = ""
    shared: tuple[str, ...] = ()
    taken: Mapping[ResourceKey, str] = {}
    respectful: bool = False
    unbuilt: tuple[policy.Unbuilt, ...] = ()
    unseen: tuple[ResourceStatus, ...] = ()
    leaving: bool = False
    withheld: tuple[str, ...] = ()
    changed: LastChange | None = None
    lent: Literals = NO_LITERALS
