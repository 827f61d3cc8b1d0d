"""Our own builder of kustomizations: Kustomize's library in a process that lasts, on files in its memory.

It is a program of its own (``tools/kustomize``), and comes with images and checkouts; where it is missing, kubectl
builds. It opens no file, so nothing but the inputs can be reached; a start is paid for once.
"""

import struct
import subprocess
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from trueup.workers.narrow import start_narrowed

ROOT = Path("/trueup-render")
"""Where the files are, in its words."""
_NAME = "trueup-kustomizer"
_HEADER = struct.Struct(">I")
_LARGEST = 256 * 1024 * 1024
_ENVIRONMENT = {"GOMAXPROCS": "1", "GOMEMLIMIT": "1GiB"}


class Layout(msgspec.Struct, frozen=True):
    """The files of a build.

    Attributes:
        files: by their paths.
        folders: links to folders, each with the real folder that it leads to.
    """

    files: Mapping[str, bytes]
    folders: Mapping[str, str]


class BuiltKustomization(msgspec.Struct, frozen=True):
    """What came of a build.

    Attributes:
        output: YAML.
        error: what Kustomize said instead.
        last: the process answers no more: something of this build would stay in its memory.
    """

    output: bytes = b""
    error: str = ""
    last: bool = False


class _Request(msgspec.Struct, frozen=True):
    path: str
    files: Mapping[str, bytes]
    folders: Mapping[str, str]
    restricted: bool


class KustomizerEnded(Exception):
    """It ended in the middle of a build."""


def program() -> Path | None:
    """The program of this installation; None where it did not come along."""
    beside = Path(__file__).parents[1] / "bin" / _NAME
    for candidate in (beside, Path(sysconfig.get_path("scripts"), _NAME)):
        if candidate.is_file():
            return candidate
    return None


class Kustomizer:
    """One such process, started when it is first needed, and again after it has ended."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def build(self, path: str, layout: Layout, *, restricted: bool) -> BuiltKustomization:
        """Build a folder.

        Args:
            restricted: a kustomization may name nothing beside its own folder.

        Raises:
            KustomizerEnded: it crashed, or there was not enough memory.
            OSError: it cannot be started.
        """
        body = msgspec.json.encode(_Request(path, layout.files, layout.folders, restricted))
        try:
            built = msgspec.json.decode(self._asked(body), type=BuiltKustomization)
        except (OSError, EOFError, msgspec.DecodeError) as error:
            if self._process is None:
                raise
            self.close()
            raise KustomizerEnded(str(error)) from error
        if built.last:
            self.close()
        return built

    def _asked(self, body: bytes) -> bytes:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = start_narrowed(self._place, _ENVIRONMENT)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(_HEADER.pack(len(body)) + body)
        self._process.stdin.flush()
        head = self._process.stdout.read(_HEADER.size)
        if len(head) < _HEADER.size:
            raise EOFError("no answer")
        (length,) = _HEADER.unpack(head)
        if length > _LARGEST:
            raise EOFError("an answer that is too large")
        answer = self._process.stdout.read(length)
        if len(answer) < length:
            raise EOFError("half an answer")
        return answer

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        process.wait()
