"""Wanted × seen × answers → what differs: pairing, proof of equality, comparison, ignore rules, text."""

from trueup.diff.answer import DryRunAnswer
from trueup.diff.change import ABSENT, FieldDifference, describe, differences
from trueup.diff.compare import changes_of, compare
from trueup.diff.digest import live_digest
from trueup.diff.fields import duplicate_keys, undeclared_fields
from trueup.diff.jq import JqFacts
from trueup.diff.mask import Masks, masked
from trueup.diff.normalise import comparable, whole
from trueup.diff.pairing import Pair, Pairs, pair, shared
from trueup.diff.respect import respecting
from trueup.diff.rules import applicable, leave_out, rule_warnings
from trueup.diff.show import change, render, sides
from trueup.diff.suspects import is_settled, suspects

__all__ = [
    "ABSENT",
    "DryRunAnswer",
    "FieldDifference",
    "JqFacts",
    "Masks",
    "Pair",
    "Pairs",
    "applicable",
    "change",
    "changes_of",
    "comparable",
    "compare",
    "describe",
    "differences",
    "duplicate_keys",
    "is_settled",
    "leave_out",
    "live_digest",
    "masked",
    "pair",
    "render",
    "respecting",
    "rule_warnings",
    "shared",
    "sides",
    "suspects",
    "undeclared_fields",
    "whole",
]
