"""Rules in the Common Expression Language: ``x-kubernetes-validations``."""

from trueup.sandbox.cluster.custom.expressions.rule import Failed, Rule
from trueup.sandbox.cluster.custom.expressions.walk import Rules

__all__ = ["Failed", "Rule", "Rules"]
