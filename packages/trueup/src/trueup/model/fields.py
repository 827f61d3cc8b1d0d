"""What every object declared in YAML is built from, and how its fields describe themselves."""

import inspect
from typing import Any

import msgspec


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of everything declared in YAML.

    The ``Attributes`` section of a subclass's docstring is read at run time (:func:`describe`): it becomes the
    descriptions in our CustomResourceDefinitions, which ``kubectl explain`` shows. Write it for the user who
    declares the field.
    """


def written_text(name: str | None = None) -> Any:
    """A text that is empty by default and written even then: Argo CD's definitions require the field.

    ``omit_defaults`` leaves out what *is* the default value; a factory's product is none.

    Args:
        name: JSON name, where the camel case of the attribute's is not it.
    """
    return msgspec.field(default_factory=str, name=name)


class Metadata(Fields, frozen=True, kw_only=True):
    """``metadata`` of our own objects."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []
    owner_references: list[dict[str, Any]] = []


class NameValue(Fields, frozen=True, kw_only=True):
    """A name and a value.

    Attributes:
        name: Name of the entry.
        value: Value of the entry.
    """

    name: str = written_text()
    value: str = written_text()


class TypeDescription(msgspec.Struct, frozen=True):
    """Texts for users: of a type, and of its fields by attribute name."""

    summary: str
    fields: dict[str, str]


def describe(type_: type[Fields]) -> TypeDescription:
    """The description of a type: its docstring's first paragraph, and the lines of its ``Attributes`` section.

    RST marks are taken off, for ``kubectl explain`` prints plain text.
    Empty under ``python -OO``, which drops docstrings.
    """
    text = inspect.cleandoc(type_.__doc__ or "")
    head, _, attributes = text.partition("\nAttributes:\n")
    fields: dict[str, str] = {}
    name = ""
    for line in attributes.splitlines():
        attribute, colon, told = line.removeprefix(" " * 4).partition(": ")
        if line.startswith(" " * 4) and colon and attribute.isidentifier():
            name = attribute
            fields[name] = told
        elif name and line.startswith(" " * 8):
            fields[name] += " " + line.strip()
        else:
            name = ""
    plain = {name: _plain(text) for name, text in fields.items()}
    return TypeDescription(summary=_plain(head.split("\n\n")[0]), fields=plain)


def _plain(text: str) -> str:
    pieces = text.split("`")
    for number, piece in enumerate(pieces[:-1]):
        before, colon, role = piece.removesuffix(":").rpartition(":")
        if colon and piece.endswith(":") and role.isidentifier():
            pieces[number] = before
    return " ".join("".join(pieces).split())
