"""Workers that start together share the rewriting of assertions, which each would otherwise do for all tests.

pytest keeps what it has rewritten beside the tests. In a fresh checkout there is nothing yet, and workers go through
the same modules at the same time; so each begins with its share of them.
"""

import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, assertstate_key, get_cache_dir


def rewrite_share(config: pytest.Config, tests: Path) -> None:
    """Rewrite the worker's share of the modules that it is about to collect."""
    worker = getattr(config, "workerinput", None)
    if worker is None or sys.dont_write_bytecode:
        return
    number, workers = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    wanted = [Path(argument.partition("::")[0]).absolute() for argument in config.args]
    modules = [
        module for module in sorted(tests.rglob("test_*.py")) if any(module.is_relative_to(folder) for folder in wanted)
    ]
    for module in modules[number::workers]:
        rewrite(module, config)


def rewrite(module: Path, config: pytest.Config) -> None:
    """Rewrite a module as pytest does when it imports one, where that is not done yet."""
    folder = get_cache_dir(module)
    kept = folder / f"{module.stem}{PYC_TAIL}"
    if _read_pyc(module, kept) is None:
        folder.mkdir(exist_ok=True)
        source, code = _rewrite_test(module, config)
        _write_pyc(config.stash[assertstate_key], code, source, kept)
