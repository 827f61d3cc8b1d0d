"""In which form a client wants its answer (k8s.io/apiserver ``endpoints/handlers/negotiation``)."""

from functools import lru_cache
from typing import Final, Literal

from pocketkube.cluster.api.errors import Bare
from pocketkube.cluster.failure import Failure

View = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]

_MEDIA: Final = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_STREAMS: Final = ("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")
_VIEWS: Final = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


@lru_cache(512)
def view_of(accept: str, *, reads_collection: bool = False) -> View:
    """What is asked for by an Accept header; plain JSON is given to those who ask for protobuf, which is not spoken.

    Raises:
        Failure: NotAcceptable.
    """
    if not accept:
        return ""
    known = False
    for clause in _clauses(accept):
        media, parameters = clause
        if media not in (*_MEDIA, "application/*", "*/*"):
            continue
        known = True
        if not {"as", "g", "v"} & parameters.keys():
            return ""
        kind = parameters.get("as", "")
        right = parameters.get("g") == "meta.k8s.io" and parameters.get("v") in ("v1", "v1beta1")
        # Objects are never sent as protobuf: metadata alone neither, so the client's next choice counts.
        if right and kind in _VIEWS and media != _MEDIA[2]:
            return kind  # type: ignore[return-value]  # one of _VIEWS
    if known:
        raise Failure("NotAcceptable", f"only the following media types are accepted: {', '.join(_MEDIA)}")
    offered = (*_MEDIA, *_STREAMS) if reads_collection else _MEDIA
    raise Bare("NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}")


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Media types with their parameters, the most wanted first."""
    found: list[tuple[float, str, dict[str, str]]] = []
    for text in accept.split(","):
        media, *rest = (part.strip() for part in text.split(";"))
        parameters: dict[str, str] = {}
        for part in rest:
            key, _, value = part.partition("=")
            parameters[key.strip()] = value.strip().strip('"')
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        found.append((quality, media.lower(), parameters))
    found.sort(key=lambda one: -one[0])
    return [(media, parameters) for _, media, parameters in found]
