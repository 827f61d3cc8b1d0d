"""One request on one resource, while it is worked on."""

import msgspec

from pocketkube.cluster.api.options import WriteOptions
from pocketkube.cluster.api.request import ApiRequest
from pocketkube.cluster.resource import Object, Resource


class VerbCall(msgspec.Struct, kw_only=True):
    """What a verb works with.

    Attributes:
        namespace: empty for all of them, and for cluster-scoped resources.
        name: empty for a collection.
        warnings: texts for Warning headers, as they come up.
    """

    request: ApiRequest
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    options: WriteOptions = WriteOptions()
    warnings: list[str] = msgspec.field(default_factory=list)

    def warn(self, *texts: str) -> None:
        """Adds warnings; those that are there already are left out."""
        for text in texts:
            if text and text not in self.warnings:
                self.warnings.append(text)


class WriteAnswer(msgspec.Struct, frozen=True):
    """What a write answers with.

    Attributes:
        obj: in the version of the request.
        body: the same as bytes where it is stored in that version.
        created: it is new.
    """

    obj: Object
    body: bytes = b""
    created: bool = False
