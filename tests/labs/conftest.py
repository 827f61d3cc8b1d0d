"""What a newcomer has: a checkout, and next to nothing installed."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("python3", "git", "make", "bash", "sh")
"""What the pages ask for, and the shell that they are pasted into."""
SYSTEM = (
    *("awk", "basename", "cat", "chmod", "date", "dirname", "env", "getconf", "grep", "head", "ls", "mkdir"),
    *("mktemp", "mv", "rm", "sed", "sleep", "sort", "tail", "touch", "tr", "uname", "which"),
)
"""What every Linux has."""


class Newcomer:
    """Somebody who has cloned the repository.

    Attributes:
        checkout: his clone of this tree, installed as ``make install`` would, but for the download of dependencies.
        environment: all variables that he has.
    """

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "trueup"
        home, programs = folder / "home", folder / "bin"
        for made in (self.checkout, home, programs):
            made.mkdir()
        for name in PROGRAMS + SYSTEM:
            found = sys.executable if name == "python3" else shutil.which(name)
            if found:
                (programs / name).symlink_to(Path(found).resolve())
        self.environment = {"PATH": str(programs), "HOME": str(home), "LANG": "C.UTF-8", "USER": "you"}
        self._clone()
        self._install()

    def _clone(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if not name.startswith("tests/") and (ROOT / name).exists():
                target = self.checkout / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target, follow_symlinks=False)

    def _install(self) -> None:
        environment = self.checkout / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        # A line of a .pth file is a folder alone: the link to the tree of the tests in that folder is not followed.
        ours = [str(self.checkout / "packages" / name / "src") for name in ("kubegrammar", "pocketkube", "trueup")]
        (packages / "_trueup.pth").write_text("\n".join([*ours, sysconfig.get_path("purelib"), ""]))
        script = environment / "bin" / "trueup"
        script.write_text(f"#!{environment / 'bin' / 'python'}\nfrom trueup.cli.main import main\n\nmain()\n")
        script.chmod(0o755)
        (environment / "bin" / "kubectl").symlink_to(Path(sys.executable).parent / "kubectl")
        (environment / ".installed").touch()


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)
