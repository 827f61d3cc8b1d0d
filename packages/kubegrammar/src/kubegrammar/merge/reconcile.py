"""Owned fields as the schema of today has them (structured-merge-diff ``typed.ReconcileFieldSetWithSchema``).

Of a list or map that has become atomic, whoever owned anything of it owns it as a whole. What has become granular stays
as it is: nobody can tell a field that was atomic from one that was empty.
"""

from kubegrammar.merge.fieldset import SELF, FieldSet
from kubegrammar.merge.schema import ANYTHING, DEDUCED, Type


def reconciled(fields: FieldSet, type_: Type) -> FieldSet:
    """The fields of a manager; the very set where the schema says nothing else of it."""
    return _members(fields, type_.as_map or type_)


def _members(fields: FieldSet, type_: Type) -> FieldSet:
    changed: FieldSet | None = None
    for element, found in fields.items():
        if element == SELF or not found or (found.keys() == {SELF}):
            continue
        inner = _inner(element, type_)
        kept = _node(found, inner) if inner is not None else found
        if kept is not found:
            changed = changed or dict(fields)
            changed[element] = kept
    return fields if changed is None else changed


def _node(found: FieldSet, type_: Type) -> FieldSet:
    # What may be anything counts as a map, as there.
    exact = type_.as_map or type_
    if exact.kind == "scalar" or _is_deduced(exact):
        return found
    return {} if exact.atomic else _members(found, exact)


def _inner(element: str, type_: Type) -> Type | None:
    """The type of a place; None for a field that the schema does not know."""
    named = type_.fields.get(element[2:]) if element[0] == "f" else None
    return named or type_.element


def _is_deduced(type_: Type) -> bool:
    """A map of anything without a field that is known: types that were deduced have no say in this."""
    of = type_.element
    if type_.kind != "map" or type_.fields or of is None:
        return False
    return of is DEDUCED or (of.scalar == "untyped" and of is not ANYTHING and not of.native)
