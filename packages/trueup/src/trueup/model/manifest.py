"""A manifest: one object as Git declares it, ready to send."""

from typing import Any

import msgspec

from trueup.model.resource import GroupKind, ResourceKey

LONGEST_GENERATED_NAME = 63
"""What a name may have that also becomes a label, as a Job's does."""


def generated_name(prefix: str, suffix: str) -> str:
    """A name from a ``generateName``, whose end gives way where both are too long together (as in the API server)."""
    return prefix[: max(LONGEST_GENERATED_NAME - len(suffix), 0)] + suffix


class Manifest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One rendered object. ``body`` is its JSON as it will be sent; it is decoded on demand only.

    Attributes:
        key: identity; ``key.name`` is empty while ``generate_name`` awaits a name.
        api_version: as Git has it.
        body: canonical JSON (sorted keys), UTF-8.
        digest: hex SHA-256 of ``body``.
        annotations, labels: of the metadata, ready to read.
        generate_name: ``metadata.generateName`` or empty.
        origin: where it came from, for messages: ``deploy/web.yaml:12`` or ``templates/web.yaml``.
        source_index: which of the application's sources.
    """

    key: ResourceKey
    api_version: str
    body: bytes
    digest: str
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    generate_name: str = ""
    origin: str = ""
    source_index: int = 0

    def __repr__(self) -> str:
        # The body may hold a Secret's values, and a repr ends up in logs and tracebacks.
        return f"Manifest({str(self.key)!r}, {self.digest[:12]}, {self.origin!r})"

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.key.group, self.key.kind)

    def object(self) -> dict[str, Any]:
        """A fresh, mutable copy of the object."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of rendering one source.

    Attributes:
        key: digest of exactly what was read; equal keys mean equal manifests.
        source_type: ``Directory``, ``Kustomize``, ``Helm`` or empty (a ref-only source).
        warnings: for the user; each names a file.
        barren: paths of files that may have held manifests at another time and hold none now.
        secrets: what was encrypted of its files.
    """

    key: str
    source_type: str
    manifests: tuple[Manifest, ...]
    warnings: tuple[str, ...] = ()
    barren: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
