"""Where a cluster's objects are: one revision counter, ordered lists, a history to watch, a file to keep them."""

from pocketkube.cluster.storage.entry import (
    Changed,
    Entry,
    Event,
    Exists,
    Expired,
    Missing,
    Page,
    StorageFailed,
    heading,
)
from pocketkube.cluster.storage.fields import FieldSelector, parse_fields
from pocketkube.cluster.storage.labels import LabelSelector, parse_labels
from pocketkube.cluster.storage.storage import Storage
from pocketkube.cluster.storage.watch import Bookmark, Change, watch

__all__ = [
    "Bookmark",
    "Change",
    "Changed",
    "Entry",
    "Event",
    "Exists",
    "Expired",
    "FieldSelector",
    "LabelSelector",
    "Missing",
    "Page",
    "Storage",
    "StorageFailed",
    "heading",
    "parse_fields",
    "parse_labels",
    "watch",
]
