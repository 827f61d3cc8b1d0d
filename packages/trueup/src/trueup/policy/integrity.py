"""What a project asks of the signatures of its sources (``spec.sourceIntegrity``, and the older ``signatureKeys``).

What cannot be read asks for more than anybody can give: a slip stops the project's applications, and not the checks.
"""

from collections.abc import Iterable, Sequence

import msgspec

from kubegrammar.glob import glob_match, glob_problem
from kubegrammar.redact import redact_url
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import comparable_pattern
from trueup.model.repository_url import parse_repository_url

NONE, HEAD, STRICT = "none", "head", "strict"
_FIELD = "spec.sourceIntegrity"


class Demand(msgspec.Struct, frozen=True):
    """Whose signatures are asked for.

    Attributes:
        keys: ids or fingerprints of OpenPGP keys, in hexadecimal, and fingerprints of SSH keys (``SHA256:…``).
        deep: of all commits that lead to the one that is deployed, not of that alone.
    """

    keys: tuple[str, ...]
    deep: bool = False


class _Repository(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""


class _Gpg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mode: str = ""
    keys: list[str] = []


class _GitPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    repos: list[_Repository] = []
    gpg: _Gpg | None = None


class _Git(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policies: list[_GitPolicy] = []


class _Integrity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    git: _Git | None = None
    helm: dict[str, object] | None = None


def asks(project: Project) -> bool:
    """Whether a project asks for any signature."""
    return bool(project.spec.source_integrity or project.spec.signature_keys)


def demanded(project: Project, url: str, *, packed: bool) -> Demand | None:
    """What is asked of the commits of a source; None for nothing.

    Args:
        url: its repository.
        packed: it is a chart or an artifact, which has no commits.

    Raises:
        InvalidSpec: the project's rules cannot be read, or contradict each other.
    """
    name, spec = project.metadata.name, project.spec
    if not asks(project):
        return None
    if spec.source_integrity and spec.signature_keys:
        raise _refused(name, "spec.signatureKeys cannot be used beside spec.sourceIntegrity", "take signatureKeys out")
    if spec.signature_keys:
        return None if packed else Demand(tuple(each.key_id for each in spec.signature_keys))
    try:
        read = msgspec.convert(spec.source_integrity, _Integrity)
    except msgspec.ValidationError as error:
        raise _refused(name, f"{_FIELD} cannot be read: {error}", "correct the field") from None
    if packed or read.git is None:
        return None
    return _of_git(name, read.git.policies, url)


def _of_git(project: str, policies: Sequence[_GitPolicy], url: str) -> Demand | None:
    field = f"{_FIELD}.git.policies"
    found = [
        (index, policy)
        for index, policy in enumerate(policies)
        if _covers((each.url for each in policy.repos), url, project, f"{field}[{index}].repos")
    ]
    if len(found) > 1:
        raise _refused(
            project,
            f"multiple ({len(found)}) git source integrity policies found for repo URL: {redact_url(url)}",
            f"let one entry of {field} match it",
        )
    if not found:
        return None
    (index, policy) = found[0]
    place = f"{field}[{index}].gpg"
    if policy.gpg is None:
        raise _refused(project, f"{place} is missing", f"write mode: {NONE} where nothing is to be checked")
    match policy.gpg.mode:
        case "none":
            return None
        case "head" | "strict":
            return Demand(tuple(policy.gpg.keys), policy.gpg.mode == STRICT)
    raise _refused(project, f"{place}.mode is {policy.gpg.mode[:40]!r}", f"write {NONE}, {HEAD} or {STRICT}")


def _covers(globs: Iterable[str], url: str, project: str, field: str) -> bool:
    """Whether a policy is about a repository. However its URL is spelled, it is the same repository."""
    asked = parse_repository_url(url)
    included = False
    for glob in globs:
        pattern = glob.removeprefix("!")
        if not pattern or glob_problem(pattern):
            raise _refused(project, f"{field}: {glob[:100]!r} is no pattern", "correct it, or write *")
        comparable = comparable_pattern(pattern)
        if glob.startswith("!"):
            if glob_match(comparable, asked.spelling):
                return False
        elif glob_match(comparable.lower(), asked.name) or glob_match(pattern.lower(), url.strip().lower()):
            included = True
    return included


def _refused(project: str, why: str, hint: str) -> InvalidSpec:
    return InvalidSpec(f"project {project}: {why}", hint=hint)
