"""The history of a StatefulSet's or DaemonSet's template, as ControllerRevisions (pkg/controller/history)."""

from collections.abc import Sequence
from typing import Any

from pocketkube.workloads.decision import Create, Object, PatchObject, Write
from pocketkube.workloads.facts import annotations_of, name_of, number, owner_reference
from pocketkube.workloads.template import bare, hash_of


def by_revision(revisions: Sequence[Object]) -> list[Object]:
    """The oldest first."""
    return sorted(revisions, key=lambda one: (number(one, "revision"), name_of(one)))


def template_of(revision: Object) -> Object:
    """The Pod template a revision remembers."""
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def present_revision(owner: Object, known: Sequence[Object], hash_label: str) -> tuple[Object, list[Write]]:
    """The revision of the owner's present template.

    One that was there before moves to the end of the history; a new template makes a new one.

    Args:
        known: the owner's revisions.
        hash_label: the label that a new revision says its hash in.

    Returns:
        The revision, as it will be, and the write that makes it so.
    """
    history = by_revision(known)
    template = bare(owner["spec"]["template"])
    number_next = number(history[-1], "revision") + 1 if history else 1
    equal = [one for one in history if bare(template_of(one)) == template]
    if equal and equal[-1] is history[-1]:
        return equal[-1], []
    if equal:
        again = {**equal[-1], "revision": number_next}
        return again, [PatchObject(equal[-1], {"revision": number_next})]
    created = _revision(owner, template, number_next, hash_label)
    return created, [Create(created)]


def surplus_revisions(known: Sequence[Object], live: set[str], limit: int) -> list[Object]:
    """The oldest revisions beyond a limit, of those whose names nobody uses."""
    unused = [one for one in by_revision(known) if name_of(one) not in live]
    return unused[: max(0, len(unused) - limit)]


def _revision(owner: Object, template: Object, revision: int, hash_label: str) -> Object:
    digest = hash_of(template, number(owner.get("status"), "collisionCount"))
    metadata: dict[str, Any] = {
        "name": f"{name_of(owner)[:223]}-{digest}",
        "namespace": owner["metadata"]["namespace"],
        "labels": {**((template.get("metadata") or {}).get("labels") or {}), hash_label: digest},
        "ownerReferences": [owner_reference(owner)],
    }
    if annotations_of(owner):
        metadata["annotations"] = annotations_of(owner)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "data": {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}},
        "revision": revision,
    }
