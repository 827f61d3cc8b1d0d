"""What would become of manifests that a caller brings along: compared by the cluster itself, and written nowhere."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from trueup.observe.observation import Observation
from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.application_details import resource_diff
from trueup.server.resources.application_tree import Place
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.store.applications import StoredApplication

MOST: Final = 2000
"""Manifests of one request."""


class ApplicationComparing(Protocol):
    """Compares an Application with what is live, by dry runs on its cluster."""

    async def observe(self, stored: StoredApplication) -> Observation: ...

    async def brought(self, stored: StoredApplication, manifests: Sequence[str]) -> Observation:
        """With these manifests, JSON or YAML, in the place of its own: compared with its own objects alone, and with no
        Secret. All else counts as not there."""
        ...


def application_compare(
    reads: ApplicationReads, comparing: ApplicationComparing, place: Place, masked: Callable[[], Sequence[str]]
) -> Functions:
    """ServerSideDiff.

    Args:
        masked: annotations whose values are shown to nobody.
    """
    finding = ApplicationReading(reads)

    async def diff(request: Request) -> Json:
        stored = finding.find(request, "get", name="appName")
        manifests = request.message.get("targetManifests") or []
        if len(manifests) > MOST:
            raise Fault(Code.INVALID_ARGUMENT, f"{MOST} manifests at once at most")
        if not manifests:
            seen = await comparing.observe(stored)
        else:
            seen = await comparing.brought(stored, manifests)
            if seen.lent:
                # What is masked of the caller's own text confirms a guess: it is for who may read the values anyway.
                finding.find(request, "update", name="appName")
        owned = (await place(stored)).managed()
        items = []
        for each in seen.comparison.resources:
            # To bring a manifest along is no way to read what is of another Application, nor to learn of it.
            hidden = each.live is not None and (each.key not in owned or seen.forbids(each.key))
            if each.hook or hidden or (manifests and (each.target is None or seen.forbids(each.key))):
                continue
            if manifests and each.key.kind == "Secret" and not each.key.group:
                each = msgspec.structs.replace(each, live=owned.get(each.key))
            found = resource_diff(each, masked(), seen.lent, brought=bool(manifests))
            items.append(
                {**found, "targetState": found["predictedLiveState"], "liveState": found["normalizedLiveState"]}
            )
        return {"items": items, "modified": any(item["modified"] for item in items)}

    return {"ApplicationService.ServerSideDiff": diff}
