"""Rules in the Common Expression Language: ``x-kubernetes-validations``."""

from pocketkube.cluster.custom.expressions.rule import FailedExpression, Rule
from pocketkube.cluster.custom.expressions.walk import SchemaRules

__all__ = ["FailedExpression", "Rule", "SchemaRules"]
