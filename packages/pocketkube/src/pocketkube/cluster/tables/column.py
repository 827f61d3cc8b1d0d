"""What a column is, and what a kind's table."""

from collections.abc import Callable, Sequence

import msgspec

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import Cell, age_at, at

NAME_DESCRIPTION = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow "
    "a client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
CREATED_DESCRIPTION = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


class Column(msgspec.Struct, frozen=True):
    """One column of a table.

    Attributes:
        type: of its values: ``string``, ``integer``, ``number``, ``boolean``, ``date``.
        format: ``name`` for the object's own name; else mostly "".
        priority: 0 for those always shown, more for ``-o wide``.
    """

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> Object:
        """The entry of a Table's ``columnDefinitions``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


class Printer(msgspec.Struct, frozen=True):
    """The table of a kind.

    Attributes:
        unnamed: cells after the last column, for which there is no definition.
        api_version: the version the cells are written for, where versions of the kind differ; "" for any.
        row_conditions: of a row.
        order: brings the objects of a list into the order of the rows.
        finish: changes the rows of a list where one depends on the others.
    """

    columns: tuple[Column, ...]
    unnamed: tuple[Cell, ...] = ()
    api_version: str = ""
    row_conditions: Callable[[Object], Sequence[Object]] = lambda obj: ()
    order: Callable[[list[Object]], list[Object]] | None = None
    finish: Callable[[Sequence[list[object]], Sequence[Object]], None] | None = None


def wide(name: str, cell: Cell, format: str = "") -> Column:
    """A column of ``-o wide``."""
    return Column(name, cell, format=format, priority=1)


def integer(name: str, cell: Cell) -> Column:
    """A column of whole numbers."""
    return Column(name, cell, "integer")


def boolean(name: str, cell: Cell) -> Column:
    """A column of yes and no."""
    return Column(name, cell, "boolean")


NAME = Column("Name", at("metadata.name"), format="name", description=NAME_DESCRIPTION)
AGE = Column("Age", age_at("metadata.creationTimestamp"), description=CREATED_DESCRIPTION)
