"""Tables of objects: what ``kubectl get`` shows, made by the server (``meta.k8s.io`` Table)."""

from collections.abc import Sequence
from datetime import datetime

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.tables.column import Printer
from pocketkube.cluster.tables.custom import custom_printer
from pocketkube.cluster.tables.kinds import printer_of

INCLUDED = ("Metadata", "Object", "None")
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


def table(
    resource: Resource,
    objects: Sequence[Object],
    *,
    now: datetime,
    include_object: str = "Metadata",
    revision: str = "",
    continue_token: str = "",
    remaining: int | None = None,
    listed: bool = True,
    headers: bool = True,
    version: str = "v1",
) -> Object:
    """The Table of a list, of one object, or of a watch event.

    Args:
        objects: in the version of the resource; one for a single object or an event.
        include_object: the query's ``includeObject``; "" is ``Metadata``.
        revision: the list's resourceVersion, or the object's.
        continue_token: for the next page of a list; with it ``remaining``, how many objects follow.
        listed: False for a single object and for a watch event.
        headers: False from a watch's second event on.
        version: of ``meta.k8s.io``, as the Accept header asks for: ``v1`` or ``v1beta1``.

    Raises:
        Failure: BadRequest, if ``include_object`` is none of those known.
    """
    if include_object and include_object not in INCLUDED:
        raise Failure(
            "BadRequest",
            f'Unable to convert to Table as requested: includeObject: Invalid value: "{include_object}": '
            "must be 'Metadata', 'Object', 'None', or empty",
        )
    printer = printer_of(resource.group, resource.kind) if resource.columns is None else _custom(resource)
    if printer.order and len(objects) > 1:
        objects = printer.order(list(objects))
    shown = [_shown(resource, printer, obj) for obj in objects]
    makers = [*(column.cell for column in printer.columns), *printer.unnamed]
    cells = [[make(obj, now) for make in makers] for obj in shown]
    if printer.finish and listed:
        printer.finish(cells, shown)
    metadata: Object = {"resourceVersion": revision} if revision else {}
    if continue_token:
        metadata["continue"] = continue_token
    if remaining is not None:
        metadata["remainingItemCount"] = remaining
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in printer.columns] if headers else None,
        "rows": [
            _row(printer, row, obj, include_object or "Metadata", version)
            for row, obj in zip(cells, objects, strict=True)
        ],
    }


def _custom(resource: Resource) -> Printer:
    return custom_printer(resource.columns or ())


def _shown(resource: Resource, printer: Printer, obj: Object) -> Object:
    """The object in the version that the cells are written for."""
    if printer.api_version and printer.api_version != resource.api_version:
        return resource.behaviour.convert(obj, printer.api_version)
    return obj


def _row(printer: Printer, cells: list[object], obj: Object, include_object: str, version: str) -> Object:
    row: Object = {"cells": cells}
    if conditions := printer.row_conditions(obj):
        row["conditions"] = list(conditions)
    bookmark = (obj.get("metadata", {}).get("annotations") or {}).get(INITIAL_EVENTS_END) == "true"
    if include_object == "Object":
        row["object"] = obj
    elif include_object == "Metadata" or bookmark:
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": obj.get("metadata", {}),
        }
    else:
        row["object"] = None
    return row
