"""What ``app sync`` refuses before it asks the engine."""

from typing import Any

import msgspec
import pytest

from trueup.cli.app.access import read_view
from trueup.cli.app.sync import refuse_another_revision, sync_options
from trueup.model.errors import TrueupError

AUTOMATED: dict[str, Any] = {"automated": {}}

PERMITTED: dict[str, tuple[dict[str, Any] | None, str, str]] = {
    "an application on demand goes to any revision": (None, "main", "v1"),
    "automation that is switched off is none": ({"automated": {"enabled": False}}, "main", "v1"),
    "no revision is the declared one": (AUTOMATED, "main", ""),
    "the declared revision by its name": (AUTOMATED, "main", "main"),
    "HEAD is what is declared where nothing is": (AUTOMATED, "", "HEAD"),
}
REFUSED = {"another branch": "other", "a commit": "0" * 40, "the same name in another case": "Main"}


OPTIONS: dict[str, tuple[list[str], dict[str, Any], list[str] | None]] = {
    "none given leaves the application's": (["CreateNamespace=true"], {}, None),
    "a flag adds to the application's": (
        ["CreateNamespace=true"], {"replace": True}, ["CreateNamespace=true", "Replace=true"],
    ),
    "a flag wins over the application's": (["Replace=false"], {"replace": True}, ["Replace=true"]),
    "a flag adds to those given instead": (
        ["CreateNamespace=true"],
        {"sync_option": ("PruneLast=true",), "apply_out_of_sync_only": True},
        ["PruneLast=true", "ApplyOutOfSyncOnly=true"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "given", "wanted"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_of_one_sync(declared: list[str], given: dict[str, Any], wanted: list[str] | None) -> None:
    flags = {"sync_option": (), "apply_out_of_sync_only": False, "replace": False, "server_side": False} | given
    assert sync_options(view({"syncOptions": declared}, "main"), flags).get("syncOptions") == wanted


def view(policy: dict[str, Any] | None, declared: str) -> Any:
    spec = {"source": {"repoURL": "https://git.example.com/a", "path": "x", "targetRevision": declared}}
    return read_view(msgspec.json.encode({"metadata": {"name": "a"}, "spec": {**spec, "syncPolicy": policy or {}}}))


@pytest.mark.parametrize(("policy", "declared", "asked"), PERMITTED.values(), ids=PERMITTED.keys())
def test_a_revision_is_permitted(policy: dict[str, Any] | None, declared: str, asked: str) -> None:
    refuse_another_revision(view(policy, declared), asked)


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED.keys())
def test_an_application_that_syncs_itself_is_not_sent_to_another_revision(asked: str) -> None:
    with pytest.raises(TrueupError, match=f"cannot sync to {asked}: auto-sync currently set to main") as caught:
        refuse_another_revision(view(AUTOMATED, "main"), asked)
    assert "rollback --git" in caught.value.hint
