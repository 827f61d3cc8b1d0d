"""The guides do what they say, wherever they show a terminal."""

import re
from pathlib import Path

import pytest
from tests.labs.conftest import Newcomer
from tests.labs.console import Shell, blocks, follow
from tests.support.tiers import everywhere

pytestmark = everywhere

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = [guide for guide in sorted((DOCS / "guides").glob("*.md")) if any(block.run for block in blocks(guide))]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guide", GUIDES, ids=[guide.stem for guide in GUIDES])
async def test_a_guide_holds(guide: Path, newcomer: Newcomer) -> None:
    async with Shell(newcomer.checkout, newcomer.environment) as shell:
        try:
            await follow(guide, shell)
        finally:
            await shell.run("trueup sandbox down")


def test_the_guides_that_show_a_terminal_are_known() -> None:
    assert {guide.stem for guide in GUIDES} == {"from-argo-cd", "installation", "prerequisites"}


def test_links_between_the_pages_lead_somewhere() -> None:

    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
