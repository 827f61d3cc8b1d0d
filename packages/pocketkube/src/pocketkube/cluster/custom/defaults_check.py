"""Whether the defaults in a schema are values it takes (``pkg/apiserver/schema/defaulting/validation.go``)."""

from copy import deepcopy
from typing import Any

import msgspec

from pocketkube.cluster.custom import metadata, problems
from pocketkube.cluster.custom.expressions import SchemaRules
from pocketkube.cluster.custom.openapi import SchemaCheck, same
from pocketkube.cluster.custom.pruning import prune
from pocketkube.cluster.custom.schema import METADATA_FIELDS, SchemaNode
from pocketkube.cluster.failure import FieldCause


def check(root: SchemaNode, path: str) -> list[FieldCause]:
    """What is wrong with the defaults of a structural schema."""
    causes: list[FieldCause] = []
    if root.has_defaults:
        _check(msgspec.structs.replace(root, embedded=True, has_embedded=True), path, causes, resource=True)
    return causes


def _check(node: SchemaNode, path: str, causes: list[FieldCause], *, resource: bool) -> None:
    if node.default is not None:
        causes += _of_place(node, f"{path}.default")
    if node.items is not None and node.items.has_defaults:
        _check(node.items, f"{path}.items", causes, resource=node.items.embedded)
    for name, member in (node.properties or {}).items():
        # Defaults in metadata of the root are forbidden, those of embedded metadata are seldom, and not looked at.
        if member.has_defaults and not (resource and name in METADATA_FIELDS):
            _check(member, f"{path}.properties[{name}]", causes, resource=member.embedded)


def _of_place(node: SchemaNode, path: str) -> list[FieldCause]:
    value: Any = deepcopy(node.default)
    causes: list[FieldCause] = []
    prune(value, node, root=node.embedded)
    if not same(value, node.default):
        causes.append(problems.invalid(path, node.default, "must not have unknown fields"))
    try:
        metadata.coerce(value, node, path)
    except metadata.MetadataMisfit as misfit:
        return [*causes, problems.invalid(path, node.default, str(misfit))]
    wrong = metadata.check(value, node, path) or SchemaCheck(node.schema).causes(node.default, field=path)
    if wrong:
        return causes + wrong
    rules = SchemaRules(node, resource=node.embedded)
    return causes + (rules.run(node.default, node.default, path).causes or rules.run(node.default, None, path).causes)
