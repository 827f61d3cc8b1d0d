"""What a start may not load: it is most of what `pocketkube up` takes."""

import subprocess
import sys

import pytest

UNWANTED = {
    "a command that starts, ends or looks for a cluster": ("pocketkube.cli", ("asyncio", "aiohttp", "cryptography")),
    "a cluster": ("pocketkube.serving", ("typer", "rich", "prompt_toolkit", "pygments")),
}


@pytest.mark.parametrize("who", UNWANTED)
def test_what_it_does_not_need_is_not_loaded(who: str) -> None:
    module, unwanted = UNWANTED[who]
    look = f"import {module}, sys; print(*(name for name in {unwanted} if name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_the_command_line_of_the_expression_library_can_still_be_had() -> None:
    look = "import pocketkube.cluster.custom.library, sys; print('cel.cli' in sys.modules); import cel.cli; cel.cli.app"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False"]
