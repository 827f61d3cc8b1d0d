"""Whether an engine is there is read off its Lease."""

from datetime import UTC, datetime

import msgspec
import pytest

from trueup.cli.app.engine import alive

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
HELD = {"holderIdentity": "engine-1", "leaseDurationSeconds": 9, "renewTime": "2026-05-04T03:02:00.000000Z"}

LEASES = {
    "renewed a moment ago": (HELD, True),
    "renewed by a clock that is ahead": ({**HELD, "renewTime": "2026-05-04T03:02:09.000000Z"}, True),
    "not renewed for longer than it lasts": ({**HELD, "renewTime": "2026-05-04T03:01:40.000000Z"}, False),
    "given back": ({**HELD, "holderIdentity": ""}, False),
    "never renewed": ({"holderIdentity": "engine-1"}, False),
    "of another shape": ({"leaseDurationSeconds": "9s"}, False),
    "empty": ({}, False),
}


@pytest.mark.parametrize("lease", LEASES)
def test_an_engine_is_there_while_its_lease_is_held(lease: str) -> None:
    spec, held = LEASES[lease]
    assert alive(msgspec.json.encode({"spec": spec}), NOW) is held
