"""Who writes an operator tests it on a cluster of the pytest plugin, by one flag on a real one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED, KUBERNETES

OPERATOR = """
import kopf


@kopf.on.create("example.org", "v1", "greetings")
def greet(spec, namespace, name, patch, **_):
    patch.status["text"] = f"Hello, {spec['whom']}"
"""
TEST = """
import json, os, subprocess, time

from kopf.testing import KopfRunner

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "greetings.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"plural": "greetings", "singular": "greeting", "kind": "Greeting"},
        "versions": [{
            "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        }],
    },
}
GREETING = {
    "apiVersion": "example.org/v1", "kind": "Greeting", "metadata": {"name": "first"}, "spec": {"whom": "world"},
}


def test_a_greeting_is_answered(cluster):
    def kubectl(*words, given=None):
        command = ["kubectl", "--kubeconfig", cluster.kubeconfig, *words]
        given = json.dumps(given) if given else None
        return subprocess.run(command, input=given, text=True, capture_output=True, check=True).stdout

    kubectl("apply", "-f", "-", given=DEFINITION)
    kubectl("wait", "--for=condition=Established", "crd/greetings.example.org", "--timeout=60s")
    os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
    with KopfRunner(["run", "--all-namespaces", "--standalone", "operator_under_test.py"], timeout=60):
        kubectl("apply", "-f", "-", given=GREETING)
        answered = "--for=jsonpath={.status.text}=Hello, world"
        kubectl("wait", answered, "greeting/first", "--timeout=60s")
    kubectl("create", "deployment", "web", "--image", "web")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
"""


@pytest.mark.parametrize("kind", [EMBEDDED, KUBERNETES])
def test_an_operator_runs_its_own_test(tmp_path: Path, kind: str, controlplane_folders: list[Path]) -> None:
    (tmp_path / "operator_under_test.py").write_text(OPERATOR)
    (tmp_path / "test_it.py").write_text(TEST)
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "KUBEBUILDER_ASSETS": str(controlplane_folders[0]),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cluster", kind, "test_it.py"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
