"""The names in a request: no object of Kubernetes has a longer one, so nothing longer is looked up or repeated."""

from collections.abc import Iterable
from typing import Final

from trueup.server.errors import Code, Fault
from trueup.server.request import Json

LONGEST_NAME: Final = 253
"""Characters."""
_NAMES: Final = (
    "appName",
    "appNamespace",
    "applicationName",
    "container",
    "group",
    "kind",
    "name",
    "namespace",
    "podName",
    "project",
    "projects",
    "resourceName",
    "resourceNamespace",
    "resourceUID",
    "version",
)
"""Fields of requests that name something."""


def bounded(message: Json) -> Json:
    """A message whose names can be names.

    Raises:
        Fault: one is longer; it says which field, and not what is in it.
    """
    for field in _NAMES:
        if any(len(text) > LONGEST_NAME for text in _texts(message.get(field))):
            raise Fault(Code.INVALID_ARGUMENT, f"{field} is longer than {LONGEST_NAME} characters")
    return message


def _texts(value: object) -> Iterable[str]:
    return (each for each in (value if isinstance(value, list) else (value,)) if isinstance(each, str))
