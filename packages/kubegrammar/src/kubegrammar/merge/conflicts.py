"""Fields that others own, and how that is told."""

from collections.abc import Sequence

import msgspec

from kubegrammar.merge.fieldset import (
    FieldSet,
    paths,
)
from kubegrammar.merge.managed import (
    Manager,
)


class FieldConflict(msgspec.Struct, frozen=True):
    """A field that somebody else owns, with another value.

    Attributes:
        manager, operation, api_version, subresource: of the owner; an applier has no version.
        field: as ``.spec.replicas``.
    """

    manager: str
    operation: str
    api_version: str
    subresource: str
    field: str

    def owner(self) -> str:
        """As messages name it."""
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


class Conflicts(Exception):
    """An apply that would take fields from others, and may not."""

    def __init__(self, conflicts: Sequence[FieldConflict]) -> None:
        super().__init__(_message(conflicts))
        self.conflicts = tuple(conflicts)


def _message(conflicts: Sequence[FieldConflict]) -> str:
    if len(conflicts) == 1:
        return f"Apply failed with 1 conflict: conflict with {conflicts[0].owner()}: {conflicts[0].field}"
    lines: list[str] = []
    for conflict in conflicts:
        heading = f"conflicts with {conflict.owner()}:"
        if heading not in lines:
            lines.append(heading)
        lines.append(f"- {conflict.field}")
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def conflicts_of(taken: dict[Manager, FieldSet]) -> list[FieldConflict]:
    return [
        FieldConflict(manager.name, manager.operation, manager.api_version, manager.subresource, path)
        for manager in sorted(taken)
        for path in paths(taken[manager])
    ]
