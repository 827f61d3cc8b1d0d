"""What the page of troubles quotes is what Trueup says."""

import re
from pathlib import Path

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


def said() -> str:
    """The source and the Makefile, with texts that go on in the next line in one."""
    files = [*(ROOT / "packages").rglob("*.py"), ROOT / "Makefile"]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(file.read_text() for file in files)).replace("'", "")


def pattern(quoted: str) -> str:
    return ".*".join(map(re.escape, quoted.replace("'", "").split("…")))


def test_the_messages_of_the_page_are_in_the_source() -> None:
    source = said()
    assert [quoted for quoted in sorted(set(QUOTED) - OTHERS) if not re.search(pattern(quoted), source)] == []


def test_what_others_say_is_on_the_page() -> None:
    assert set(QUOTED) >= OTHERS
    assert len(QUOTED) > 25
