"""Why an application is as it is, and what a sync would do, as lines."""

from typing import Any

import msgspec
from tests.support.world import CONTROL, application

from trueup.cli.app.explain import explained, told_explanation
from trueup.cli.app.plan import told_steps
from trueup.cli.app.reasons import Reason
from trueup.kube.object import read_object
from trueup.store.applications import decode


def test_an_explanation_is_of_what_is_stored_and_of_what_pods_say() -> None:
    body = application(syncPolicy={})
    body["metadata"] = {"name": "web", "namespace": CONTROL, "resourceVersion": "1", "uid": "1"}
    row = {"kind": "Deployment", "namespace": "n", "name": "web", "status": "OutOfSync"}
    sync = {"status": "OutOfSync", "revision": "a" * 40}
    body["status"] = {"sync": sync, "health": {"status": "Degraded"}, "resources": [row]}
    stored = decode(f"{CONTROL}/web", read_object(msgspec.json.encode(body)))
    found = explained(stored, [Reason("Deployment/web", ("container web: CrashLoopBackOff",))])
    assert [line.text for line in told_explanation("web", found)] == [
        "web is OutOfSync and Degraded",
        "of commit aaaaaaaa",
        "  Deployment/web: differs from what is declared, or is not there",
        "      → trueup app diff web shows it; trueup app sync web applies it",
        "  Deployment/web: does not work",
        "      container web: CrashLoopBackOff",
        "      → read why it ends: trueup app logs web --previous",
    ]


def test_what_is_well_has_no_reasons() -> None:
    found = {"sync": "Synced", "health": "Healthy", "operation": "Succeeded", "revision": "b" * 40, "author": "Ada"}
    assert [line.text for line in told_explanation("web", found | {"subject": "Add a page"})] == [
        "web is Synced and Healthy, the last sync Succeeded",
        "of commit bbbbbbbb by Ada: Add a page",
        "as it should be",
    ]


def step(action: str, name: str, wave: int = 0, **more: Any) -> dict[str, Any]:
    of = {"group": "", "kind": "ConfigMap", "namespace": "n", "name": name}
    return {"action": action, **of, "phase": "Sync", "wave": wave, **more}


def test_a_plan_is_told_by_phase_and_wave() -> None:
    changes = [
        {"path": "data.colour", "before": "red", "after": "blue"},
        {"path": "data.old", "before": "x", "after": ""},
    ]
    plan = {
        "revision": "c" * 40,
        "steps": [
            step("create", "a", origin="app/a.yaml"),
            step("unchanged", "b"),
            step("change", "c", changes=changes),
            step("prune", "d", 1, blocked="not permitted"),
        ],
        "leftAlone": [{"kind": "Secret", "name": "s", "reason": "ignored (no prune)"}],
        "problems": ["Widget w: no such kind"],
    }
    lines = [line.text for line in told_steps(plan)]
    assert lines == [
        "of cccccccc",
        "Sync wave 0",
        "  create    ConfigMap n/a  (app/a.yaml)",
        "  change    ConfigMap n/c",
        "              data.colour: red → blue",
        "              data.old: x → (nothing)",
        "Sync wave 1",
        "  prune     ConfigMap n/d",
        "              blocked: not permitted",
        "left alone: Secret/s: ignored (no prune)",
        "not valid: Widget w: no such kind",
    ]
    assert "  unchanged ConfigMap n/b" in [line.text for line in told_steps(plan, everything=True)]
    assert [line.text for line in told_steps({"steps": [step("unchanged", "b")]})] == ["nothing to do"]
