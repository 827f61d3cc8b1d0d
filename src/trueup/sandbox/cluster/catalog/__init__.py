"""The built-in kinds: what is served, their schemas, how objects are read, the documents that describe it all.

The data is distilled from a Kubernetes release by ``tools/schemas/build.py`` and read when it is first needed.
"""

from trueup.sandbox.cluster.catalog.body import Decoded, read_body
from trueup.sandbox.cluster.catalog.documents import Document, Documents
from trueup.sandbox.cluster.catalog.protobuf import decode_protobuf
from trueup.sandbox.cluster.catalog.resources import ResourceFacts, built_in_resources
from trueup.sandbox.cluster.catalog.schemas import schema_of, type_of

__all__ = [
    "Decoded",
    "Document",
    "Documents",
    "ResourceFacts",
    "built_in_resources",
    "decode_protobuf",
    "read_body",
    "schema_of",
    "type_of",
]
