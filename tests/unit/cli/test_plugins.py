"""Credential plug-ins as real programs: their environment, their errors, their ends."""

from pathlib import Path

import pytest

from trueup.cli import plugins
from trueup.kube.errors import ConfigError
from trueup.kube.plugin import ExecPlugin


def program(folder: Path, script: str) -> ExecPlugin:
    file = folder / "get-token"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return ExecPlugin(place="config: user", command=str(file), api_version="v1", env=(("REGION", "north"),))


async def test_it_has_the_users_environment_and_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "work")
    found = await plugins.run(program(tmp_path, 'echo "$PROFILE $REGION ${KUBERNETES_EXEC_INFO%%:*}"'))
    assert found == b'work north {"kind"\n'


FAILURES = {
    "its last words are told, what it printed is not": (
        "echo s3cr3t; echo first >&2; echo no login >&2; exit 3",
        "ended with 3: no login",
    ),
    "more than a credential is no credential": ("head -c 2000000 /dev/zero", "printed more than"),
    "a signal is told": ("kill -9 $$", "ended with -9"),
}


@pytest.mark.parametrize(("script", "text"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_is_told(tmp_path: Path, script: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await plugins.run(program(tmp_path, script))
    assert text in caught.value.message
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.hint


async def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "SECONDS", 0.2)
    with pytest.raises(ConfigError, match=r"not done after 0.2 s: still here"):
        await plugins.run(program(tmp_path, "echo still here >&2; exec sleep 60"))


async def test_one_that_is_missing_is_told_with_its_authors_words(tmp_path: Path) -> None:
    missing = ExecPlugin(place="a", command="no-such-program", api_version="v1", install_hint="get it\nfrom us")
    with pytest.raises(ConfigError, match="cannot start no-such-program") as caught:
        await plugins.run(missing)
    assert caught.value.hint == "get it from us"
