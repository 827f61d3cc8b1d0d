"""What the authors of an Application say in it: it may be told, whatever secret it equals."""

from typing import Any

import msgspec
import pytest
from tests.support.plans import live_of, manifest

from trueup.controllers.application import _words

SAID = "operation told by its author"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param({"operation": {"info": [{"name": "Reason", "value": SAID}]}}, True, id="an operation's info"),
        pytest.param({"spec": {"source": {"path": SAID}}}, True, id="the specification"),
        pytest.param({"operation": {"sync": {"revision": SAID}}}, True, id="the rest of a sync"),
        pytest.param({"operation": {"sync": {"manifests": [SAID]}}}, False, id="not manifests that come along"),
        pytest.param({"status": {"operationState": {"message": SAID}}}, False, id="nor the status"),
        pytest.param({"operation": [SAID]}, True, id="an operation that is none"),
        pytest.param({"operation": {"sync": SAID}}, True, id="a sync that is none"),
    ],
)
def test_words_of_an_application(content: dict[str, Any], told: bool) -> None:
    live = live_of(manifest("ConfigMap", "web"), body=msgspec.json.encode(content))
    assert any(SAID in text for text in _words(live)) is told
