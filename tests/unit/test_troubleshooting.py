"""What the page of troubles quotes is what Trueup says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text()
QUOTED = re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE)
OTHERS = {
    "trueup: command not found",
    "ensurepip is not available",
    'namespaces "web" not found',
    "attempting to grant RBAC permissions not currently held",
}
"""What a shell, Python and the API server say."""


def texts() -> Iterator[str]:
    """The texts of the source, ``…`` for what is put in; and what the Makefile says."""
    for file in (ROOT / "src" / "trueup").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    yield from re.findall(r"\$\(error ([^)]+)\)", (ROOT / "Makefile").read_text())


TEXTS = "\n".join(set(texts()))


def pattern(quoted: str) -> str:
    return ".*".join(map(re.escape, quoted.replace("'", "").split("…")))


@pytest.mark.parametrize("quoted", sorted(set(QUOTED) - OTHERS))
def test_a_message_of_the_page_is_in_the_source(quoted: str) -> None:
    assert re.search(pattern(quoted), TEXTS.replace("'", "")), quoted


def test_what_others_say_is_on_the_page() -> None:
    assert set(QUOTED) >= OTHERS
    assert len(QUOTED) > 25
