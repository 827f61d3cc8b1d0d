"""``make fuzz``: the targets of ``tests/fuzz`` under atheris, which looks for inputs that reach new code.

    make fuzz                          # every target, a minute each
    make fuzz ARGS="yaml urls"         # these
    make fuzz ARGS="yaml -max_total_time=3600"

What starts with a dash goes to libFuzzer. New inputs are kept in ``build/fuzz``; one that fails is named there: put it
into ``tests/fuzz/seeds`` once it is mended.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 60


def fuzz(target: str, options: list[str]) -> None:
    """Run one target in this process; atheris ends it."""
    import atheris

    with atheris.instrument_imports(include=["trueup"]):
        from tests.fuzz.targets import TARGETS
    corpus = ROOT / "build" / "fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={SECONDS}", "-max_len=8192", "-timeout=20", "-rss_limit_mb=1024"]
    places = [str(corpus), str(ROOT / "tests" / "fuzz" / "seeds" / target)]
    artifacts = f"-artifact_prefix={corpus}-"
    atheris.Setup([sys.argv[0], *limits, artifacts, *options, *places], TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    """Run the targets that are named, else all, each in a process of its own."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.path.insert(0, str(ROOT))
    if os.environ.get("TRUEUP_FUZZ"):
        fuzz(names[0], options)
        return 0
    from tests.fuzz.targets import TARGETS

    if unknown := set(names) - TARGETS.keys():
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or list(TARGETS):
        print(f"--- {name}", flush=True)
        environment = {**os.environ, "TRUEUP_FUZZ": "1"}
        if subprocess.run(
            [sys.executable, __file__, name, *options], env=environment, cwd=ROOT, check=False
        ).returncode:
            failed.append(name)
    if failed:
        print(f"findings in: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
