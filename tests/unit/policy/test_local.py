"""Who may sync manifests of their own machine, and what stays of them."""

from typing import Any

import msgspec
import pytest
from tests.unit.policy.conftest import Build

from trueup.model.application import NameValue, Operation, SyncOperation
from trueup.model.errors import InvalidSpec
from trueup.policy.local import (
    LARGEST,
    MOST,
    admit_local,
    marked_local,
    without_manifests,
)
from trueup.policy.origin import NOTE, is_local, local_origin

LOCAL = Operation(sync=SyncOperation(manifests=["{}"]))
DRY = Operation(sync=SyncOperation(manifests=["{}"], dry_run=True))
AUTOMATED: dict[str, Any] = {"syncPolicy": {"automated": {}}}

REFUSED: dict[str, tuple[Operation, dict[str, Any], dict[str, Any], str]] = {
    "automated sync would undo it": (LOCAL, AUTOMATED, {}, "cannot use local sync when Automatic Sync Policy"),
    "nobody has signed it": (LOCAL, {}, {"signatureKeys": [{"keyID": "A"}]}, "when signature verification is required"),
    "nobody has signed it, by the newer field": (LOCAL, {}, {"sourceIntegrity": {"git": {}}}, "signature verification"),
    "not even for a dry run": (DRY, AUTOMATED, {"signatureKeys": [{"keyID": "A"}]}, "signature verification"),
    "a project that names its repositories": (LOCAL, {}, {"sourceRepos": ["https://git.example/*"]}, "sourceRepos"),
    "a project that denies some": (LOCAL, {}, {"sourceRepos": ["!https://git.example/*"]}, "sourceRepos"),
    "a project that takes from every host": (LOCAL, {}, {"sourceRepos": ["**", "https://**"]}, "sourceRepos"),
    "a project that permits nothing": (LOCAL, {}, {"sourceRepos": []}, "sourceRepos"),
    "too many": (Operation(sync=SyncOperation(manifests=["{}"] * (MOST + 1))), {}, {}, f"{MOST + 1} manifests"),
    "too large": (Operation(sync=SyncOperation(manifests=["x" * LARGEST])), {}, {}, "bytes, more than the 512 KiB"),
    "too large as an API server stores it": (
        Operation(sync=SyncOperation(manifests=["<" * (LARGEST // 5)])),
        {},
        {},
        "bytes, more than",
    ),
    "too large as JSON": (Operation(sync=SyncOperation(manifests=['"' * (LARGEST // 2)])), {}, {}, "bytes, more than"),
}
PERMITTED: dict[str, tuple[Operation, dict[str, Any], dict[str, Any]]] = {
    "an application on demand": (LOCAL, {}, {}),
    "automation that is switched off": (LOCAL, {"syncPolicy": {"automated": {"enabled": False}}}, {}),
    "a dry run of one that syncs itself": (DRY, AUTOMATED, {}),
    "any repository among others": (LOCAL, {}, {"sourceRepos": ["https://git.example/*", "*"]}),
    "a sync from Git is no matter of this": (
        Operation(sync=SyncOperation()),
        AUTOMATED,
        {"sourceRepos": ["https://x"]},
    ),
    "no sync at all": (Operation(), AUTOMATED, {}),
}


@pytest.mark.parametrize(("operation", "spec", "project", "told"), REFUSED.values(), ids=REFUSED)
def test_local_manifests_are_refused(
    build: Build, operation: Operation, spec: dict[str, Any], project: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        admit_local(build.app(**spec), build.project(**project), operation)
    assert told in caught.value.message and caught.value.hint


@pytest.mark.parametrize(("operation", "spec", "project"), PERMITTED.values(), ids=PERMITTED)
def test_local_manifests_are_permitted(
    build: Build, operation: Operation, spec: dict[str, Any], project: dict[str, Any]
) -> None:
    admit_local(build.app(**spec), build.project(**project), operation)


def test_an_application_of_a_namespace_that_the_project_does_not_take_brings_nothing(build: Build) -> None:
    with pytest.raises(InvalidSpec, match="is not permitted to use project"):
        admit_local(build.app(namespace="elsewhere"), build.project(), LOCAL)


def test_an_operation_with_manifests_has_neither_revision_nor_source_and_leaves_its_digest() -> None:
    beside = {"revision": "main", "revisions": ["a"], "source": {"repoURL": "x"}}
    sent = msgspec.convert({"sync": {"manifests": ["{}", "[]"], **beside}}, Operation)
    begun = marked_local(sent)
    assert begun.sync == SyncOperation(manifests=["{}", "[]"])
    assert is_local(begun) and local_origin(begun).startswith("2 manifests, sha256:")
    assert local_origin(begun).endswith(", from a person's machine, not from Git")
    left = without_manifests(begun)
    assert left.sync == SyncOperation() and local_origin(left) == local_origin(begun)
    assert marked_local(begun) == begun, "it is the same at each step"


def test_a_note_that_somebody_else_wrote_makes_no_operation_local() -> None:
    forged = Operation(sync=SyncOperation(revision="main"), info=[NameValue(name=NOTE, value="9 manifests")])
    honest = marked_local(forged)
    assert honest == Operation(sync=SyncOperation(revision="main"))
    assert not is_local(honest) and local_origin(honest) == "" and without_manifests(honest) == honest
