"""What ``trueup app create`` refuses before it asks a cluster."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kubegrammar.yaml import dump
from trueup.cli.app.create import create
from trueup.model.errors import TrueupError

AUTOMATION = ("--auto-prune", "--self-heal", "--allow-empty")
POLICIES: dict[str, tuple[dict[str, Any] | None, tuple[str, ...]]] = {
    "no policy": (None, ()),
    "policy none": (None, ("--sync-policy", "none")),
    "policy manual": (None, ("--sync-policy", "manual")),
    "a file without automation": ({"syncOptions": ["Prune=false"]}, ()),
    "a file whose automation is switched off": ({"automated": {"enabled": False}}, ()),
    "a file's automation taken away by the policy": ({"automated": {}}, ("--sync-policy", "none")),
    "a file whose policy is null": ({}, ()),
}


@pytest.mark.parametrize("flag", AUTOMATION)
@pytest.mark.parametrize("name", POLICIES)
def test_what_belongs_to_automated_sync_is_refused_without_it(tmp_path: Path, name: str, flag: str) -> None:
    policy, arguments = POLICIES[name]
    given = ["web", "--repo", "https://git.example.com/web.git", "--path", "."]
    if policy is not None:
        manifest = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "web"},
            "spec": {
                "project": "default",
                "source": {"repoURL": "https://git.example.com/web.git", "path": "."},
                "syncPolicy": policy or None,
            },
        }
        (tmp_path / "app.yaml").write_text(dump(manifest))
        given = ["-f", str(tmp_path / "app.yaml")]
    result = CliRunner().invoke(create, [*given, *arguments, flag])
    assert isinstance(result.exception, TrueupError)
    assert str(result.exception).startswith(f"cannot set {flag}: application not configured with automatic sync")
    assert "--sync-policy automated" in result.exception.hint


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "two tools": (
        ("--nameprefix", "a-", "-p", "a=b"),
        "spec.source: multiple application sources defined: Helm,Kustomize",
    ),
    "a namespace that is none": (("--dest-namespace", "Web"), "spec.destination.namespace: 'Web' is no name"),
    "a namespace too long": (("--dest-namespace", "a" * 64), "is no name of a namespace"),
    "a revision that is none": (("--revision", "a..b"), "targetRevision: invalid git revision"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_engine_would_refuse_is_not_stored(case: str) -> None:
    arguments, message = REFUSED[case]
    given = ["web", "--repo", "https://git.example.com/web.git", "--path", ".", *arguments]
    result = CliRunner().invoke(create, given)
    assert isinstance(result.exception, TrueupError)
    assert message in str(result.exception)


@pytest.mark.parametrize("name", ["Web", "web_1", "-web", "web.", "wéb"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    given = ["--repo", "https://git.example.com/web.git", "--path", ".", "--", name]
    result = CliRunner().invoke(create, given)
    assert isinstance(result.exception, TrueupError)
    assert "metadata.name" in str(result.exception)
