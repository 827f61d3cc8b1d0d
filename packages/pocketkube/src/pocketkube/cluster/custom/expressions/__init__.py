"""Rules in the Common Expression Language: ``x-kubernetes-validations``."""

from pocketkube.cluster.custom.expressions.rule import Failed, Rule
from pocketkube.cluster.custom.expressions.walk import Rules

__all__ = ["Failed", "Rule", "Rules"]
