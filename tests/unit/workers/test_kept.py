"""Renderings on disk: what comes back is what was written, for what was asked; all else is rendered anew."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubegrammar import json
from trueup.model.manifest import Rendering
from trueup.render.confidential import holds_secrets
from trueup.render.job import HelmJob, HelmParameterSetting, Recipe
from trueup.render.output import manifest_of
from trueup.workers import kept
from trueup.workers.kept import Kept, KeptEntry, KeptFolder, clear, held, program


def key(name: str) -> str:
    return json.digest(name.encode())


def entry(name: str, data: str = "1") -> KeptEntry:
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": data}}
    manifest = manifest_of(value, f"{name}.yaml:1")
    return KeptEntry(
        Rendering(key=key(name), source_type="Directory", manifests=(manifest,), warnings=("w",), barren=("b",))
    )


def place(root: Path, name: str = "a") -> Path:
    return root / program() / key(name)


def test_another_process_reads_what_was_written(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path)
    folder.put(key("a"), entry("a"))
    folder.put(key("narrow"), KeptEntry(None))
    assert folder.get(key("a")) == KeptFolder(tmp_path).get(key("a")) == entry("a")
    assert KeptFolder(tmp_path).get(key("narrow")) == KeptEntry(None)
    assert KeptFolder(tmp_path).get(key("b")) is None
    assert place(tmp_path).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / program()).stat().st_mode & 0o777 == 0o700


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_damaged_is_no_entry_and_is_gone(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("kept")
    KeptFolder(root).put(key("a"), entry("a"))
    whole = place(root).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                whole[:at],
                whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
                whole[:at] + b"\0" + whole[at:],
                whole + b"x",
            ]
        )
    )
    place(root).write_bytes(damaged)
    folder = KeptFolder(root)
    assert folder.get(key("a")) is None
    folder.put(key("a"), entry("a"))
    assert KeptFolder(root).get(key("a")) == entry("a")


def renamed(root: Path) -> None:
    place(root).rename(place(root, "b"))


def of_another_version(root: Path) -> None:
    (root / program()).rename(root / ("0" * 16))


def linked(root: Path) -> None:
    place(root).rename(root / "elsewhere")
    place(root).symlink_to(root / "elsewhere")


def a_folder(root: Path) -> None:
    place(root).unlink()
    place(root).mkdir()


def a_pipe(root: Path) -> None:
    place(root).unlink()
    os.mkfifo(place(root))


def somebody_elses(root: Path) -> None:
    os.chown(place(root), 12345, -1)


def a_giant(root: Path) -> None:
    os.truncate(place(root), 1 << 40)


@pytest.mark.parametrize(
    "change",
    [renamed, of_another_version, linked, a_folder, a_pipe, somebody_elses, a_giant],
    ids=lambda each: each.__name__,
)
def test_what_is_not_ours_is_not_read(tmp_path: Path, change: Callable[[Path], None]) -> None:
    KeptFolder(tmp_path).put(key("a"), entry("a"))
    change(tmp_path)
    folder = KeptFolder(tmp_path)
    assert folder.get(key("a")) is None
    assert folder.get(key("b")) is None
    folder.put(key("c"), entry("c"))
    assert folder.get(key("c")) == entry("c"), "and the rest goes on"


def test_other_files_stay_and_halves_go(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path)
    folder.put(key("a"), entry("a"))
    (tmp_path / "notes").write_text("mine")
    (tmp_path / program() / "notes").write_text("mine")
    (tmp_path / program() / f".{key('b')}.1").write_bytes(b"half")
    (tmp_path / ("0" * 16)).mkdir()
    (tmp_path / ("0" * 16) / key("a")).write_bytes(b"former")
    assert held(tmp_path).former == 1
    KeptFolder(tmp_path).get(key("a"))
    names = sorted(each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*") if each.is_file())
    assert names == sorted(["notes", f"{program()}/notes", f"{program()}/{key('a')}"])
    assert clear(tmp_path) == 1
    assert held(tmp_path).entries == 0 and (tmp_path / program() / "notes").read_text() == "mine"
    assert folder.get(key("a")) is None
    folder.put(key("a"), entry("a"))
    assert folder.get(key("a")) == entry("a")


def test_the_least_recently_used_go_when_there_is_no_room(tmp_path: Path) -> None:
    size = len(kept._packed(key("0"), entry("0", os.urandom(500).hex())))
    folder = KeptFolder(tmp_path, room=20 * size)
    for number in range(40):
        folder.put(key(str(number)), entry(str(number), os.urandom(500).hex()))
        assert folder.get(key("0")) is not None, "it is used all the time"
    assert held(tmp_path).size <= 20 * size
    assert folder.get(key("39")) is not None and folder.get(key("1")) is None
    again = KeptFolder(tmp_path, room=5 * size)
    assert again.get(key("39")) is not None
    assert held(tmp_path).size <= 5 * size


def test_a_disk_that_refuses_costs_renders_and_is_told_once(tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "renders").write_text("a file is in the way")
    folder = KeptFolder(tmp_path / "renders")
    for _ in range(3):
        folder.put(key("a"), entry("a"))
        assert folder.get(key("a")) is None
    assert (tmp_path / "renders").read_text() == "a file is in the way"
    assert held(tmp_path / "renders").entries == 0 == clear(tmp_path / "renders")


async def test_nobody_waits_for_a_disk_that_does_not_answer(tmp_path: Path) -> None:
    asked, gate = threading.Event(), threading.Event()
    made = Kept(tmp_path, seconds=0.05)

    def hangs(_: str) -> None:
        asked.set()
        gate.wait()

    made._folder.get = hangs  # type: ignore[method-assign, assignment]
    try:
        assert await made.get(key("a")) is None
        assert asked.is_set()
        asked.clear()
        assert await made.get(key("a")) is None
        assert not asked.is_set(), "it is left alone for a while"
        made.put(key("a"), entry("a"))
    finally:
        gate.set()
        await made.close()


async def test_what_is_put_is_there_once_it_is_closed(tmp_path: Path) -> None:
    made = Kept(tmp_path)
    for number in range(50):
        made.put(key(str(number)), entry(str(number)))
    await made.close()
    assert held(tmp_path).entries == 50


def recipe(**job: Any) -> Recipe:
    return Recipe(key="k", tool="Helm", job=HelmJob("", "r", "n", **job))


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
HOLDERS = {
    "a Secret": (SECRET, recipe(), True),
    "a Secret of another group": ({**SECRET, "apiVersion": "x.example/v1"}, recipe(), False),
    "what says so": ({**SECRET, "kind": "ConfigMap"}, msgspec.structs.replace(recipe(), confidential=True), True),
    "a parameter under the name of a secret": (
        {**SECRET, "kind": "ConfigMap", "data": {"a": "user:hunter2\n"}},
        recipe(parameters=(HelmParameterSetting("db.password", "hunter2"),)),
        True,
    ),
    "a value under the name of a secret, in base64": (
        {**SECRET, "kind": "ConfigMap", "data": {"a": "aHVudGVyMg=="}},
        recipe(values="db: {password: hunter2}"),
        True,
    ),
    "a value with quotes": (
        {**SECRET, "kind": "ConfigMap", "data": {"a": 'x "q" y'}},
        recipe(values_object={"token": 'x "q" y'}),
        True,
    ),
    "values that are in no object": (
        {**SECRET, "kind": "ConfigMap", "data": {"a": "b"}},
        recipe(values="db: {password: hunter2}"),
        False,
    ),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_what_holds_a_secret_is_not_written(name: str) -> None:
    value, of, secret = HOLDERS[name]
    assert holds_secrets(of, [manifest_of(msgspec.json.decode(msgspec.json.encode(value)), "f")]) is secret


def test_a_change_of_the_program_is_another_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    KeptFolder(tmp_path).put(key("a"), entry("a"))
    monkeypatch.setattr(kept, "program", lambda: "f" * 16)
    assert KeptFolder(tmp_path).get(key("a")) is None


def test_the_thread_of_a_folder_ends_with_it(tmp_path: Path) -> None:
    async def use() -> None:
        made = Kept(tmp_path)
        await made.get(key("a"))
        await made.close()

    asyncio.run(use())
