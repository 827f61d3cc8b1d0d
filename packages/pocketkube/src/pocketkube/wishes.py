"""What an object, or an image, asks to be played: annotations and labels of this program's own names."""

from collections.abc import Mapping
from typing import Any, Final

SIMULATE: Final = "pocketkube.dev/simulate"
"""Annotation of a Pod, or label of an image: what is played."""
UTILIZATION: Final = "pocketkube.dev/simulate-utilization"
"""Annotation of an autoscaler: what every metric is at, in percent of its target; 100 where absent."""
_OWN: Final = "pocketkube.dev/"
_FORMER: Final = "trueup.dev/simulate"
_FORMER_DOMAIN: Final = "trueup.dev/"


def wishes(said: Mapping[str, Any]) -> dict[str, Any]:
    """Annotations or labels by the names of today. What has a former name counts where none has today's."""
    former = {_OWN + name.removeprefix(_FORMER_DOMAIN): said[name] for name in said if name.startswith(_FORMER)}
    return {**former, **said}


def with_wishes(live: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object with its wishes by the names of today."""
    metadata = live.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if not any(name.startswith(_FORMER) for name in annotations):
        return live
    return {**live, "metadata": {**metadata, "annotations": wishes(annotations)}}
