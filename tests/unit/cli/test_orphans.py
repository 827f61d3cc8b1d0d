"""Which objects of a namespace nobody declares."""

from typing import Any

import msgspec
import pytest

from trueup.cli.app.orphans import orphaned
from trueup.model.annotations import TRACKING_ID
from trueup.model.live import LiveObject, Owner
from trueup.model.project import Project
from trueup.model.resource import ResourceKey


def live(kind: str, name: str, *owners: str, group: str = "", annotations: dict[str, str] | None = None) -> LiveObject:
    return LiveObject(
        key=ResourceKey(group, kind, "web", name),
        api_version="v1",
        uid=f"{kind}-{name}",
        resource_version="1",
        body=b"{}",
        owners=tuple(Owner(uid=owner) for owner in owners),
        annotations=annotations or {},
    )


def project(*ignore: dict[str, str], **spec: Any) -> Project:
    return msgspec.convert({"spec": {"orphanedResources": {"ignore": list(ignore)}, **spec}}, Project)


LEFT = live("ConfigMap", "left")
OWNED = live("ConfigMap", "owned")
TOKEN = live("Secret", "token", annotations={"kubernetes.io/service-account.name": "web"})
OTHERS: dict[str, tuple[list[LiveObject], Project]] = {
    "what an application has deployed": ([OWNED], project()),
    "what another object owns": ([live("ReplicaSet", "a", "Deployment-a", group="apps")], project()),
    "what every namespace has": ([live("ServiceAccount", "default"), live("ConfigMap", "kube-root-ca.crt")], project()),
    "what an account signs in with": ([TOKEN], project()),
    "endpoints of a service": (
        [live("Endpoints", "owned"), live("Service", "owned")], project({"kind": "Service"})
    ),
    "claims of a set": (
        [live("PersistentVolumeClaim", "data-db-0"), live("StatefulSet", "db", group="apps")],
        project({"group": "apps"}),
    ),
    "ignored by kind": ([LEFT], project({"kind": "Config*"})),
    "ignored by name": ([LEFT], project({"kind": "ConfigMap", "name": "le*"})),
    "of a kind that the project does not permit": (
        [LEFT], project(namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}])
    ),
}  # fmt: skip


@pytest.mark.parametrize(("heads", "limits"), OTHERS.values(), ids=OTHERS)
def test_these_are_no_orphans(heads: list[LiveObject], limits: Project) -> None:
    assert orphaned(heads, {OWNED.key}, limits) == []


def test_what_nobody_declares_is_an_orphan_whatever_mark_it_has() -> None:
    forged = live("ConfigMap", "forged", annotations={TRACKING_ID: "web:/ConfigMap:web/forged"})
    claim = live("PersistentVolumeClaim", "data-db-x")
    assert orphaned([LEFT, OWNED, forged, claim], {OWNED.key}, project()) == [forged.key, LEFT.key, claim.key]
    other = project({"group": "apps", "kind": "ConfigMap"}, {"kind": "ConfigMap", "name": "right"})
    assert orphaned([LEFT], set(), other) == [LEFT.key], "rules for other groups and names"
