"""What a request about objects says, and how its answer is read."""

from typing import Literal

import msgspec

from trueup.kube.discovery import ResourceType
from trueup.kube.errors import ApiError
from trueup.kube.object import read_object
from trueup.kube.transport import JSON_PATCH
from trueup.model.live import LiveObject

PatchKind = Literal["merge", "json", "strategic"]

Propagation = Literal["Foreground", "Background", "Orphan"]
Warnings = list[str]
FieldValidation = Literal["", "Ignore", "Warn", "Strict"]
PATCH_TYPES: dict[str, str] = {
    "merge": "application/merge-patch+json",
    "json": JSON_PATCH,
    "strategic": "application/strategic-merge-patch+json",
}
PARTIAL_METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = PARTIAL_METADATA.replace("PartialObjectMetadata", "PartialObjectMetadataList")


class Listing(msgspec.Struct, frozen=True):
    """All objects of a list, at one resource version."""

    objects: list[LiveObject]
    resource_version: str


def write_params(dry_run: bool, manager: str, field_validation: FieldValidation) -> dict[str, str]:
    """Parameters of the query of a write."""
    params = {"dryRun": "All"} if dry_run else {}
    if manager:
        params["fieldManager"] = manager
    if field_validation:
        params["fieldValidation"] = field_validation
    return params


def read_answer(body: bytes, type_: ResourceType) -> LiveObject:
    """The object that an answer holds.

    Raises:
        ApiError: it holds none.
    """
    try:
        return read_object(body, type_.api_version, type_.kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(f"{type_.kind}: the server's answer cannot be read") from error


def subject_of(verb: str, type_: ResourceType, namespace: str, name: str = "") -> str:
    """A request in words, for errors: ``get Pod default/web``."""
    where = f"{namespace}/{name}" if namespace and name else namespace or name
    return f"{verb} {type_.kind} {where}".rstrip()
