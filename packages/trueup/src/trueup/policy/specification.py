"""Whether an Application can be worked on: its specification by itself, and against its project."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from kubegrammar import pattern
from kubegrammar.duration import parse_duration
from kubegrammar.redact import redact_url
from kubegrammar.semver import is_range
from trueup.model.application import (
    Application,
    ApplicationSpec,
    Backoff,
    Destination,
    HelmFileParameter,
    HelmParameter,
    Place,
    Source,
    SyncPolicy,
)
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import in_registry
from trueup.model.repository_url import HTTP, OCI, parse_repository_url
from trueup.model.server import unknown_cluster
from trueup.model.source import explicit_tool
from trueup.policy.admission import Deploy, Fetch, RepositoryPush, membership, refusal
from trueup.policy.integrity import demanded
from trueup.policy.options import option_problem

_LONGEST_NAME = 253
_LONGEST_LIST = 2000
"""Entries of any one list of a specification."""
_LARGEST = 256 * 1024
"""Bytes of a specification as JSON; what `kubectl apply` can take, too, for it keeps a copy in an annotation."""
_NOWHERE = "cluster.invalid"
"""For the half of a destination that is not known: what permits every cluster permits it."""
_REF = pattern.compile(r"[A-Za-z0-9_-]+")
_DIGEST = pattern.compile(r"sha256:[0-9a-f]{64}")
_CHART = pattern.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_BAD_REVISION = pattern.compile(rf"[\x00-\x1f\x7f\\]|\.\.|\^\{{|@\{{|\A-|\A[{pattern.SPACE}]|[{pattern.SPACE}]\z")
_NO_NAME = pattern.compile(rf"[{pattern.SPACE}~^:?*\[]")


def admit(app: Application, project: Project, place: Destination | None = None) -> None:
    """Checks an Application before anything is fetched for it.

    Args:
        place: its destination by server and by name both, as the cluster is known; the specification's where it is not.

    Raises:
        InvalidSpec: naming every problem, not the first alone.
    """
    if found := problems(app, project, place):
        raise InvalidSpec("; ".join(found))


def admit_placed(app: Application, project: Project, place: Callable[[Application], Destination]) -> None:
    """Checks an Application as :func:`admit`, for who may not know all clusters: what its project does not permit is
    refused in the same words whether or not there is such a cluster, and by what the Application itself says of it.

    Args:
        place: its destination by server and by name both; raises InvalidSpec where no cluster is known that it means.

    Raises:
        InvalidSpec: naming every problem.
    """
    written = app.spec.destination
    try:
        found_there = place(app)
    except InvalidSpec as error:
        unknown = error
    else:
        if not _of_destination(app, project, found_there):
            return admit(app, project, found_there)
        unknown = unknown_cluster(written.server, written.name, project.metadata.name)
    anywhere = Destination(
        server=written.server or f"https://{_NOWHERE}", name=written.name or _NOWHERE, namespace=written.namespace
    )
    found = problems(app, project, anywhere)
    if told := refusal(project, app, Deploy(anywhere)):
        found = [refusal(project, app, Deploy(written)) or told if each == told else each for each in found]
    if found:
        raise InvalidSpec("; ".join(found))
    raise unknown


def admit_repository(app: Application, project: Project, url: str, place: Destination | None = None) -> None:
    """Checks an Application as :func:`admit`, and that its project permits one more repository.

    Args:
        place: as :func:`admit`.

    Raises:
        InvalidSpec: naming every problem.
    """
    found = problems(app, project, place)
    if reason := refusal(project, app, RepositoryPush(url)):
        found.append(reason)
    if found:
        raise InvalidSpec("; ".join(dict.fromkeys(found)))


def admit_sources(app: Application, project: Project, sources: Sequence[Source]) -> None:
    """Checks the sources that an application is about to be rendered from, whoever named them.

    Raises:
        InvalidSpec: naming every repository that the project does not permit.
    """
    reasons = [_of_url(source) or refusal(project, app, Fetch(source.address)) for source in sources]
    if found := [reason for reason in dict.fromkeys(reasons) if reason]:
        raise InvalidSpec("; ".join(found), hint="permit it in spec.sourceRepos of the project")


def admit_elsewhere(app: Application, project: Project, url: str) -> None:
    """Checks what a kustomization of an Application names elsewhere: a repository, or a file without its query.

    Raises:
        InvalidSpec: the project does not permit it.
    """
    if reason := refusal(project, app, Fetch(url)):
        raise InvalidSpec(reason, hint="permit it in spec.sourceRepos of the project, or copy it into the repository")
    if demanded(project, url, packed=False) is not None:
        raise InvalidSpec(
            f"{redact_url(url)} has to be signed, which is not looked at where a kustomization names it",
            hint="make it a source of the application, or copy it into the repository",
        )


def problems(app: Application, project: Project, place: Destination | None = None) -> list[str]:
    """Everything that is wrong, in the words of Argo CD where it has some, each naming its field.

    Args:
        place: as :func:`admit`.
    """
    if found := _of_lengths("spec", app.spec) or _of_size(app.spec):
        return found
    found = _of_identity(app, project)
    found += _of_sources(app, project)
    found += _of_destination(app, project, place)
    if app.spec.sync_policy:
        found += _of_sync_policy(app.spec.sync_policy)
    if (app.spec.revision_history_limit or 0) < 0:
        found.append("spec.revisionHistoryLimit: must not be negative; 0 keeps no history")
    return list(dict.fromkeys(found))


def _of_lengths(place: str, value: Any) -> list[str]:
    """Lists too long to be worked through for each object of the application, at each of its passes."""
    found = []
    for where, inner in _parts(place, value):
        if isinstance(inner, list | tuple) and len(inner) > _LONGEST_LIST:
            found.append(f"{where}: {len(inner)} entries, more than {_LONGEST_LIST}; split the application")
        elif isinstance(inner, msgspec.Struct | list | tuple):
            found += _of_lengths(where, inner)
    return found


def _of_size(spec: ApplicationSpec) -> list[str]:
    """Texts that are read anew with every change of the application, its status's among them."""
    if (size := _size(spec)) <= _LARGEST:
        return []
    place: str = "spec"
    largest: Any = spec
    while parts := _parts(place, largest):
        place, largest = max(parts, key=lambda part: _size(part[1]))
    return [
        f"{place}: {_size(largest)} bytes; a specification of {size} bytes is larger than {_LARGEST >> 10} KiB; "
        "put the text into a file of the repository"
    ]


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """The fields of a type, as they are spelt and as they are named: of each type once, since every pass asks."""
    return tuple((field.encode_name, field.name) for field in msgspec.structs.fields(kind))


def _parts(place: str, value: Any) -> list[tuple[str, Any]]:
    match value:
        case msgspec.Struct():
            return [(f"{place}.{spelt}", getattr(value, name)) for spelt, name in _fields(type(value))]
        case list() | tuple():
            return [(f"{place}[{index}]", item) for index, item in enumerate(value)]
    return []


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _of_identity(app: Application, project: Project) -> list[str]:
    name = app.metadata.name
    found = []
    if len(name) > _LONGEST_NAME:
        found.append(f"metadata.name: name longer than {_LONGEST_NAME}")
    if reason := membership(project, app):
        found.append(reason)
    if app.spec.source_hydrator:
        found.append("spec.sourceHydrator: hydrated sources are not supported; use spec.source")
    return found


def _of_sources(app: Application, project: Project) -> list[str]:
    spec = app.spec
    if not spec.all_sources():
        return ["spec.source: repoURL and either path or chart are required"]
    found: list[str] = []
    for index, source in enumerate(spec.all_sources()):
        place = f"spec.sources[{index}]" if spec.sources else "spec.source"
        found += _of_source(place, source)
        if problem := _of_url(source):
            found.append(f"{place}: {problem}")
        elif source.repo_url and (reason := refusal(project, app, Fetch(source.address))):
            found.append(reason)
    refs = [source.ref for source in spec.sources if source.ref]
    if len(refs) > len(set(refs)):
        found.append("spec.sources: multiple sources had the same `ref` key")
    names = [source.name for source in spec.sources if source.name]
    if len(names) > len(set(names)):
        found.append("spec.sources: multiple sources had the same `name`")
    return found


def _of_url(source: Source) -> str:
    """Why a repository's URL cannot be used by any project."""
    if not source.repo_url:
        return ""
    try:
        url = parse_repository_url(source.address)
    except InvalidSpec as error:
        return str(error)
    if url.scheme == "file" and not url.rooted:
        return f'repoURL "{source.repo_url[:200]}": a relative path; write the whole one'
    if source.chart and url.scheme not in (*HTTP, OCI):
        return f"{redact_url(source.repo_url)[:200]} is no repository of charts; write https://… or oci://…"
    if source.ref and url.scheme == OCI:
        return f"{redact_url(source.repo_url)[:200]} is no Git repository, and cannot be a `ref`"
    return ""


def _of_source(place: str, source: Source) -> list[str]:
    found = []
    if not source.repo_url or not (source.path or source.chart or source.ref):
        found.append(f"{place}: repoURL and either path or chart are required")
    if source.chart:
        if not source.target_revision:
            found.append(
                f"{place}: targetRevision is required if the manifest source is a helm chart; "
                "write a version, a range such as ^1.2, or * for the newest"
            )
        if source.ref:
            found.append(f"{place}: a source with `chart` cannot be a `ref`")
        if not _CHART.fullmatch(source.chart):
            found.append(f"{place}.chart: {source.chart[:80]!a} is no name of a chart")
    if source.ref and not _REF.fullmatch(source.ref):
        found.append(f"{place}.ref: only letters, digits, - and _ are allowed")
    if not (valid_revision(source.target_revision) or _names_a_digest(source)):
        found.append(f"{place}.targetRevision: invalid git revision {source.target_revision[:80]!a}")
    try:
        explicit_tool(source)
    except InvalidSpec as error:
        found.append(f"{place}: {error.message}; {error.hint}")
    for field, parameters in _helm_parameters(source).items():
        for index, parameter in enumerate(parameters):
            if not parameter.name.strip():
                found.append(f"{place}.helm.{field}[{index}].name: a Helm parameter needs a name, such as image.tag")
    return found


def _names_a_digest(source: Source) -> bool:
    """Whether the revision of a registry's artifact is a digest."""
    return in_registry(source.address) and bool(_DIGEST.fullmatch(source.target_revision))


def _helm_parameters(source: Source) -> dict[str, Sequence[HelmParameter | HelmFileParameter]]:
    if source.helm is None:
        return {}
    return {"parameters": source.helm.parameters, "fileParameters": source.helm.file_parameters}


def valid_revision(revision: str) -> bool:
    """Whether a text can name a branch, tag, commit or a range of versions. White space is for ranges only."""
    if _BAD_REVISION.search(revision):
        return False
    return not _NO_NAME.search(revision) or is_range(revision)


def _of_destination(app: Application, project: Project, place: Destination | None) -> list[str]:
    destination = app.spec.destination
    server, name = destination.server, destination.name
    if server and name:
        return [f"spec.destination: application destination can't have both name and server defined: {name} {server}"]
    if not server and not name:
        return ["spec.destination: Destination server missing from app spec"]
    name = project.metadata.name
    if project.spec.permit_only_project_scoped_clusters and isinstance(place, Place) and place.owner != name:
        # Argo CD: a cluster that is everybody's is none of the project's own.
        return [f"cluster {place.name} is none of project '{name}' (its spec.permitOnlyProjectScopedClusters)"]
    reason = refusal(project, app, Deploy(place or destination))
    return [reason] if reason else []


def _of_sync_policy(policy: SyncPolicy) -> list[str]:
    found = [
        f"spec.syncPolicy.syncOptions[{index}]: {problem}"
        for index, option in enumerate(policy.sync_options)
        if (problem := option_problem(option))
    ]
    if policy.retry and policy.retry.backoff:
        found += _of_backoff(policy.retry.backoff)
    return found


def _of_backoff(backoff: Backoff) -> list[str]:
    place = "spec.syncPolicy.retry.backoff"
    found = []
    for field, text in (("duration", backoff.duration), ("maxDuration", backoff.max_duration)):
        if problem := _duration_problem(text):
            found.append(f"{place}.{field}: {problem}")
    if backoff.factor is not None and backoff.factor < 1:
        found.append(f"{place}.factor: factor must be >= 1")
    return found


def _duration_problem(text: str) -> str:
    if not text:
        return ""
    try:
        # A bare number is seconds (Argo CD parseStringToDuration).
        return "must not be negative" if parse_duration(f"{text}s" if text.isdecimal() else text) < 0 else ""
    except ValueError as error:
        return str(error)
