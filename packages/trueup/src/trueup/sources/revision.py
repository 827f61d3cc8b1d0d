"""Revisions: what a ``targetRevision`` may look like, and which ref it names."""

import difflib
from collections.abc import Iterable, Mapping

from kubegrammar import pattern, semver
from trueup.model.errors import InvalidSpec, RenderFailed

HEAD = "HEAD"
REFS = "refs/"
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
OURS = "refs/trueup/"
"""Refs of a mirror that are none of its server's."""
_LONGEST = 255
_COMMIT = pattern.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = pattern.compile(r"[0-9a-f]{7,39}")
_CONTROL = pattern.compile(r"[\x00-\x1f\x7f-\x9f]")
_FORBIDDEN = pattern.compile(r"[ ~^:?*\[\\]|\.\.|@\{|//|/$|^/|\.$|\.lock$|^-")
_SUGGESTED_FROM = 5000


class UnknownRevision(RenderFailed):
    """The repository has no such branch, tag or commit."""


def check(revision: str) -> None:
    """Refuse a revision that cannot be a ref's name, a commit or a range of versions.

    The rules of a name are git's (``git check-ref-format``). Empty is fine: it means ``HEAD``.

    Raises:
        InvalidSpec: ``invalid git revision``.
    """
    shown = _CONTROL.sub("?", revision[:_LONGEST])
    if len(revision) > _LONGEST or _CONTROL.search(revision):
        raise InvalidSpec(f'invalid git revision "{shown}"', hint="Write it on one line of at most 255 characters.")
    if _FORBIDDEN.search(revision) and (revision.startswith("-") or not semver.is_range(revision)):
        raise InvalidSpec(
            f'invalid git revision "{shown}"', hint="Name a branch, a tag, a commit, HEAD or a range of versions."
        )


def commit(revision: str) -> str:
    """The revision in lower case when it is a full SHA, else empty."""
    return revision.lower() if _COMMIT.fullmatch(revision.lower()) else ""


def short_commit(revision: str) -> str:
    """The revision in lower case when it looks like an abbreviated SHA (7 digits or more), else empty."""
    return revision.lower() if _SHORT_COMMIT.fullmatch(revision.lower()) else ""


def other_ref(revision: str) -> str:
    """The full name of a ref beside branches and tags that a revision may mean, as of a pull request
    (``refs/pull/7/head``, ``pull/7/head``, ``refs/changes/84/6684/3``); empty where it can mean none."""
    try:
        check(revision)
    except InvalidSpec:
        return ""
    name = revision if revision.startswith(REFS) else f"{REFS}{revision}"
    named = "/" in name.removeprefix(REFS) and not name.startswith((BRANCHES, TAGS, OURS))
    return name if named and not semver.is_range(revision) else ""


def match(revision: str, tag_prefix: str, refs: Mapping[str, str]) -> str:
    """The full name of the ref a revision means, empty when none does.

    In this order, as Argo CD's ``lsRemote``: empty is ``HEAD``; a range of versions is the highest tag in it,
    prereleases only when the range has one; a full name is itself; a short name is a branch or a tag, else another ref.

    Args:
        tag_prefix: only tags that begin so count, and without it, as versions (``spec.source.tagPrefix``).
        refs: full names with their objects.

    Raises:
        RenderFailed: a branch and a tag of that name differ.
    """
    if not revision:
        return HEAD if HEAD in refs else ""
    if semver.is_range(revision) and (tag := _highest(revision, tag_prefix, refs)):
        return tag
    if revision in refs:
        return revision
    found = [name for name in (BRANCHES + revision, TAGS + revision) if name in refs]
    if len({refs[name] for name in found}) > 1:
        raise RenderFailed(
            f'revision "{revision}" is ambiguous: a branch and a tag have this name',
            hint=f"Write {BRANCHES}{revision} or {TAGS}{revision}.",
        )
    if not found and (other := other_ref(revision)) in refs:
        return other
    if found:
        return found[0]
    prefixed = TAGS + tag_prefix + revision
    return prefixed if tag_prefix and prefixed in refs else ""


def _highest(constraint: str, tag_prefix: str, refs: Iterable[str]) -> str:
    start = TAGS + tag_prefix
    versions = (name.removeprefix(start) for name in refs if name.startswith(start))
    best = semver.best_match(constraint, versions)
    return "" if best is None else start + best


def suggestion(revision: str, refs: Iterable[str]) -> str:
    """A hint that names branches and tags spelled nearly so, or says that there are none."""
    if revision and semver.is_range(revision):
        return "No tag is in this range; a prerelease counts only when the range has one (1.2.3-0)."
    names = [name.removeprefix(BRANCHES).removeprefix(TAGS) for name in refs if name != HEAD]
    if not names:
        return "The repository has no branch and no tag; push a commit."
    near = difflib.get_close_matches(revision, names[:_SUGGESTED_FROM], n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return "Name a branch, a tag or a commit that was pushed."
