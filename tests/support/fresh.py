"""An installation of its own: the wheel of this tree, away from the checkout."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).parent / "kubectl"
SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")


def install_wheel(folder: Path) -> Path:
    """Build the wheel, install it into a new environment, and give the environment's folder of programs.

    The dependencies are those of the environment that runs the tests: installing them anew would take a minute.
    """
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # A line of a .pth file is a folder alone: the link to the checkout in that folder is not followed.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (environment / "bin" / "kubectl").symlink_to(KUBECTL)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index")
    _run(*pip, "--no-compile", "--disable-pip-version-check", str(wheel))
    return environment / "bin"


def bare(home: Path, *programs: Path) -> dict[str, str]:
    """The variables of somebody who has just arrived: a home, and no programs but these and the system's."""
    return {"HOME": str(home), "PATH": os.pathsep.join([*map(str, programs), *SYSTEM]), "LANG": "C.UTF-8"}


def _run(*words: str) -> None:
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
