"""Folders of an engine's own: one process has one, and what cannot be used is said in one sentence."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trueup.runtime.folder import LOCK, FolderUnusable, claimed, own_folder

REMEDY = "choose another folder"


def test_one_at_a_time_and_who_has_it_is_named(tmp_path: Path) -> None:
    with (
        claimed(tmp_path, "first", remedy=REMEDY),
        pytest.raises(FolderUnusable, match=rf"belongs to an engine that runs: process {os.getpid()} on .*--data"),
        claimed(tmp_path, "second", remedy=REMEDY),
    ):
        raise AssertionError("two have it")


def test_who_had_it_before_is_known_on_the_same_machine(tmp_path: Path) -> None:
    with claimed(tmp_path, "first", remedy=REMEDY) as before:
        assert before == ""
    with claimed(tmp_path, "second", remedy=REMEDY) as before:
        assert before == "first"
    (tmp_path / LOCK).write_bytes(b'{"identity":"far","pid":1,"host":"elsewhere","boot":"other"}')
    with claimed(tmp_path, "third", remedy=REMEDY) as before:
        assert before == "", "a lock says nothing of a process on another machine"


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time\nfrom trueup.runtime.folder import claimed\n"
        "with claimed(pathlib.Path(sys.argv[1]), 'killed', remedy=''):\n"
        "    print('has it', flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"has it\n"
    with pytest.raises(FolderUnusable, match=f"process {process.pid} "), claimed(tmp_path, "next", remedy=REMEDY):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    with claimed(tmp_path, "next", remedy=REMEDY) as before:
        assert before == "killed"


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"identity":3}', b"\xff" * 10])
def test_a_lock_file_that_says_nothing_is_free(tmp_path: Path, text: bytes) -> None:
    (tmp_path / LOCK).write_bytes(text)
    with claimed(tmp_path, "ours", remedy=REMEDY) as before:
        assert before == ""


def _file(root: Path) -> Path:
    (root / "there").write_text("")
    return root / "there"


def _below_a_file(root: Path) -> Path:
    return _file(root) / "below"


def _below_proc(_: Path) -> Path:
    return Path("/proc/trueup")


def _dangling(root: Path) -> Path:
    (root / "link").symlink_to(root / "nowhere" / "at" / "all")
    return root / "link"


def _loop(root: Path) -> Path:
    (root / "loop").symlink_to(root / "loop")
    return root / "loop"


def _too_long(root: Path) -> Path:
    return root / ("x" * 300)


@pytest.mark.parametrize(
    "place", [_file, _below_a_file, _below_proc, _dangling, _loop, _too_long], ids=lambda f: f.__name__.strip("_")
)
def test_a_folder_that_cannot_be_is_named_with_reason_and_remedy(place: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = place(tmp_path)
    with pytest.raises(FolderUnusable) as caught:
        own_folder(folder, remedy=REMEDY)
    assert str(folder)[:200] in caught.value.message
    assert caught.value.hint == REMEDY
    assert "Errno" not in caught.value.message


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "a" / "b", remedy=REMEDY)
    assert folder.stat().st_mode & 0o077 == 0
    assert list(folder.iterdir()) == []
