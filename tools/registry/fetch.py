"""Puts Debian's docker-registry into the cache, without installing it: the tests run it beside our own registry.

Where apt is missing, it is built from its Go module instead. Prints the path of the binary.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "docker-registry"
MODULE = "github.com/distribution/distribution/v3/cmd/registry@v3.0.0"
SECONDS = 900


def main() -> int:
    """Find the binary, or fetch it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "trueup" / "registry"
    binary = folder / PACKAGE
    installed = shutil.which(PACKAGE)
    if installed and not binary.exists():
        print(installed)
        return 0
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            reasons = []
            for way in (from_debian, from_go):
                try:
                    found = way(Path(scratch))
                except (OSError, subprocess.SubprocessError) as error:
                    told = getattr(error, "stderr", b"") or b""
                    reasons.append(f"{way.__name__}: {error} {told.decode(errors='replace')[-400:]}")
                    continue
                found.chmod(0o755)
                found.rename(binary)
                break
            else:
                print("fetch.py: no docker-registry: " + "; ".join(reasons), file=sys.stderr)
                print("install Debian's package docker-registry, or Go", file=sys.stderr)
                return 1
    print(binary)
    return 0


def from_debian(scratch: Path) -> Path:
    """Download the package and unpack it; neither asks for root."""
    # As root apt would hand the download to a user who cannot write here.
    command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", PACKAGE]
    first = subprocess.run(command, cwd=scratch, capture_output=True, timeout=SECONDS, check=False)
    if first.returncode:
        # A fresh container has no lists of packages yet.
        subprocess.run(["apt-get", "update"], cwd=scratch, capture_output=True, timeout=SECONDS, check=True)
        subprocess.run(command, cwd=scratch, capture_output=True, timeout=SECONDS, check=True)
    (package,) = scratch.glob("*.deb")
    unpack = ["dpkg-deb", "-x", str(package), str(scratch / "tree")]
    subprocess.run(unpack, capture_output=True, timeout=SECONDS, check=True)
    return scratch / "tree" / "usr" / "bin" / PACKAGE


def from_go(scratch: Path) -> Path:
    """Build it."""
    environment = {**os.environ, "GOBIN": str(scratch)}
    subprocess.run(["go", "install", MODULE], env=environment, capture_output=True, timeout=SECONDS, check=True)
    return scratch / "registry"


if __name__ == "__main__":
    sys.exit(main())
