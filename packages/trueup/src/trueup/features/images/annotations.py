"""What an Application's annotations ask for, by the names of Argo CD Image Updater."""

from collections.abc import Mapping

from kubegrammar import pattern
from kubegrammar.image import parse_image
from kubegrammar.semver import is_range, parse_version
from trueup.features.images.rule import SPELLINGS, DigestPin, ImageRule, Method, Strategy, TargetKind, WriteBack
from trueup.model.annotations import IMAGE_LIST
from trueup.model.errors import InvalidSpec

PREFIX = "argocd-image-updater.argoproj.io/"
PULL_REQUEST = "trueup.dev/image-pull-request"
"""``true``: open a pull request for the branch that is pushed (``git-branch: base:template`` names it)."""
PIN = "trueup.dev/image-pin"
"""``true``: write the digest beside the tag, whatever the strategy."""
MARKERS = "trueup.dev/image-markers"
"""``disabled``: leave Flux's markers in this application's files alone."""

_ALIAS = pattern.compile(r"[a-zA-Z0-9][a-zA-Z0-9-._]*")
_SECRET = pattern.compile(r"(?:pullsecret|secret):([a-z0-9][a-z0-9.-]*)/([a-z0-9][a-z0-9.-]*)(#[A-Za-z0-9._-]+)?")
_GIT_SECRET = pattern.compile(r"git:secret:([a-z0-9][a-z0-9.-]*)/([a-z0-9][a-z0-9.-]*)")


def asks_for_images(annotations: Mapping[str, str]) -> bool:
    """Whether an Application's annotations have to do with image updates."""
    return IMAGE_LIST in annotations


def image_rules(annotations: Mapping[str, str]) -> list[ImageRule]:
    """The rules of ``image-list``, in its order.

    Raises:
        InvalidSpec: an annotation cannot be read; the message names it.
    """
    rules: list[ImageRule] = []
    for item in annotations.get(IMAGE_LIST, "").split(","):
        if item.strip():
            rules.append(_rule(item.strip(), annotations))
    seen: set[str] = set()
    for rule in rules:
        if rule.alias in seen:
            raise InvalidSpec(f"{IMAGE_LIST}: {rule.alias} is there twice", hint="give each image an alias of its own")
        seen.add(rule.alias)
    return rules


def write_back(annotations: Mapping[str, str]) -> WriteBack:
    """Where the images go.

    Raises:
        InvalidSpec: an annotation cannot be read; the message names it.
    """
    method = annotations.get(f"{PREFIX}write-back-method", "argocd").strip()
    secret = _GIT_SECRET.fullmatch(method)
    if method not in ("argocd", "git", "git:repocreds") and not secret:
        raise InvalidSpec(
            f"{PREFIX}write-back-method: {method[:100]!r} is none",
            hint="write argocd, git or git:secret:NAMESPACE/NAME",
        )
    kind, colon, path = annotations.get(f"{PREFIX}write-back-target", "").strip().partition(":")
    kinds = {"": TargetKind.OVERRIDE, "kustomization": TargetKind.KUSTOMIZATION, "helmvalues": TargetKind.HELM_VALUES}
    if kind not in kinds or (colon and not path):
        raise InvalidSpec(
            f"{PREFIX}write-back-target: {kind[:100]!r} is none", hint="write kustomization[:PATH] or helmvalues[:PATH]"
        )
    branch, _, to = annotations.get(f"{PREFIX}git-branch", "").strip().partition(":")
    return WriteBack(
        method=Method.APPLICATION if method == "argocd" else Method.GIT,
        target=kinds[kind],
        path=path,
        repository=annotations.get(f"{PREFIX}git-repository", "").strip(),
        branch=branch,
        to=to,
        credentials=f"{secret[1]}/{secret[2]}" if secret else "",
        pull_request=annotations.get(PULL_REQUEST, "") == "true",
    )


def _rule(item: str, annotations: Mapping[str, str]) -> ImageRule:
    alias, equals, rest = item.partition("=")
    if not equals:
        alias, rest = "", item
    elif not _ALIAS.fullmatch(alias):
        raise InvalidSpec(f"{IMAGE_LIST}: {alias[:100]!r} is no alias", hint="write ALIAS=IMAGE[:RANGE]")
    name, constraint = _split(rest)
    try:
        image = parse_image(name)
    except ValueError as error:
        raise InvalidSpec(f"{IMAGE_LIST}: {error}", hint="write ALIAS=IMAGE[:RANGE], separated by commas") from None
    key = alias or name.replace("/", "_")

    def read(setting: str) -> str:
        """An image's own annotation, else the one for all images."""
        own = annotations.get(f"{PREFIX}{key}.{setting}")
        return (own if own is not None else annotations.get(f"{PREFIX}{setting}", "")).strip()

    origin = f"{PREFIX}{key}"
    spelt = read("update-strategy") or "semver"
    strategy = SPELLINGS.get(spelt)
    if strategy is None:
        raise InvalidSpec(
            f"{origin}.update-strategy: {spelt[:100]!r} is none",
            hint=f"choose one of {', '.join(strategy.value for strategy in Strategy)}",
        )
    if strategy is Strategy.SEMVER and constraint and not (is_range(constraint) or parse_version(constraint)):
        raise InvalidSpec(
            f"{IMAGE_LIST}: {constraint[:100]!r} is no range of versions",
            hint="write a range such as ~1.2 or 1.x behind the image's name",
        )
    if strategy is Strategy.DIGEST and not constraint:
        raise InvalidSpec(
            f"{IMAGE_LIST}: {name} names no tag, and its digest is to be followed",
            hint="write the tag behind the image's name, such as :latest",
        )
    allow = read("allow-tags")
    if allow and not (allow == "any" or allow.startswith("regexp:")):
        raise InvalidSpec(f"{origin}.allow-tags: {allow[:100]!r} is none", hint="write any or regexp:PATTERN")
    own = annotations.get
    return ImageRule(
        alias=key,
        image=image,
        origin=origin,
        strategy=strategy,
        constraint=constraint,
        allow=allow.partition(":")[2],
        ignore=tuple(glob.strip() for glob in read("ignore-tags").split(",") if glob.strip()),
        platforms=tuple(each.strip() for each in read("platforms").split(",") if each.strip()),
        pull_secret=_secret(origin, read("pull-secret")),
        force=read("force-update") == "true",
        pin=DigestPin.ALWAYS if own(PIN, "") == "true" or strategy is Strategy.DIGEST else DigestPin.NEVER,
        kustomize_name=own(f"{PREFIX}{key}.kustomize.image-name", ""),
        helm_name=own(f"{PREFIX}{key}.helm.image-name", ""),
        helm_tag=own(f"{PREFIX}{key}.helm.image-tag", ""),
        helm_spec=own(f"{PREFIX}{key}.helm.image-spec", ""),
    )


def _split(text: str) -> tuple[str, str]:
    """An image's name and what follows it. The colon of a registry's port stands before a slash."""
    at = text.rfind(":")
    return (text, "") if at < 0 or "/" in text[at:] else (text[:at], text[at + 1 :].strip())


def _secret(origin: str, text: str) -> str:
    if not text:
        return ""
    match = _SECRET.fullmatch(text)
    if match is None:
        raise InvalidSpec(
            f"{origin}.pull-secret: {text.partition(':')[0][:40]!r}… is no Secret that may be read",
            hint="write pullsecret:NAMESPACE/NAME or secret:NAMESPACE/NAME#FIELD",
        )
    return f"{match[1]}/{match[2]}{match[3] or ''}"
