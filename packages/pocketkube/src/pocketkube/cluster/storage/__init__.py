"""Where a cluster's objects are: one revision counter, ordered lists, a history to watch, a file to keep them."""

from pocketkube.cluster.storage.entry import (
    Changed,
    Event,
    Exists,
    Expired,
    NotStored,
    StorageFailed,
    StoredObject,
    StoredPage,
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
    "Event",
    "Exists",
    "Expired",
    "FieldSelector",
    "LabelSelector",
    "NotStored",
    "Storage",
    "StorageFailed",
    "StoredObject",
    "StoredPage",
    "heading",
    "parse_fields",
    "parse_labels",
    "watch",
]
