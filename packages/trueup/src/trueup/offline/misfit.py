"""The field of a manifest whose value its type does not take, where a server's answer names none or half of it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pocketkube.cluster.kinds.builtin import package_of
from pocketkube.cluster.kinds.scalars import Bytes, GoType, Mismatch, Quantity
from pocketkube.cluster.kinds.structs import Map, Slice, Struct, struct_of
from trueup.model.manifest import Manifest
from trueup.model.resource import version_of

_HINTS: dict[type[GoType], str] = {
    Bytes: "encode the value as base64; of a Secret, stringData takes it as it is",
    Quantity: "write it as 500m, 2, 128Mi or 1Gi",
}


class Misfit(msgspec.Struct, frozen=True):
    """One value of a wrong form.

    Attributes:
        field: ``spec.containers[0].resources.limits.memory``.
        message: what is wrong, without the value where it may be a secret.
    """

    field: str
    message: str
    hint: str


def misfits(manifest: Manifest) -> list[Misfit]:
    """Every value that a type which decodes itself does not take: base64, quantities, times. Others are told by the
    server, with their fields."""
    struct = struct_of(f"{package_of(manifest.key.group)}/{version_of(manifest.api_version)}.{manifest.key.kind}")
    return list(_found(struct, manifest.object(), "")) if struct is not None else []


def _found(node: GoType, value: Any, path: str) -> Iterator[Misfit]:
    match node, value:
        case Struct(), dict():
            for name, item in value.items():
                if name in node.fields and item is not None:
                    yield from _found(node.fields[name].node, item, f"{path}.{name}" if path else name)
        case Slice(), list():
            for index, item in enumerate(value):
                if item is not None:
                    yield from _found(node.element, item, f"{path}[{index}]")
        case Map(), dict():
            for key, item in value.items():
                if item is not None:
                    yield from _found(node.element, item, f"{path}.{key}" if "." not in key else f"{path}[{key}]")
        case _:
            try:
                node.check(value)
            except Mismatch as mismatch:
                if mismatch.text:
                    yield Misfit(path, mismatch.text, _HINTS.get(type(node), ""))
