"""Rules of the code that no linter has: a module has one noun and fits in the head, and a name means one thing.

``rules.py`` names what breaks one, a line each, and what to do.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = 400
"""Of a module, at most."""


def modules(root: Path = ROOT) -> Iterator[Path]:
    """All modules of the packages, but for those that a compiler wrote."""
    for path in sorted(root.glob("packages/*/src/**/*.py")):
        if not path.stem.endswith("_pb2"):
            yield path


def long_modules(root: Path = ROOT) -> Iterator[str]:
    """Modules that are longer than one reads at a sitting."""
    for path in modules(root):
        count = len(path.read_text().splitlines())
        if count > LINES:
            yield f"{path.relative_to(root)}: {count} lines, at most {LINES}: give one of its nouns a module of its own"


def doubled_names(root: Path = ROOT) -> Iterator[str]:
    """Names of public classes that two notions share."""
    found = defaultdict(list)
    for path in modules(root):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(f"{path.relative_to(root)}:{node.lineno}")
    for name, places in sorted(found.items()):
        if len(places) > 1:
            yield f"class {name} is defined twice ({', '.join(places)}): say in its name what it is"


def main() -> int:
    """The exit code of the check."""
    broken = [*long_modules(), *doubled_names()]
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
