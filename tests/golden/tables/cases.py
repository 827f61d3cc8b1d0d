"""Tables that a real kube-apiserver made of objects.

``cases.yaml`` says which objects; ``<case>.expected.yaml`` has the Tables with these objects inside, the descriptions
of columns and managedFields left out. ``python -m tests.golden.tables.record`` writes it.
"""

from pathlib import Path
from typing import Any

from tests.support import plainyaml

Json = dict[str, Any]
FOLDER = Path(__file__).parent


def load_cases() -> list[Json]:
    cases: list[Json] = plainyaml.read((FOLDER / "cases.yaml").read_text())
    return cases


def expected_path(case: str) -> Path:
    return FOLDER / f"{case}.expected.yaml"


def plain(table: Json) -> Json:
    """A Table without what need not be the same."""
    for column in table["columnDefinitions"]:
        column.pop("description")
    for row in table["rows"]:
        row["object"]["metadata"].pop("managedFields", None)
    return table
