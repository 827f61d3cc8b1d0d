"""YAML as Kubernetes means it: read under limits, written so that every reader agrees.

Its parser is loaded with the first text: many commands could read YAML, and are given none.
"""

from typing import TYPE_CHECKING

from trueup.formats.facade import facade

if TYPE_CHECKING:
    from trueup.formats.yaml.errors import Limits as Limits
    from trueup.formats.yaml.errors import YamlError as YamlError
    from trueup.formats.yaml.read import Document as Document
    from trueup.formats.yaml.read import Loaded as Loaded
    from trueup.formats.yaml.read import load as load
    from trueup.formats.yaml.read import load_all as load_all
    from trueup.formats.yaml.write import dump as dump

_NAMES = {
    "errors": ("Limits", "YamlError"),
    "read": ("Document", "Loaded", "load", "load_all"),
    "write": ("dump",),
}
"""What each module gives to the rest."""

if not TYPE_CHECKING:
    __getattr__ = facade(__name__, _NAMES)
