"""What is wanted of one image, and where a newer one is written."""

from enum import StrEnum

import msgspec

from kubegrammar.image import Image


class Strategy(StrEnum):
    """How the newest of the tags is found."""

    SEMVER = "semver"
    NEWEST_BUILD = "newest-build"
    DIGEST = "digest"
    ALPHABETICAL = "alphabetical"
    NUMERICAL = "numerical"


SPELLINGS = {
    **{strategy.value: strategy for strategy in Strategy},
    # Argo CD Image Updater's older names of the same.
    "latest": Strategy.NEWEST_BUILD,
    "name": Strategy.ALPHABETICAL,
}


class DigestPin(StrEnum):
    """Whether a digest is written beside the tag."""

    NEVER = "Never"
    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"


class ImageRule(msgspec.Struct, frozen=True, kw_only=True):
    """How the tags of one image are chosen from.

    Attributes:
        origin: what declares it, for messages: an annotation, or a policy.
        constraint: a range of versions, or the tag that ``digest`` follows.
        allow: a regular expression that a tag must match somewhere; empty for any.
        extract: what of a match is compared, as ``$name`` or ``$1``; empty for the whole tag.
        ignore: globs of tags that are passed over.
        exclude: regular expressions of such tags.
        strict: ``semver`` takes only versions of three numbers, as Flux does; Image Updater takes ``20240101`` as well.
        descending: the smallest is the newest.
        platforms: of which a tag must offer one; empty for any.
        pull_secret: ``namespace/name`` or ``namespace/name#field``; empty for the registry's own.
        force: also where no application runs the image.
        pin: whether a digest is written too.
    """

    alias: str
    image: Image
    origin: str
    strategy: Strategy = Strategy.SEMVER
    constraint: str = ""
    allow: str = ""
    extract: str = ""
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict: bool = False
    descending: bool = False
    platforms: tuple[str, ...] = ()
    pull_secret: str = ""
    force: bool = False
    insecure: bool = False
    pin: DigestPin = DigestPin.NEVER
    kustomize_name: str = ""
    helm_name: str = ""
    helm_tag: str = ""
    helm_spec: str = ""


class Method(StrEnum):
    """Where a newer image goes."""

    GIT = "git"
    APPLICATION = "argocd"


class TargetKind(StrEnum):
    """Which file takes it."""

    OVERRIDE = "override"
    KUSTOMIZATION = "kustomization"
    HELM_VALUES = "helmvalues"
    MARKERS = "markers"


class WriteBack(msgspec.Struct, frozen=True, kw_only=True):
    """Where the images of one application are written.

    Attributes:
        target: kind of file, and ``path`` of it, relative to the source's folder, or to the repository's root where it
            begins with a slash; empty for the usual one.
        repository: another than the source's; empty for that.
        branch: whose files are edited; empty for the source's revision.
        to: template of the branch that is pushed; empty for ``branch``.
        credentials: ``namespace/name`` of a Secret; empty for the repository's own.
        pull_request: open one for the pushed branch.
    """

    method: Method = Method.GIT
    target: TargetKind = TargetKind.OVERRIDE
    path: str = ""
    repository: str = ""
    branch: str = ""
    to: str = ""
    credentials: str = ""
    pull_request: bool = False


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A newer image for a rule.

    Attributes:
        old: what runs, or what Git has.
        new: the whole name, with tag, with digest where it is pinned.
    """

    rule: ImageRule
    old: Image
    new: Image
