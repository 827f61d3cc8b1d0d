"""What ``app sync`` refuses before it asks the engine."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueup.cli.app.access import read_view
from trueup.cli.app.choice import labelled
from trueup.cli.app.requests import HINTS, remedy
from trueup.cli.app.sync import refuse_local, sync_options, texts_of, union
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.policy.local import LARGEST
from trueup.policy.requests import Refusal, RequestRefused
from trueup.render.output import manifest_of

AUTOMATED: dict[str, Any] = {"automated": {}}

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


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_told_with_a_remedy(refusal: Refusal) -> None:
    refused = RequestRefused(refusal, view(None, "main").app, "no", hint="policy's own")
    told = remedy(refused)
    assert told and "{" not in told
    assert (told == "policy's own") is (refusal not in HINTS)


@pytest.mark.parametrize("dry_run", [True, False])
def test_local_manifests_are_for_who_does_not_sync_by_itself(dry_run: bool) -> None:
    refuse_local(view(None, "main"), dry_run=dry_run)
    if dry_run:
        refuse_local(view(AUTOMATED, "main"), dry_run=dry_run)
        return
    words = "Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run"
    with pytest.raises(TrueupError, match=words) as caught:
        refuse_local(view(AUTOMATED, "main"), dry_run=dry_run)
    assert "trueup app set a --sync-policy none" in caught.value.hint


def made(name: str, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Manifest:
    metadata = {"name": name, "namespace": "ns", "labels": labels, "annotations": annotations or {}}
    return manifest_of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, "x.yaml")


def test_labels_choose_objects_that_have_one_of_them_and_no_hooks() -> None:
    front, back = made("f", {"tier": "front"}), made("b", {"tier": "back", "team": "web"})
    hook = made("h", {"tier": "front"}, {"argocd.argoproj.io/hook": "PreSync"})
    every = [front, back, hook, made("none", {})]
    assert [each["name"] for each in labelled(every, {"tier": "front"})] == ["f"]
    assert [each["name"] for each in labelled(every, {"tier": "front", "team": "web"})] == ["f", "b"]
    resource = {"group": "", "kind": "ConfigMap", "namespace": "ns", "name": "f"}
    assert union([resource], labelled(every, {"tier": "front"})) == [resource]
    with pytest.raises(TrueupError, match="No matching resources found for labels: tier=other"):
        labelled(every, {"tier": "other"})


def test_a_folder_that_declares_nothing_or_too_much_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(TrueupError, match="declares nothing"):
        texts_of([], tmp_path)
    large = manifest_of(
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"x": "y" * LARGEST}}, ""
    )
    with pytest.raises(TrueupError, match="more than the 512 KiB") as caught:
        texts_of([large], tmp_path)
    assert "--revision" in caught.value.hint
    assert texts_of([made("f", {})], tmp_path) == [made("f", {}).body.decode()]
