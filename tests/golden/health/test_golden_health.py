"""The health of one object, kind by kind: a file pair for each rule."""

from pathlib import Path

import pytest
from tests.golden.health.golden import ROOT, expected_path, inputs, verdict

from kubegrammar.yaml import load


@pytest.mark.parametrize("path", inputs(), ids=lambda path: str(path.relative_to(ROOT)).removesuffix(".input.yaml"))
def test_an_object_has_the_health_its_pair_expects(path: Path) -> None:
    expected = expected_path(path)
    assert verdict(path) == load(expected.read_bytes(), str(expected))


def test_every_expected_file_has_its_input() -> None:
    assert sorted(ROOT.glob("*/*.expected.yaml")) == [expected_path(path) for path in inputs()]
