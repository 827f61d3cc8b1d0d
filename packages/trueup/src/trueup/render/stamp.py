"""What every manifest gets after its (cached) render: a namespace and the mark of its application."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from kubegrammar import json
from trueup.model.annotations import MARKS, TRACKING_ID
from trueup.model.hooks import is_hook
from trueup.model.manifest import Manifest, generated_name
from trueup.model.resource import ResourceKey
from trueup.model.tracking import UNTRACKED, tracking_id

_LABEL_LENGTH = 63

_DIGITS = 10
"""Of the manifest's digest, in a name made of ``generateName``."""


class Repeated(msgspec.Struct, frozen=True):
    """An object that appears twice; the latter is the one that counts."""

    former: Manifest
    latter: Manifest

    def __str__(self) -> str:
        places = f"{self.former.origin} gives way to {self.latter.origin}"
        return f"{self.latter.key} appears twice among the manifests: {places}"


class Stamped(msgspec.Struct, frozen=True):
    """The manifests as they will be compared and sent.

    Attributes:
        repeated: what appears twice (``RepeatedResourceWarning``).
        notes: of what is done otherwise than it reads (``RenderWarning``).
    """

    manifests: tuple[Manifest, ...]
    repeated: tuple[Repeated, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A text for each that appears twice."""
        return tuple(map(str, self.repeated))


def stamp(
    manifests: Iterable[Manifest],
    *,
    instance: str,
    namespace: str,
    namespaced: Callable[[str, str], bool | None],
    label_key: str = "",
) -> Stamped:
    """Manifests of all sources, in order, made the application's.

    A namespaced object without a namespace gets the destination's; a cluster-scoped one loses whatever it wrote. A kind
    nobody knows is taken by its definition when that is among the manifests, else as namespaced (Argo CD
    ``IsNamespacedOrUnknown``).
    Of two with one key the last wins, with a warning.
    An object that has a ``generateName`` only gets a name from its content: an object of a new name with each pass
    would never be what Git declares, and nobody would take the old ones away. Hooks are named when they run.

    Args:
        instance: the application part of tracking ids; empty leaves the mark out. Marks that a manifest brings are
            taken off: which application an object belongs to is not for a repository to say.
        namespace: the destination's.
        namespaced: scope of (group, kind) in the destination cluster, None when it does not know the kind.
        label_key: also set this label to the instance; empty for none. Definitions are never tagged.
    """
    listed = list(manifests)
    defined = _defined_scopes(listed)
    result: dict[ResourceKey | int, Manifest] = {}
    repeated: list[Repeated] = []
    notes: list[str] = []
    drafts: Counter[str] = Counter()
    for index, manifest in enumerate(listed):
        key = manifest.key
        scope = namespaced(key.group, key.kind)
        if scope is None:
            scope = defined.get((key.group, key.kind), True)
        place = (key.namespace or namespace) if scope else ""
        name = key.name
        if not name and not is_hook(manifest.annotations):
            name = _name_of_content(manifest, drafts)
            notes.append(_generated(manifest, name))
        stamped = _stamped(manifest, ResourceKey(key.group, key.kind, place, name), instance, namespace, label_key)
        slot: ResourceKey | int = stamped.key if stamped.key.name else index
        former = result.pop(slot, None)
        if former is not None:
            repeated.append(Repeated(former, stamped))
        result[slot] = stamped
    return Stamped(tuple(result.values()), tuple(repeated), tuple(notes))


def _name_of_content(manifest: Manifest, seen: Counter[str]) -> str:
    """The same for the same manifest; of several that are equal, each has its own."""
    seen[manifest.digest] += 1
    number = seen[manifest.digest]
    suffix = manifest.digest[:_DIGITS] + (f"-{number}" if number > 1 else "")
    return generated_name(manifest.generate_name, suffix)


def _generated(manifest: Manifest, name: str) -> str:
    kind = manifest.key.kind
    return (
        f"{manifest.origin}: {kind} {manifest.generate_name} has metadata.generateName and is no hook: it is kept as "
        f"{name}, and a changed manifest is another object (give it metadata.name, or make it a hook)"
    )


def _defined_scopes(manifests: list[Manifest]) -> dict[tuple[str, str], bool]:
    """Scopes of the kinds that the manifests themselves define."""
    scopes: dict[tuple[str, str], bool] = {}
    for manifest in manifests:
        if (manifest.key.group, manifest.key.kind) != UNTRACKED:
            continue
        spec = manifest.object().get("spec")
        names = spec.get("names") if isinstance(spec, dict) else None
        if isinstance(spec, dict) and isinstance(names, dict):
            scopes[(str(spec.get("group")), str(names.get("kind")))] = spec.get("scope") != "Cluster"
    return scopes


def _stamped(manifest: Manifest, key: ResourceKey, instance: str, namespace: str, label_key: str) -> Manifest:
    tagged = bool(instance) and (key.group, key.kind) != UNTRACKED
    marked = any(mark in manifest.annotations for mark in MARKS)
    if not tagged and not marked and key == manifest.key:
        return manifest
    value = manifest.object()
    metadata: dict[str, Any] = value["metadata"]
    if key.name:
        metadata.pop("generateName", None)
        metadata["name"] = key.name
    if key.namespace:
        metadata["namespace"] = key.namespace
    else:
        metadata.pop("namespace", None)
    annotations, labels = manifest.annotations, manifest.labels
    if marked:
        annotations = {name: text for name, text in annotations.items() if name not in MARKS}
        metadata["annotations"] = annotations
    if tagged:
        annotations = {**annotations, TRACKING_ID: tracking_id(instance, key, namespace)}
        metadata["annotations"] = annotations
        if label_key:
            labels = {**labels, label_key: instance[:_LABEL_LENGTH].rstrip("-_.")}
            metadata["labels"] = labels
    body = json.canonical(value)
    return msgspec.structs.replace(
        manifest, key=key, body=body, digest=json.digest(body), annotations=annotations, labels=labels
    )
