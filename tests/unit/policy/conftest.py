"""Applications and projects, as their YAML would read."""

from typing import Any

import msgspec
import pytest

from trueup.model.application import Application
from trueup.model.project import Project

SOURCE = {"repoURL": "https://git.example/shop", "path": "deploy"}
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
EVERYTHING = {
    "sourceRepos": ["*"],
    "destinations": [{"server": "*", "namespace": "*"}],
    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
}


class Build:
    """Makes the two objects from the parts a test is about."""

    def app(
        self, *, namespace: str = "argocd", name: str = "shop", annotations: Any = None, **spec: Any
    ) -> Application:
        metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
        whole = {"source": SOURCE, "destination": DESTINATION, "project": "team"} | spec
        return msgspec.convert({"metadata": metadata, "spec": whole}, Application)

    def project(self, **spec: Any) -> Project:
        return msgspec.convert(
            {"metadata": {"name": "team", "namespace": "argocd"}, "spec": EVERYTHING | spec}, Project
        )


@pytest.fixture
def build() -> Build:
    return Build()
