"""CustomResourceDefinitions, and the kinds they define."""

from pocketkube.cluster.custom.conditions import (
    FINALIZER,
    cleaned_up,
    deleting_instances,
    established,
    marked_for_deletion,
    settle,
    terminating,
)
from pocketkube.cluster.custom.definition import DefinitionBehaviour
from pocketkube.cluster.custom.kind import CustomBehaviour
from pocketkube.cluster.custom.resources import CustomResources, deprecation_warning, storage_version_hash
from pocketkube.cluster.resource import Behaviour


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
