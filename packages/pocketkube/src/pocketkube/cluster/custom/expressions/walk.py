"""Runs the rules of a schema on an object (``Validator`` of ``pkg/apiserver/schema/cel/validation.go``)."""

from typing import Any

import msgspec

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.expressions.rule import FailedExpression, Rule
from pocketkube.cluster.custom.expressions.view import seen
from pocketkube.cluster.custom.lists import key_of, keyed
from pocketkube.cluster.custom.openapi import same
from pocketkube.cluster.custom.schema import SchemaNode
from pocketkube.cluster.failure import FieldCause


class RuleFindings(msgspec.Struct):
    """What rules say of an object; ``warnings`` are of parts that did not change."""

    causes: list[FieldCause]
    warnings: list[str]


class SchemaRules:
    """The rules of a schema, each compiled when it is first needed."""

    def __init__(self, root: SchemaNode, *, resource: bool) -> None:
        self._root, self._resource = root, resource
        self._compiled: dict[int, list[Rule]] = {}

    def run(self, value: Any, old: Any, field: str = "") -> RuleFindings:
        """
        Args:
            old: the object before; None at its creation.
        """
        found = RuleFindings([], [])
        if self._root.has_rules:
            try:
                self._place(self._root, self._resource, value, old, field, found, old is not None)
            except FailedExpression as failed:
                found.causes.append(problems.invalid(problems.NOWHERE, self._root.type, str(failed)))
        return found

    def _place(
        self, node: SchemaNode, resource: bool, value: Any, old: Any, field: str, found: RuleFindings, related: bool
    ) -> None:
        """
        Args:
            old: of the same place; None where there is none.
            related: ``old`` is what was at this place, and not just absent.
        """
        if value is None or not node.has_rules:
            return
        if node.rules:
            self._run(node, resource, value, old, field, found, related)
        if isinstance(value, dict):
            before = old if isinstance(old, dict) else {}
            for key, member in value.items():
                child = node.child(key)
                if child is not None and child.has_rules:
                    known = node.properties is not None and key in node.properties
                    place = f"{field}.{key}" if field else key
                    where = place if known else f"{field}[{key}]"
                    self._place(child, child.embedded, member, before.get(key), where, found, related and key in before)
        elif isinstance(value, list) and node.items is not None and node.items.has_rules:
            items = keyed(old, node)
            for index, item in enumerate(value):
                before_item = items.get(key_of(item, node))
                where = f"{field}[{index}]"
                self._place(
                    node.items,
                    node.items.embedded,
                    item,
                    before_item,
                    where,
                    found,
                    related and before_item is not None,
                )

    def _run(
        self, node: SchemaNode, resource: bool, value: Any, old: Any, field: str, found: RuleFindings, related: bool
    ) -> None:
        rules = self._compiled.get(id(node))
        if rules is None:
            rules = self._compiled[id(node)] = [Rule(rule, node, resource=resource) for rule in node.rules]
        shown, before = seen(value, node), seen(old, node)
        for rule in rules:
            cause = rule.run(shown, before, field)
            if cause is None:
                continue
            if related and not rule.uses_old_self and same(value, old):
                found.warnings.append(f"{cause.field}: {cause.message}")
            else:
                found.causes.append(cause)
