"""What commits, charts and artifacts that an Application is, or was, deployed from say of themselves."""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from kubegrammar.time import format_time
from trueup.model.application import Source
from trueup.model.repository import RepositoryOf
from trueup.render.details import ChartOffer
from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication

_ANNOTATIONS: Final = {
    "createdAt": "created",
    "authors": "authors",
    "imageUrl": "url",
    "docsUrl": "documentation",
    "sourceUrl": "source",
    "version": "version",
    "description": "description",
}
"""Fields by the endings of OCI's annotations."""
_LONGEST: Final = 4096


class RevisionLooks(Protocol):
    """What repositories say of revisions of their own; only where the project permits the Application."""

    async def commit(self, stored: StoredApplication, repository: RepositoryOf, revision: str) -> CommitInfo | None: ...

    async def chart(self, stored: StoredApplication, source: Source) -> ChartOffer:
        """Of a source at the version that it names."""
        ...

    async def artifact(self, stored: StoredApplication, repository: RepositoryOf, digest: str) -> Mapping[str, str]:
        """Annotations."""
        ...


def application_revisions(reads: ApplicationReads, looks: RevisionLooks) -> Functions:
    """RevisionMetadata, RevisionChartDetails and GetOCIMetadata."""
    finding = ApplicationReading(reads)

    def asked(request: Request) -> tuple[StoredApplication, Source, str]:
        stored, message = finding.find(request, "get"), request.message
        wanted = message.get("revision", "")
        # What the repository has and is none of the Application's is nobody's to read here.
        if wanted not in revisions_known(stored):
            raise Fault(Code.NOT_FOUND, f"revision {wanted[:80]} is none of this application's")
        return stored, _source(stored, message), wanted

    async def commit(request: Request) -> Json:
        stored, source, wanted = asked(request)
        info = await looks.commit(stored, stored.app.spec.repository(source), wanted)
        if info is None:
            raise Fault(Code.NOT_FOUND, f"nothing is known of revision {wanted[:80]}")
        return {
            "author": info.author,
            "date": format_time(info.date),
            "message": info.message,
            **({"signatureInfo": info.signer} if info.signer else {}),
        }

    async def chart(request: Request) -> Json:
        stored, source, wanted = asked(request)
        if not source.chart:
            raise Fault(Code.INVALID_ARGUMENT, "the source is no chart of a repository of charts")
        offer = await looks.chart(stored, msgspec.structs.replace(source, target_revision=wanted))
        return {"description": offer.description, "maintainers": list(offer.maintainers), "home": offer.home}

    async def artifact(request: Request) -> Json:
        stored, source, wanted = asked(request)
        repository = stored.app.spec.repository(source)
        if source.chart or not repository.packed:
            raise Fault(Code.INVALID_ARGUMENT, "the source is no artifact of a registry")
        said = await looks.artifact(stored, repository, wanted)
        found = {
            field: said.get(f"org.opencontainers.image.{ending}", "")[:_LONGEST]
            for field, ending in _ANNOTATIONS.items()
        }
        return {field: text for field, text in found.items() if text}

    return {
        "ApplicationService.RevisionMetadata": commit,
        "ApplicationService.RevisionChartDetails": chart,
        "ApplicationService.GetOCIMetadata": artifact,
    }


def _source(stored: StoredApplication, message: Json) -> Source:
    """The source that a request is about: of the specification, or of a deployment in the history.

    Raises:
        Fault: there is none.
    """
    sources, index = stored.app.spec.all_sources(), message.get("sourceIndex", 0)
    number = message.get("versionId", 0)
    if number:
        entry = next((each for each in stored.status.history if each.id == number), None)
        if entry is None:
            raise Fault(Code.NOT_FOUND, f"the application has no deployment {number}")
        sources = entry.sources or ([entry.source] if entry.source is not None else [])
    if not 0 <= index < len(sources):
        raise Fault(Code.INVALID_ARGUMENT, f"the application has no source {index}")
    return sources[index]


def revisions_known(stored: StoredApplication) -> set[str]:
    """Revisions that an Application is, or was, deployed or compared at."""
    sync, state = stored.status.sync, stored.status.operation_state
    found = {sync.revision, *sync.revisions} if sync else set()
    result = state.sync_result if state else None
    found |= {result.revision, *result.revisions} if result else set()
    for entry in stored.status.history:
        found |= {entry.revision, *entry.revisions}
    return found - {""}
