"""What an Application declares and how that compares: managed resources, manifests, windows, links."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from trueup import policy
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.diff.mask import Masks
from trueup.diff.normalise import comparable
from trueup.model.application import Application
from trueup.model.comparison import ComparedResource
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.store.applications import StoredApplication


class ApplicationLooks(Protocol):
    """What an engine says of an Application."""

    async def observe(self, stored: StoredApplication) -> Observation:
        """As it compares now, with the commits that are known."""
        ...

    async def declared(self, key: str, revisions: Sequence[str]) -> tuple[Manifest, ...]:
        """What it declares at these revisions, none for the declared ones."""
        ...

    async def lent(self, stored: StoredApplication) -> Literals:
        """Texts of Secrets that it is lent: nobody is shown them."""
        ...

    def project_of(self, app: Application) -> Project: ...


def application_details(
    reads: ApplicationReads, looks: ApplicationLooks, masked: Callable[[], Sequence[str]], now: Callable[[], datetime]
) -> Functions:
    """ManagedResources, GetManifests, GetApplicationSyncWindows and the links.

    Args:
        masked: annotations whose values are shown to nobody.
    """
    finding = ApplicationReading(reads)

    async def managed(request: Request) -> Json:
        stored = finding.find(request, "get", name="applicationName")
        seen = await looks.observe(stored)
        # What the project does not permit may be another one's.
        visible = [each for each in seen.comparison.resources if not (each.live and seen.forbids(each.key))]
        items = [resource_diff(each, masked(), seen.lent) for each in visible if not each.hook]
        return {"items": [each for each in items if _asked(each, request.message)]}

    async def manifests(request: Request) -> Json:
        stored, message = finding.find(request, "get"), request.message
        revisions = revisions_of(message, stored)
        found = await looks.declared(stored.key, revisions)
        masks = Masks(masked(), await looks.lent(stored))
        sync = stored.status.sync
        return {
            "manifests": [msgspec.json.encode(masks.shown(each.object())).decode() for each in found],
            "namespace": stored.app.spec.destination.namespace,
            "server": stored.app.spec.destination.server,
            "revision": "".join(revisions[:1]) or (sync.revision if sync else ""),
            "sourceType": stored.status.source_type,
        }

    async def windows(request: Request) -> Json:
        stored = finding.find(request, "get")
        return windows_of(stored.app, looks.project_of(stored.app), now())

    async def links(request: Request) -> Json:
        finding.find(request, "get")
        return {"items": []}

    async def app_links(request: Request) -> Json:
        message = {**request.message, "appNamespace": request.message.get("namespace", "")}
        finding.find(Request(request.caller, message), "get")
        return {"items": []}

    return {
        "ApplicationService.ManagedResources": managed,
        "ApplicationService.GetManifests": manifests,
        "ApplicationService.GetApplicationSyncWindows": windows,
        "ApplicationService.ListLinks": app_links,
        "ApplicationService.ListResourceLinks": links,
    }


def resource_diff(
    resource: ComparedResource, annotations: Sequence[str] = (), lent: Literals = NO_LITERALS, *, brought: bool = False
) -> Json:
    """One object as it is wanted and as it is, each as text; equal values of Secrets have equal masks.

    Args:
        brought: who asks has brought along what is wanted, and is not told whether a masked value is the same.
    """
    masks = Masks(annotations, lent, alike=brought)
    secret = resource.key.kind == "Secret" and not resource.key.group

    def text(body: dict[str, Any] | None) -> str:
        if body is None:
            return "null"
        return msgspec.json.encode(masks.secret(body) if secret else masks.shown(body)).decode()

    live = resource.live.object() if resource.live else None
    becoming = resource.becoming()
    if live is not None and resource.status is SyncCode.SYNCED:
        # Who wrote which field is told of what differs alone: it is as much text as the object.
        live.get("metadata", {}).pop("managedFields", None)
    target = resource.target.object() if resource.target else None
    # In this order masks are given: what is live has the shorter ones on both sides.
    found = {"liveState": text(live)}
    if brought and masks.used:
        # What is brought may call a part of the object something else than a Secret: it is not mixed with the live one.
        becoming = target
    found["targetState"] = text(target) if target else ""
    key, normalized = resource.key, text(comparable(live) if live else None)
    predicted = text(comparable(becoming) if becoming else None)
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        **found,
        "normalizedLiveState": normalized,
        "predictedLiveState": predicted,
        "resourceVersion": resource.live.resource_version if resource.live else "",
        "modified": resource.status is not SyncCode.SYNCED or (brought and masks.used),
    }


def revisions_of(message: Json, stored: StoredApplication) -> list[str]:
    """Of each source, where some are named by their positions."""
    if message.get("revision"):
        return [message["revision"]]
    revisions, positions = message.get("revisions") or [], message.get("sourcePositions") or []
    if not positions:
        return list(revisions)
    found = [""] * len(stored.app.spec.all_sources())
    for revision, position in zip(revisions, positions, strict=False):
        if not 1 <= position <= len(found):
            raise Fault(Code.INVALID_ARGUMENT, f"source position {position} is out of range")
        found[position - 1] = revision
    return found


def windows_of(app: Application, project: Project, now: datetime) -> Json:
    """The sync windows of an Application, those that are open now, and whether it can be synced by hand."""
    assigned = policy.assigned(project, app)
    found: Json = {"canSync": policy.may_sync(assigned, manual=True, now=now).allowed}
    lines = [
        {
            "kind": each.window.kind,
            "schedule": each.window.schedule,
            "duration": each.window.duration,
            "manualSync": each.window.manual_sync,
        }
        for each in assigned
    ]
    return found | ({"assignedWindows": lines} if lines else {})


def _asked(item: Json, query: Json) -> bool:
    return all(not query.get(name) or item[name] == query[name] for name in ("group", "kind", "namespace", "name"))
