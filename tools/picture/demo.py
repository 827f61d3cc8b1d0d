"""Draws ``docs/pictures/demo.svg``: what a terminal shows of a real ``trueup demo`` after somebody has scaled by hand.

Run it by the environment of the checkout: ``.venv/bin/python tools/picture/demo.py``.
"""

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from rich.console import Console  # noqa: TID251 - it is no command of Trueup
from rich.text import Text

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
COLUMNS, ROWS = 104, 60
SECONDS = 180.0
_FONTS = re.compile(r"@font-face \{[^}]*\}\s*")
"""A picture asks no server for letters."""
_MOVES = re.compile(r"(\x1b\[H\x1b\[2J|\x1b\[\d+A\r\x1b\[J)")


def screen(output: str) -> list[str]:
    """The lines that stand on a terminal in the end; of all that may be written to one, what the demo writes."""
    lines = [""]
    for piece in _MOVES.split(output.replace("\r\n", "\n")):
        if piece.startswith("\x1b[H"):
            lines = [""]
        elif _MOVES.fullmatch(piece):
            del lines[-1 - int(piece[2 : piece.index("A")]) :]
            lines.append("")
        else:
            first, *rest = piece.split("\n")
            lines[-1] += first
            lines += rest
    return lines


class Terminal:
    """The demo in a terminal of its own."""

    def __init__(self) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TERM": "xterm-256color"}
        self.output = ""
        self.process = subprocess.Popen(
            [PROGRAMS / "trueup", "demo"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd="/"
        )
        os.close(theirs)
        threading.Thread(target=self._read, args=(ours,), daemon=True).start()

    def _read(self, descriptor: int) -> None:
        with io.open(descriptor, "r", newline="", errors="replace") as lines:  # noqa: UP020 - of a descriptor
            try:
                while piece := os.read(lines.fileno(), 1 << 16):
                    self.output += piece.decode(errors="replace")
            except OSError:
                return

    def until(self, text: str) -> None:
        """Wait until it has said so."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"the demo did not say {text!r}:\n{self.output[-2000:]}")
            time.sleep(0.1)


def main() -> None:
    """Run it, scale, and draw."""
    terminal = Terminal()
    try:
        terminal.until("every application is Synced and Healthy")
        said = [line.strip() for line in screen(terminal.output)]
        commands = [line for line in said if line.startswith(("export KUBECONFIG", "kubectl"))]
        subprocess.run(["bash", "-c", f'export PATH="{PROGRAMS}:$PATH"\n' + "\n".join(commands)], check=True)
        terminal.until("put back")
        time.sleep(3)
        lines = screen(terminal.output)
    finally:
        terminal.process.send_signal(signal.SIGINT)
        terminal.process.wait(60)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in (line for line in lines if not line.startswith("•")):
        console.print(Text.from_ansi(line), soft_wrap=True)
    drawn = _FONTS.sub("", console.export_svg(title="trueup demo"))
    (ROOT / "docs" / "pictures" / "demo.svg").write_text(drawn)


if __name__ == "__main__":
    main()
