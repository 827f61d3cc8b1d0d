"""Wanted manifests × live objects → pairs, prune candidates among them, and hooks apart."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from trueup.model.hooks import is_hook
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.tracking import owner_instance


class Pair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is wanted beside what is there; at least one of them is."""

    key: ResourceKey
    target: Manifest | None = None
    live: LiveObject | None = None

    @property
    def hook(self) -> bool:
        """A live hook object: it is shown, and nothing else."""
        return self.target is None and self.live is not None and is_hook(self.live.annotations)

    @property
    def requires_pruning(self) -> bool:
        """Whether it is live, the application's, and no longer wanted."""
        return self.target is None and not self.hook


class Pairs(msgspec.Struct, frozen=True):
    """Pairs sorted by key.

    Attributes:
        hooks: the hook manifests of the target, which are not compared.
        namespace: the destination namespace, where its metadata is managed.
    """

    pairs: tuple[Pair, ...] = ()
    hooks: tuple[Manifest, ...] = ()
    namespace: Pair | None = None

    @property
    def compared(self) -> tuple[Pair, ...]:
        """All that is compared."""
        return (*self.pairs, self.namespace) if self.namespace else self.pairs


def pair(
    manifests: Iterable[Manifest],
    managed: Mapping[ResourceKey, LiveObject],
    find: Callable[[ResourceKey], LiveObject | None],
    namespace: Pair | None = None,
) -> Pairs:
    """Pairs an application's manifests with live objects.

    Args:
        manifests: stamped, no key twice (but for those that await a generated name).
        managed: live objects whose tracking id names the application.
        find: any live object by key, whoever owns it.
        namespace: the destination namespace, where its metadata is managed. It is no prune candidate.

    A managed object that no manifest names is a prune candidate, unless it has owner references (its owner decides
    over it), or its tracking id describes another object: an operator copied it (Argo CD ``GetManagedLiveObjs``).
    """
    hooks: list[Manifest] = []
    pairs: list[Pair] = []
    wanted: set[ResourceKey] = {namespace.key} if namespace else set()
    for manifest in manifests:
        if is_hook(manifest.annotations):
            hooks.append(manifest)
            continue
        wanted.add(manifest.key)
        live = find(manifest.key) if manifest.key.name else None
        pairs.append(Pair(key=manifest.key, target=manifest, live=live))
    for key, found in managed.items():
        if key not in wanted and not found.owners and owner_instance(found.annotations, key):
            pairs.append(Pair(key=key, live=found))
    return Pairs(tuple(sorted(pairs, key=lambda pair: pair.key)), tuple(hooks), namespace)


def shared(pairs: Pairs, instance: str) -> dict[ResourceKey, str]:
    """Wanted objects that another application tracks, with its instance name: ``SharedResourceWarning``."""
    owners = {
        pair.key: owner_instance(pair.live.annotations, pair.key)
        for pair in pairs.pairs
        if pair.live is not None and pair.target is not None
    }
    return {key: owner for key, owner in owners.items() if owner not in ("", instance)}
