"""Log lines hold no credential, wherever in them it stands."""

from typing import Any

import pytest

from trueup.cli.logs import redacted

URL, MASKED = "https://ada:hunter2@git.example/x", "https://ada:******@git.example/x"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param({"error": f"fetch {URL}: no"}, {"error": f"fetch {MASKED}: no"}, id="in a text"),
        pytest.param({"objects": ["a", URL]}, {"objects": ["a", MASKED]}, id="in a list"),
        pytest.param({"source": {"repo": (URL,)}}, {"source": {"repo": [MASKED]}}, id="deep inside"),
        pytest.param({"count": 3, "name": "a:b@c"}, {"count": 3, "name": "a:b@c"}, id="what is no URL stays"),
    ],
)
def test_no_credential_of_a_url_is_logged(event: dict[str, Any], expected: dict[str, Any]) -> None:
    assert redacted(None, "", event) == expected
