"""Custom kinds do with definitions and objects what the real API server did."""

from typing import Any

import pytest
from tests.golden.custom.cases import all_cases, run


@pytest.mark.parametrize(("case", "expected"), [pytest.param(c, e, id=name) for name, c, e in all_cases()])
def test_like_the_real_server(case: dict[str, Any], expected: dict[str, Any]) -> None:
    assert run(case) == {key: value for key, value in expected.items() if key != "group"}
