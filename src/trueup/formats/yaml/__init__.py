"""YAML as Kubernetes means it: read under limits, written so that every reader agrees."""

from trueup.formats.yaml.errors import Limits, YamlError
from trueup.formats.yaml.read import Document, Loaded, load, load_all
from trueup.formats.yaml.write import dump

__all__ = ["Document", "Limits", "Loaded", "YamlError", "dump", "load", "load_all"]
