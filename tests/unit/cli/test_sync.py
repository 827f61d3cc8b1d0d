"""What ``app sync`` refuses before it asks the engine."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trueup.cli.app.access import read_view
from trueup.cli.app.choice import labelled
from trueup.cli.app.sync import refuse_another_revision, refuse_local, sync_options, texts_of, union
from trueup.cli.app.windows import refuse_denied
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.policy.local import LARGEST
from trueup.render.output import manifest_of

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
    refuse_another_revision(view(policy, declared), [asked])


@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED.keys())
def test_an_application_that_syncs_itself_is_not_sent_to_another_revision(asked: str) -> None:
    with pytest.raises(TrueupError, match=f"cannot sync to {asked}: auto-sync currently set to main") as caught:
        refuse_another_revision(view(AUTOMATED, "main"), [asked])
    assert "rollback --git" in caught.value.hint


NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WINDOW = {"kind": "deny", "applications": ["*"], "schedule": "0 11 * * *", "duration": "2h"}
WINDOWS: dict[str, tuple[dict[str, Any], str]] = {
    "a deny window, with its end": ({}, "blocked by a sync window of project shop; .* next at 2026-05-04T13:00:00Z"),
    "one that lets syncs by hand pass": ({"manualSync": True}, ""),
    "one that is not open": ({"schedule": "0 20 * * *"}, ""),
    "one for other applications": ({"applications": ["other"]}, ""),
    "outside of an allow window": ({"kind": "allow", "schedule": "0 20 * * *"}, "next at 2026-05-04T20:00:00Z"),
    "one that cannot be read": ({"schedule": "soon"}, r"project shop: spec.syncWindows\[0\].schedule"),
}


@pytest.mark.parametrize(("fields", "refusal"), WINDOWS.values(), ids=WINDOWS.keys())
def test_a_sync_that_a_window_denies_is_refused_at_once(fields: dict[str, Any], refusal: str) -> None:
    spec = {"syncWindows": [{**WINDOW, **fields}]}
    project = msgspec.convert({"metadata": {"name": "shop"}, "spec": spec}, Project)
    if not refusal:
        refuse_denied(project, view(None, "main").app, NOON)
        return
    with pytest.raises(TrueupError, match=refusal) as caught:
        refuse_denied(project, view(None, "main").app, NOON)
    assert caught.value.hint


def test_automation_is_asked_about_each_source() -> None:
    sources = [{"repoURL": "https://git.example.com/a", "path": "x", "targetRevision": each} for each in ("v1", "")]
    body = {"metadata": {"name": "a"}, "spec": {"sources": sources, "syncPolicy": AUTOMATED}}
    both = read_view(msgspec.json.encode(body))
    refuse_another_revision(both, ["", "HEAD"])
    with pytest.raises(TrueupError, match="cannot sync to v3: auto-sync currently set to v1, HEAD"):
        refuse_another_revision(both, ["v1", "v3"])


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
