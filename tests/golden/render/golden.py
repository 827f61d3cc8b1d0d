"""What ``trueup render`` prints of the example repository, one file for each case.

``python -m tests.golden.render.golden`` writes the files anew from what the command prints now: read the difference
before you commit it.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support import commands

ROOT = Path(__file__).parent
EXAMPLES = Path(__file__).parents[3] / "examples"
CASES: dict[str, str] = {
    "plain.yaml": "plain",
    "plain-in-a-namespace.json": "plain --namespace shop -o json",
    "helm-with-values.yaml": (
        "helm --name blog --namespace blog --values helm/values-production.yaml --set image.tag=1.0.1"
    ),
    "helm-told-of-a-cluster.yaml": "helm --name old --kube-version 1.20 --set replicas=3",
    "kustomize-overlay.yaml": "kustomize/overlays/production --namespace shop",
    "app-of-apps.yaml": "apps --namespace argocd --set repoURL=https://git.example.com/you/examples.git",
    "every-folder-below.yaml": "hooks --directory-recurse --namespace hooks",
}


def checkout(folder: Path) -> Path:
    """A Git checkout of the examples, whose remote is the URL that the cases name."""
    shutil.copytree(EXAMPLES, folder)
    for command in (["init", "--quiet"], ["remote", "add", "origin", "git@git.example.com:you/examples.git"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def render(folder: Path, case: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a checkout."""
    return commands.run("render", *CASES[case].split(), folder=folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        examples = checkout(Path(folder) / "examples")
        for case in CASES:
            ran = render(examples, case)
            assert ran.returncode == 0, ran.stderr
            (ROOT / case).write_text(ran.stdout)


if __name__ == "__main__":
    main()
