"""Blocks of commands paste into bash and zsh as they are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.labs.conftest import ROOT
from tests.labs.console import blocks

LISTED = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
PAGES = [ROOT / name for name in LISTED.split("\0") if name and not name.startswith("tests/")]
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1[^\n]*\n(?:.*\n)*?\2$", re.MULTILINE)
_PARTS = re.compile(r"(?P<single>'[^']*')|(?P<double>\"(?:\\.|[^\"\\])*\")|(?P<escaped>\\.)", re.DOTALL)

HOSTILE = {
    "a prompt": r"^\s*[$>%] ",
    "a comment, which an interactive zsh takes for a command or an argument": r"(?:^|\s)#",
    "a pattern that zsh refuses where nothing matches; quote it": r"[*?]|\[",
    "=word, which zsh replaces by the path of a program; quote it": r"(?:^|\s)=\w",
    "a reference to the history": r"!(?![\s=])",
    "a name in angle brackets, which is a redirection": r"<[a-z]",
}


def bare(text: str) -> str:
    """A block without what quotes keep from the shell: here-documents and quoted words become ``Q``."""

    def shown(match: re.Match[str]) -> str:
        # Within double quotes the history is expanded all the same.
        return "Q!x" if match["double"] and re.search(r"!(?![\s=\"])", match["double"]) else "Q"

    return _PARTS.sub(shown, _HERE.sub("<<Q", text))


def faults(text: str) -> list[str]:
    """What keeps a block from being pasted."""
    return [what for what, pattern in HOSTILE.items() if re.search(pattern, bare(text), re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_pastes_into_bash_and_zsh(page: Path) -> None:
    for block in blocks(page):
        list(block.commands)
        assert not faults(block.text), f"{page.name}:{block.line}: {faults(block.text)}\n{block.text}"
        for shell in filter(shutil.which, ("bash", "zsh")):
            read = subprocess.run([shell, "-n"], input=block.text, text=True, capture_output=True, check=False)
            assert (read.returncode, read.stderr) == (0, ""), f"{shell}: {page.name}:{block.line}"


def test_no_page_shows_prompts() -> None:
    for page in PAGES:
        assert not re.search(r"^(?:```console|\$ )", page.read_text(), re.MULTILINE), page


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("$ ls", "a prompt"),
        ("ls  # all", "a comment"),
        ("kubectl get -o jsonpath={.items[0]}", "a pattern"),
        ("curl http://a/?b", "a pattern"),
        ("trueup app get *", "a pattern"),
        ("echo =ls", "=word"),
        ('git commit -m "Wow!it"', "a reference"),
        ("trueup app get <name>", "a name in"),
    ],
)
def test_what_does_not_paste_is_found(text: str, wrong: str) -> None:
    assert [each.startswith(wrong) for each in faults(text)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "cat > a <<'END'\n# a *\nEND",
        "cat > a <<END\n- [?]\nEND\nls",
        "kubectl get -o jsonpath='{.items[0]}'",
        "export A=$(b --path)",
        "trueup sync --resource '!a:*'",
        "a --b=c",
        'git commit -m "Wow!"',
    ],
)
def test_what_pastes_is_let_through(text: str) -> None:
    assert faults(text) == []
