"""``make release``: what is handed out, what is in it, and whether anything in it is known to be vulnerable.

Into ``build/release``: the wheels and the source archive; ``requirements.txt``, which installs the very versions that
were tested, by hash; ``sbom.json``, the same as a CycloneDX bill of materials. Then pip-audit asks PyPI's vulnerability
service about each. Where that cannot be reached nobody has looked, and the target fails and says so;
``ARGS=--no-audit`` builds without looking.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNTIME = Path(__file__).parent / "runtime.lock"
OUTPUT = ROOT / "build" / "release"
AUDIT = ["pip_audit", "--requirement", str(RUNTIME), "--require-hashes", "--disable-pip", "--strict"]
UNASKED = """nobody has looked for known vulnerabilities: the service did not answer, or not for every version.
What was built is in build/release. Where pypi.org can be reached, look with `make release`; to release without having
looked, run `make release ARGS=--no-audit`."""


def run(*words: str, folder: Path = ROOT) -> None:
    """Run a tool."""
    subprocess.run(words, cwd=folder, check=True)


def audit(python: str) -> int:
    """Ask about every version that is handed out; 0 when none is known to be vulnerable."""
    asked = subprocess.run([python, "-m", *AUDIT], cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stdout.write(asked.stdout)
    # Without --strict a version that the service does not know would count as sound.
    sys.stderr.write(asked.stderr[-2000:])
    if asked.returncode and not asked.stderr.startswith("Found"):
        print(UNASKED, file=sys.stderr)
    return asked.returncode


def main() -> int:
    """Build, list and look.

    Its arguments: the Python that builds, the one that has the release tools, then options.
    """
    builder, tools, *options = sys.argv[1:]
    if set(options) - {"--no-audit"}:
        print("options: --no-audit", file=sys.stderr)
        return 2
    builder = str(ROOT / builder)  # it runs in the folder of each package
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    for package in sorted((ROOT / "packages").iterdir()):
        run(builder, "-m", "hatchling", "build", "-t", "wheel", "-d", str(OUTPUT), folder=package)
    run("git", "archive", "--prefix=trueup/", f"--output={OUTPUT / 'trueup.tar.gz'}", "HEAD")
    shutil.copy(RUNTIME, OUTPUT / "requirements.txt")
    listed = ["requirements", str(RUNTIME), "--pyproject", "packages/trueup/pyproject.toml", "--output-reproducible"]
    run(tools, "-m", "cyclonedx_py", *listed, "--output-file", str(OUTPUT / "sbom.json"))
    for file in sorted(OUTPUT.iterdir()):
        print(file.relative_to(ROOT))
    if "--no-audit" in options:
        print("nobody has looked for known vulnerabilities: --no-audit", file=sys.stderr)
        return 0
    return audit(tools)


if __name__ == "__main__":
    sys.exit(main())
