"""Names of container images."""

import re
from typing import Final

_PART: Final = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH: Final = f"{_PART}(?:/{_PART})*"
_HOST: Final = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REFERENCE: Final = re.compile(
    rf"(?:(?P<domain>{_HOST}(?:\.{_HOST})*(?::[0-9]+)?)/)?(?P<path>{_PATH})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
"""As github.com/distribution/reference has it."""
_LONGEST: Final = 1024
_LONGEST_NAME: Final = 255
_DEFAULT_DOMAIN: Final = "docker.io"


def pull_policy(image: str) -> str:
    """The default ``imagePullPolicy``: ``Always`` where the tag is, or is left to be, ``latest``.

    Source: ``ParseImageName`` of k8s.io/kubernetes/pkg/util/parsers; a digest counts as a tag of its own, and a name
    that is none has no tag.
    """
    match = _REFERENCE.fullmatch(image) if len(image) <= _LONGEST else None
    if match is None or re.fullmatch("[a-f0-9]{64}", image):
        return "IfNotPresent"
    name = match["path"] if "/" in image else f"library/{match['path']}"
    if len(match["domain"] or _DEFAULT_DOMAIN) + 1 + len(name) > _LONGEST_NAME:
        return "IfNotPresent"
    tag, digest = match["tag"], match["digest"]
    return "Always" if tag == "latest" or not (tag or digest) else "IfNotPresent"
