"""A sync of manifests that somebody sends along, from a machine of their own rather than from Git.

Argo CD asks for a right of its own (``override``) before its server takes them. An Application is all that is asked
here, so its project has the last word: one that names its repositories takes nothing from anywhere else.
"""

import msgspec

from kubegrammar.json import canonical, digest
from trueup.model.application import Application, NameValue, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.policy.admission import Bring, refusal
from trueup.policy.origin import NOTE

MOST = 2000
"""Manifests of one operation."""
LARGEST = 512 * 1024
"""Bytes of them as JSON. While the operation runs, the Application holds them twice, and etcd takes 1.5 MB of it."""
_DIGITS = 12


def admit_local(app: Application, project: Project, operation: Operation) -> None:
    """Checks an operation that brings manifests along, at each of its steps.

    Raises:
        InvalidSpec: it is not carried out; the message says why, in Argo CD's words where it has some.
    """
    sync = operation.sync
    if sync is None or not sync.manifests:
        return
    if problem := too_much(sync.manifests):
        raise InvalidSpec(problem, hint="commit them to a branch and sync with --revision")
    if automated(app) and not sync.dry_run:
        raise InvalidSpec(
            "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
            hint="take automated sync away first, or commit",
        )
    if project.spec.signature_keys or project.spec.source_integrity:
        raise InvalidSpec("Cannot use local manifests when signature verification is required", hint="commit them")
    if reason := refusal(project, app, Bring()):
        raise InvalidSpec(reason, hint="commit them, or permit any repository ('*') in spec.sourceRepos of the project")


def too_much(manifests: list[str]) -> str:
    """Why manifests are too many or too large for one operation; empty when they are not."""
    if len(manifests) > MOST:
        return f"operation.sync.manifests: {len(manifests)} manifests, more than {MOST}"
    texts = msgspec.json.encode(manifests)
    # An API server stores these as six bytes each.
    size = len(texts) + 5 * sum(map(texts.count, (b"<", b">", b"&")))
    if size > LARGEST:
        return f"operation.sync.manifests: {size} bytes, more than the {LARGEST >> 10} KiB that an operation may bring"
    return ""


def automated(app: Application) -> bool:
    """Whether an application syncs itself."""
    policy = app.spec.sync_policy
    found = policy.automated if policy else None
    return found is not None and found.enabled is not False


def marked_local(operation: Operation) -> Operation:
    """An operation as it begins: one that brings manifests has a note of that and no revision or source beside them;
    any other has no such note, whoever wrote one."""
    info = [note for note in operation.info if note.name != NOTE]
    sync = operation.sync
    if sync is not None and sync.manifests:
        many = f"{len(sync.manifests)} manifest{'s' if len(sync.manifests) > 1 else ''}"
        info.append(NameValue(name=NOTE, value=f"{many}, sha256:{digest(canonical(sync.manifests))[:_DIGITS]}"))
        sync = msgspec.structs.replace(sync, revision="", revisions=[], source=None, sources=[])
    return msgspec.structs.replace(operation, sync=sync, info=info)


def without_manifests(operation: Operation) -> Operation:
    """An operation as it stays on record: without the manifests that it brought."""
    sync = operation.sync
    if sync is None or not sync.manifests:
        return operation
    return msgspec.structs.replace(operation, sync=msgspec.structs.replace(sync, manifests=[]))
