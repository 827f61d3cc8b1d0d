"""``make release``: what is handed out, what is in it, and whether anything in it is known to be vulnerable.

Into ``build/release``: the wheels, that of the engine also with our builder of kustomizations for this machine's kind
(without it kubectl builds them, at ten times the cost), and the source archive; ``requirements.txt``, which installs
the very versions that were tested, by hash; ``sbom.json``, the same as a CycloneDX bill of materials. Then pip-audit
asks PyPI's vulnerability service about each. Where that cannot be reached nobody has looked, and the target fails and
says so; ``ARGS=--no-audit`` builds without looking.
"""

import base64
import hashlib
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
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


def with_builder(wheel: Path, program: Path, tag: str) -> Path:
    """A wheel for one kind of machine, which brings the builder of kustomizations along.

    Args:
        tag: the kind, such as ``linux_x86_64``; the program is static, and asks for no version of a library.
    """
    inside, made = "trueup/bin/trueup-kustomizer", wheel.with_name(wheel.name.replace("-any.whl", f"-{tag}.whl"))
    content = program.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    with zipfile.ZipFile(wheel) as plain, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as special:
        entry = zipfile.ZipInfo(inside, (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100755 << 16
        special.writestr(entry, content, zipfile.ZIP_DEFLATED)
        info: dict[str, str] = {}
        for each in plain.infolist():
            data = plain.read(each)
            if each.filename.endswith(".dist-info/WHEEL"):
                data = data.replace(b"-none-any", f"-none-{tag}".encode()).replace(b"Purelib: true", b"Purelib: false")
                told = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                info[each.filename] = f"{each.filename},sha256={told},{len(data)}"
            if each.filename.endswith(".dist-info/RECORD"):
                lines = [info.get(line.partition(",")[0], line) for line in data.decode().splitlines()]
                data = "\n".join([f"{inside},sha256={digest},{len(content)}", *lines, ""]).encode()
            special.writestr(each, data, zipfile.ZIP_DEFLATED)
    return made


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
    program = OUTPUT.parent / "trueup-kustomizer"
    run(builder, str(ROOT / "tools/kustomize/build.py"), str(program))
    tag = f"manylinux_2_17_{platform.machine()}" if sys.platform == "linux" else sysconfig.get_platform()
    with_builder(next(OUTPUT.glob("trueup-*-any.whl")), program, tag.replace("-", "_").replace(".", "_"))
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
