"""Which deployment a rollback goes back to, who its commit is by, and what of a difference is shown."""

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueup.cli.app.access import ApplicationView, read_view
from trueup.cli.app.deployments import deployment_before, moved_source
from trueup.cli.app.revert import holds_a_secret
from trueup.cli.identity import git_author, parse_author
from trueup.model.errors import TrueupError
from trueup.sources.writer import Author
from trueup.store.audit.versions import DeployedVersion

GOOD = DeployedVersion(at="2026-03-01T10:00:00Z", result="Succeeded", health="Healthy", worked=True)
DEGRADED = DeployedVersion(at="2026-03-01T10:00:00Z", result="Succeeded", health="Degraded", message="no image")
COMING = DeployedVersion(at="2026-03-01T10:00:00Z", result="Succeeded", health="Progressing")
LEFT = DeployedVersion(at="2026-03-01T10:00:00Z", result="Succeeded", health="Progressing", worked=True)
FAILED = DeployedVersion(at="2026-03-01T10:00:00Z", result="Failed")


def view(*revisions: str, tried: str = "", phase: str = "Failed") -> ApplicationView:
    history: list[dict[str, Any]] = [
        {"id": number, "revision": sha, "deployedAt": "2026-03-01T10:00:00Z"} for number, sha in enumerate(revisions)
    ]
    app = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd"},
    }
    spec = {
        "project": "default",
        "source": {"repoURL": "https://git.example.com/web.git", "path": "."},
        "destination": {},
    }
    status: dict[str, Any] = {"history": history}
    if tried:
        at = "2026-03-01T10:00:00Z"
        status["operationState"] = {"operation": {}, "phase": phase, "startedAt": at, "syncResult": {"revision": tried}}
    return read_view(msgspec.json.encode({**app, "spec": spec, "status": status}))


CHOICES: dict[str, tuple[ApplicationView, int | None, dict[str, DeployedVersion], tuple[int, tuple[str, ...]]]] = {
    "the one before": (view("a", "b", "c"), None, {}, (1, ())),
    "not one of the same commit": (view("a", "b", "b"), None, {}, (0, ())),
    "not one that was Degraded": (view("a", "b", "c"), None, {"b": DEGRADED}, (0, ("b",))),
    "not one whose sync failed": (view("a", "b", "c"), None, {"b": FAILED}, (0, ("b",))),
    "a good one, though the present one is bad": (view("a", "b", "c"), None, {"b": GOOD, "c": DEGRADED}, (1, ())),
    "a bad one where it is named": (view("a", "b", "c"), 1, {"b": DEGRADED}, (1, ())),
    "where a sync failed, the last that was deployed": (view("a", "b", tried="c"), None, {"c": FAILED}, (1, ())),
    "and where one does not end": (view("a", "b", tried="c", phase="Running"), None, {}, (1, ())),
    "where the same was tried again, the one before": (view("a", "b", tried="b"), None, {}, (0, ())),
    "where a sync succeeded, the one before": (view("a", "b", tried="b", phase="Succeeded"), None, {}, (0, ())),
    "not one that never came up": (view("a", "b", "c"), None, {"a": GOOD, "b": COMING}, (0, ("b",))),
    "one that had come up and was restarting": (view("a", "b", "c"), None, {"a": GOOD, "b": LEFT}, (1, ())),
    "one that never came up where it is named": (view("a", "b", "c"), 1, {"a": GOOD, "b": COMING}, (1, ())),
    "not one without a record where another has one": (view("a", "b", "c"), None, {"a": GOOD}, (0, ("b",))),
    "where none ever worked, the last not known as bad": (
        view("a", "b", "x", "c"),
        None,
        {"a": COMING, "b": COMING, "x": DEGRADED},
        (1, ("x",)),
    ),
    "bad ones are named once": (view("a", "b", "b", "x", "c"), None, {"b": DEGRADED, "x": FAILED}, (0, ("x", "b"))),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_deployment_to_go_back_to(name: str) -> None:
    given, deployment, known, expected = CHOICES[name]
    found = deployment_before(given, deployment, known)
    assert (found.entry.id, found.passed) == expected


@pytest.mark.parametrize(
    ("deployment", "known", "doubtful"),
    [
        (None, {"a": COMING, "b": COMING}, True),
        (None, {"c": DEGRADED}, True),
        (None, {"a": GOOD, "b": COMING}, False),
        (1, {"a": COMING, "b": COMING}, False),
        (None, {}, False),
    ],
    ids=["none ever worked", "none has a record", "one worked", "it is named", "nothing is on record at all"],
)
def test_a_target_that_nothing_speaks_for_is_doubtful(
    deployment: int | None, known: dict[str, DeployedVersion], doubtful: bool
) -> None:
    assert deployment_before(view("a", "b", "c"), deployment, known).doubtful is doubtful


@pytest.mark.parametrize(
    ("given", "deployment", "known", "why"),
    [
        (view(), None, {}, "no earlier deployment"),
        (view("a"), None, {}, "no earlier deployment"),
        (view("a", "b"), 9, {}, "no deployment 9"),
        (view("a", "b"), None, {"a": DEGRADED}, "not on record as bad"),
    ],
    ids=["no history", "one deployment", "an unknown ID", "only bad ones"],
)
def test_none_to_go_back_to(
    given: ApplicationView, deployment: int | None, known: dict[str, DeployedVersion], why: str
) -> None:
    with pytest.raises(TrueupError, match=why) as caught:
        deployment_before(given, deployment, known)
    assert "app history" in caught.value.hint


@pytest.mark.parametrize("text", ["", "Ada", "<a@b>", "Ada <>", "Ada <a b>", "Ada\n <a@b>", "x" * 2000, "A <a@b> x"])
def test_what_is_no_author(text: str) -> None:
    with pytest.raises(TrueupError, match="is no author"):
        parse_author(text)


def test_an_author_is_read() -> None:
    assert parse_author(" Ada Lovelace  <ada@example.com> ") == Author("Ada Lovelace", "ada@example.com")


def test_the_author_is_who_git_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        subprocess.run(["git", "-C", str(tmp_path), "config", key, value], check=True)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert git_author() == Author("Ada", "ada@example.com")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Grace")
    assert git_author() == Author("Grace", "ada@example.com")


@pytest.mark.parametrize(("tried", "bad"), [("", "b"), ("c", "c")], ids=["what is deployed", "what could not be"])
def test_what_is_taken_back(tried: str, bad: str) -> None:
    given = view("a", "b", tried=tried)
    target = deployment_before(given, None, {}).entry
    _, good, found = moved_source(given, target)
    assert (good, found) == (target.revision, bad)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"kind: Secret\n", True),
        (b'{"apiVersion":"v1","kind":"Secret","data":{}}', True),
        (b"items:\n- kind: Secret\n", True),
        (b"kind:   'Secret' # x\n", True),
        (b"kind: SecretList\n", True),
        (b"secretGenerator:\n- name: x\n  literals: [a=b]\n", True),
        (b"kind: SecretStore\n", False),
        (b"kind: ConfigMap\n", False),
        (b"secretName: web\n", False),
    ],
    ids=["YAML", "JSON on a line", "an item", "quoted", "a list", "a generator", "another kind", "no Secret", "a name"],
)
def test_files_that_hold_secrets_are_not_shown(content: bytes, secret: bool) -> None:
    assert holds_a_secret(content) is secret
