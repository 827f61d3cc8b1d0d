"""What the audit trail says of the versions of an application."""

import pytest

from trueup.model.audit import Action, AuditRecord, Why
from trueup.store.audit.versions import versions


def entry(
    action: Action, revision: str = "", result: str = "", message: str = "", why: Why | None = None
) -> AuditRecord:
    return AuditRecord(
        at="2026-03-01T10:00:00Z", action=action, revision=revision, result=result, message=message, why=why
    )


def synced(revision: str, health: str = "Progressing", why: Why | None = None) -> list[AuditRecord]:
    return [
        entry(Action.STARTED, revision, why=why),
        entry(Action.FINISHED, revision, "Succeeded", health, why=why),
    ]


def health(verdict: str, message: str = "") -> AuditRecord:
    # The revision of such an entry is the one that is compared, which may be ahead of the one that is deployed.
    return entry(Action.HEALTH, "c", verdict, message)


STORIES: dict[str, tuple[list[AuditRecord], dict[str, tuple[str, bool]]]] = {
    "nothing on record": ([], {}),
    "deployed and healthy": ([*synced("a"), health("Healthy")], {"a": ("Healthy", False)}),
    "Degraded to its end": (
        [*synced("a"), health("Degraded"), *synced("b", "Healthy")],
        {"a": ("Degraded", True), "b": ("Healthy", False)},
    ),
    "Degraded for a while": ([*synced("a"), health("Degraded"), health("Healthy")], {"a": ("Healthy", False)}),
    "never judged": ([*synced("a", ""), *synced("b")], {"a": ("", False), "b": ("Progressing", False)}),
    "what breaks while the next one is put in is not the last one's": (
        [
            *synced("a", "Healthy"),
            entry(Action.STARTED, "b"),
            health("Degraded"),
            entry(Action.FINISHED, "b", "Succeeded", "Degraded"),
        ],
        {"a": ("Healthy", False), "b": ("Degraded", True)},
    ),
    "a sync that failed": (
        [
            *synced("a", "Healthy"),
            entry(Action.STARTED, "b"),
            entry(Action.FINISHED, "b", "Failed", "no"),
            health("Degraded"),
        ],
        {"a": ("Healthy", False), "b": ("", True)},
    ),
    "deployed once more, the last time counts": (
        [*synced("a"), health("Degraded"), *synced("b", "Healthy"), *synced("a", "Healthy")],
        {"a": ("Healthy", False), "b": ("Healthy", False)},
    ),
    "self-heal is no deployment": (
        [*synced("a"), health("Degraded"), *synced("a", "Progressing", Why.SELF_HEAL)],
        {"a": ("Degraded", True)},
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_versions(name: str) -> None:
    entries, expected = STORIES[name]
    assert {sha: (version.health, version.bad) for sha, version in versions(entries).items()} == expected


REPLACED = entry(Action.STARTED, "z")
PROVED: dict[str, tuple[list[AuditRecord], bool]] = {
    "Healthy as soon as it was there": ([*synced("a", "Healthy"), REPLACED], True),
    "Healthy later": ([*synced("a"), health("Healthy"), REPLACED], True),
    "Suspended, as it was meant": ([*synced("a", "Suspended"), REPLACED], True),
    "Progressing until it was replaced": ([*synced("a"), REPLACED, health("Healthy")], False),
    "without a verdict": ([*synced("a", ""), REPLACED], False),
    "Missing until it was replaced": ([*synced("a", "Missing"), health("Progressing"), REPLACED], False),
    "Healthy, then restarting": ([*synced("a"), health("Healthy"), health("Progressing"), REPLACED], True),
    "crashing, and restarting again": (
        [*synced("a"), health("Healthy"), health("Degraded"), health("Progressing"), REPLACED],
        False,
    ),
    "Healthy once, and replaced early the second time": (
        [*synced("a"), health("Healthy"), *synced("b", "Degraded"), *synced("a"), REPLACED],
        True,
    ),
    "Degraded once, and replaced early the second time": (
        [*synced("a"), health("Degraded"), *synced("b", "Degraded"), *synced("a"), REPLACED],
        False,
    ),
    "Healthy once, and not to be deployed later": (
        [*synced("a", "Healthy"), *synced("b"), entry(Action.FINISHED, "a", "Failed", "no")],
        False,
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_a_version_is_proved_by_a_verdict_that_it_worked(name: str) -> None:
    entries, expected = PROVED[name]
    assert versions(entries)["a"].proved is expected
