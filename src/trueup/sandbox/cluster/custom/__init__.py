"""CustomResourceDefinitions, and the kinds they define."""

from trueup.sandbox.cluster.custom.conditions import (
    FINALIZER,
    cleaned_up,
    deleting_instances,
    established,
    marked_for_deletion,
    settle,
    terminating,
)
from trueup.sandbox.cluster.custom.definition import DefinitionBehaviour
from trueup.sandbox.cluster.custom.kind import CustomBehaviour
from trueup.sandbox.cluster.custom.resources import CustomResources, deprecation_warning, storage_version_hash
from trueup.sandbox.cluster.resource import Behaviour


def crd_behaviour() -> Behaviour:
    """The behaviour of the kind CustomResourceDefinition."""
    return DefinitionBehaviour()


__all__ = [
    "FINALIZER",
    "CustomBehaviour",
    "CustomResources",
    "DefinitionBehaviour",
    "cleaned_up",
    "crd_behaviour",
    "deleting_instances",
    "deprecation_warning",
    "established",
    "marked_for_deletion",
    "settle",
    "storage_version_hash",
    "terminating",
]
