"""YAML as Kubernetes means it: read under limits, written so that every reader agrees.

Its parser is loaded with the first text: many commands could read YAML, and are given none.
"""

from typing import TYPE_CHECKING

from kubegrammar.facade import facade

if TYPE_CHECKING:
    from kubegrammar.yaml.errors import YamlError as YamlError
    from kubegrammar.yaml.errors import YamlLimits as YamlLimits
    from kubegrammar.yaml.read import Document as Document
    from kubegrammar.yaml.read import Loaded as Loaded
    from kubegrammar.yaml.read import load as load
    from kubegrammar.yaml.read import load_all as load_all
    from kubegrammar.yaml.write import dump as dump

_NAMES = {
    "errors": ("YamlLimits", "YamlError"),
    "read": ("Document", "Loaded", "load", "load_all"),
    "write": ("dump",),
}
"""What each module gives to the rest."""

if not TYPE_CHECKING:
    __getattr__ = facade(__name__, _NAMES)
