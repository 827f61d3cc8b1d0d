"""The built-in kinds: what is served, their schemas, how objects are read, the documents that describe it all.

The data is distilled from a Kubernetes release by ``tools/schemas/build.py`` and read when it is first needed.
"""

from pocketkube.cluster.catalog.body import Decoded, read_body
from pocketkube.cluster.catalog.documents import ResourceDocuments, TaggedDocument
from pocketkube.cluster.catalog.protobuf import decode_protobuf
from pocketkube.cluster.catalog.resources import ResourceFacts, built_in_resources
from pocketkube.cluster.catalog.schemas import schema_of, type_of

__all__ = [
    "Decoded",
    "ResourceDocuments",
    "ResourceFacts",
    "TaggedDocument",
    "built_in_resources",
    "decode_protobuf",
    "read_body",
    "schema_of",
    "type_of",
]
