"""What the audit log tells about requests."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueup.demo.audit import read_audit


def event(verb: str = "create", query: str = "", code: int = 201, user: str = "trueup", **ref: str) -> bytes:
    found: dict[str, Any] = {
        "kind": "Event",
        "verb": verb,
        "requestURI": f"/api/v1/namespaces/shop/configmaps{query}",
        "user": {"username": user},
        "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "web", **ref},
        "responseStatus": {"code": code},
    }
    return msgspec.json.encode(found) + b"\n"


WRITTEN: dict[str, tuple[bytes, bool]] = {
    "a create is a write": (event(), True),
    "a delete is a write": (event("delete", code=200), True),
    "a patch is a write": (event("patch", "?fieldManager=x&force=true", 200), True),
    "a read is none": (event("get", code=200), False),
    "a dry run is none": (event("patch", "?dryRun=All&fieldManager=x", 200), False),
    "a refusal is none": (event("patch", code=409), False),
}


@pytest.mark.parametrize(("line", "expected"), WRITTEN.values(), ids=WRITTEN.keys())
def test_written(tmp_path: Path, line: bytes, expected: bool) -> None:
    (tmp_path / "audit.log").write_bytes(line)
    assert [entry.written for entry in read_audit(tmp_path / "audit.log")] == [expected]


def test_a_half_written_line_is_left_for_the_next_reading(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_bytes(event() + event()[:40])
    assert len(read_audit(tmp_path / "audit.log")) == 1


def test_reading_goes_on_from_an_offset_and_keeps_to_a_user(tmp_path: Path) -> None:
    first = event(user="kube")
    (tmp_path / "audit.log").write_bytes(first + event(user="kube") + event())
    assert len(read_audit(tmp_path / "audit.log", len(first))) == 2
    assert [entry.user.username for entry in read_audit(tmp_path / "audit.log", user="trueup")] == ["trueup"]


def test_a_target_names_kind_place_and_subresource(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_bytes(event(apiGroup="apps", resource="deployments", subresource="status"))
    assert read_audit(tmp_path / "audit.log")[0].target == "deployments.apps/shop/web/status"
