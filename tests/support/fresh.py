"""An installation of its own: wheels of this tree, away from the checkout."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).parent / "kubectl"
SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")


def install_wheels(folder: Path, *names: str) -> Path:
    """Build wheels of this workspace, install them into a new environment, and give that one's folder of programs.

    The dependencies are those of the environment that runs the tests: installing them anew would take a minute.
    """
    for name in names:
        build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
        _run(*build, folder=ROOT / "packages" / name)
    wheels = [str(wheel) for wheel in (folder / "dist").glob("*.whl")]
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # A line of a .pth file is a folder alone: the link to the checkout in that folder is not followed.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (environment / "bin" / "kubectl").symlink_to(KUBECTL)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index")
    _run(*pip, "--no-compile", "--disable-pip-version-check", *wheels)
    return environment / "bin"


def bare(home: Path, *programs: Path) -> dict[str, str]:
    """The variables of somebody who has just arrived: a home, and no programs but these and the system's."""
    return {"HOME": str(home), "PATH": os.pathsep.join([*map(str, programs), *SYSTEM]), "LANG": "C.UTF-8"}


def _run(*words: str, folder: Path = ROOT) -> None:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
