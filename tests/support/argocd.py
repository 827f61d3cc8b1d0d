"""Argo CD's own definitions of our kinds, where a copy lies beside the checkout: every migration meets them."""

import os
from pathlib import Path
from typing import Any

from kubegrammar import yaml

FOLDER = Path(os.environ.get("ARGOCD_CRDS") or Path(__file__).parents[3] / "shared" / "data" / "argocd-crds")
PRESENT = FOLDER.is_dir()


def definition(kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of ``application`` or ``appproject``."""
    file = FOLDER / f"{kind}-crd.yaml"
    loaded = yaml.load(file.read_bytes(), str(file))
    assert isinstance(loaded, dict)
    return loaded
