"""Builds our own builder of kustomizations, a static program around Kustomize's library.

The version is that of ``go.mod``, and has to be that of kubectl (``kubectl version``), which builds where this program
is missing. Usage: build.py [TARGET]; the target is the package's own folder by default. Needs the standard library
alone.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "packages/trueup/src/trueup/bin/trueup-kustomizer"
VERSION = "v5.8.1"
"""Of Kustomize: what its library of ``go.mod`` belongs to, and what kubectl has; it labels objects with it."""


def build(target: Path = TARGET) -> Path:
    """The program, built where a source is newer than it."""
    sources = [*HERE.glob("*.go"), HERE / "go.mod", HERE / "go.sum"]
    if target.is_file() and target.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    go = runpy.run_path(str(HERE.parent / "controlplane" / "build.py"))
    flags = f"-s -w -X sigs.k8s.io/kustomize/api/provenance.version={VERSION}"
    command = [go["find_go"]((1, 24)), "build", "-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={flags}"]
    subprocess.run([*command, "-o", str(half), "."], cwd=HERE, env=go["go_environment"](), check=True)
    half.replace(target)
    return target


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
