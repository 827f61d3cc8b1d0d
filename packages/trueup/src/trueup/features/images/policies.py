"""Flux's ImagePolicy and ImageRepository objects, and the markers in files that name them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubegrammar import pattern
from kubegrammar.image import parse_image
from kubegrammar.semver import is_range, parse_version
from trueup.features.images.rule import DigestPin, ImageRule, Strategy
from trueup.model.errors import InvalidSpec

GROUP = "image.toolkit.fluxcd.io"
_MARKER = pattern.compile(r'\{\s*"\$imagepolicy"\s*:\s*"([^"]*)"\s*\}')
_LOOKS_LIKE = "$imagepolicy"
_REFERENCE = pattern.compile(r"([a-z0-9][a-z0-9.-]*):([a-z0-9][a-z0-9.-]*)(?::(tag|name|digest))?")
_SIGNATURES = r"^.*\.sig$"
"""Tags that Flux leaves out where an ImageRepository names none itself."""

Key = tuple[str, str]
"""Namespace and name of a policy."""


class Marker(msgspec.Struct, frozen=True):
    """What a comment asks for: a part of the image that a policy chose, or the whole name."""

    namespace: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        return ":".join(filter(None, (self.namespace, self.name, self.part)))


def read_marker(comment: str) -> Marker | None:
    """The marker in a comment; None where there is none.

    Raises:
        ValueError: there is one, but it is broken.
    """
    if _LOOKS_LIKE not in comment:
        return None
    found = _MARKER.search(comment)
    reference = _REFERENCE.fullmatch(found[1]) if found else None
    if reference is None:
        raise ValueError(
            'the marker is broken; write # {"$imagepolicy": "NAMESPACE:NAME"}, with :tag, :name or :digest behind it'
        )
    return Marker(reference[1], reference[2], reference[3] or "")


def policy_rules(
    policies: Iterable[Mapping[str, Any]], repositories: Iterable[Mapping[str, Any]]
) -> tuple[dict[Key, ImageRule], dict[Key, str]]:
    """A rule for each policy; and for each that cannot be read, why."""
    known = {_key(each): each for each in repositories}
    rules: dict[Key, ImageRule] = {}
    broken: dict[Key, str] = {}
    for policy in policies:
        key = _key(policy)
        try:
            rules[key] = _rule(key, policy, known)
        except InvalidSpec as error:
            broken[key] = str(error)
    return rules, broken


def _rule(key: Key, policy: Mapping[str, Any], repositories: Mapping[Key, Mapping[str, Any]]) -> ImageRule:
    namespace, name = key
    origin = f"ImagePolicy {namespace}/{name}"
    spec = _mapping(policy, "spec", origin)
    reference = _mapping(spec, "imageRepositoryRef", origin)
    place = (str(reference.get("namespace") or namespace), str(reference.get("name") or ""))
    repository = repositories.get(place)
    if repository is None:
        raise InvalidSpec(
            f"{origin}: there is no ImageRepository {'/'.join(place)}", hint="create it, or name another one"
        )
    source = _mapping(repository, "spec", f"ImageRepository {'/'.join(place)}")
    try:
        image = parse_image(str(source.get("image") or ""))
    except ValueError as error:
        raise InvalidSpec(f"ImageRepository {'/'.join(place)}: {error}", hint="correct spec.image") from None
    strategy, constraint, descending = _policy(_mapping(spec, "policy", origin), origin)
    filters = spec.get("filterTags") or {}
    secret = source.get("secretRef") or {}
    exclusions = source.get("exclusionList")
    reflection = str(spec.get("digestReflectionPolicy") or "Never")
    return ImageRule(
        alias=f"{namespace}:{name}",
        image=image,
        origin=origin,
        strategy=strategy,
        constraint=constraint,
        strict=True,
        descending=descending,
        allow=str(filters.get("pattern") or ""),
        extract=str(filters.get("extract") or ""),
        exclude=tuple(map(str, exclusions)) if isinstance(exclusions, list) else (_SIGNATURES,),
        pull_secret=f"{place[0]}/{secret['name']}" if secret.get("name") else "",
        force=True,
        insecure=source.get("insecure") is True,
        pin=DigestPin(reflection) if reflection in {each.value for each in DigestPin} else DigestPin.NEVER,
    )


def _policy(policy: Mapping[str, Any], origin: str) -> tuple[Strategy, str, bool]:
    choices = [name for name in ("semver", "alphabetical", "numerical") if policy.get(name) is not None]
    if len(choices) != 1:
        raise InvalidSpec(f"{origin}: spec.policy names {len(choices)} strategies", hint="name exactly one")
    details = policy[choices[0]] if isinstance(policy[choices[0]], dict) else {}
    if choices[0] == "semver":
        constraint = str(details.get("range") or "*")
        if not (is_range(constraint) or parse_version(constraint)):
            raise InvalidSpec(f"{origin}: spec.policy.semver.range {constraint[:100]!r} is none", hint="correct it")
        return Strategy.SEMVER, constraint, False
    order = str(details.get("order") or "asc")
    if order not in ("asc", "desc"):
        raise InvalidSpec(f"{origin}: spec.policy.{choices[0]}.order {order[:100]!r} is none", hint="asc or desc")
    return Strategy(choices[0]), "", order == "desc"


def _key(item: Mapping[str, Any]) -> Key:
    metadata = item.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _mapping(item: Mapping[str, Any], field: str, origin: str) -> Mapping[str, Any]:
    found = item.get(field)
    if not isinstance(found, dict):
        raise InvalidSpec(f"{origin}: {field} is missing", hint="write it")
    return found
