"""Cells of Events, in the form of the core group."""

from datetime import datetime

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import dig, number, text
from pocketkube.cluster.tables.durations import UNKNOWN, age


def last_seen_cell(event: Object, now: datetime) -> str:
    """When it happened last."""
    if dig(event, "series") is not None:
        return age(dig(event, "series", "lastObservedTime"), now)
    last = age(dig(event, "lastTimestamp"), now)
    return first_seen_cell(event, now) if last == UNKNOWN else last


def first_seen_cell(event: Object, now: datetime) -> str:
    """When it happened first."""
    first = age(dig(event, "firstTimestamp"), now)
    return age(dig(event, "eventTime"), now) if first == UNKNOWN else first


def count_cell(event: Object, now: datetime) -> int:
    """How often it happened."""
    if dig(event, "series") is not None:
        return number(event, "series", "count")
    return number(event, "count") or 1


def object_cell(event: Object, now: datetime) -> str:
    """What it happened to, as ``pod/web-0``."""
    kind, name = text(event, "involvedObject", "kind").lower(), text(event, "involvedObject", "name")
    return f"{kind}/{name}" if name else kind


def source_cell(event: Object, now: datetime) -> str:
    """Who tells of it, and where that runs."""
    component = text(event, "source", "component") or text(event, "reportingComponent")
    instance = text(event, "source", "host") or text(event, "reportingInstance")
    return f"{component}, {instance}" if instance else component


def message_cell(event: Object, now: datetime) -> str:
    """What happened."""
    return text(event, "message").strip()
