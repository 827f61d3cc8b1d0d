"""Which of a registry's tags is the newest by a rule, and why the others are not."""

import functools
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from kubegrammar import pattern, semver
from kubegrammar.glob import glob_match
from trueup.features.images.rule import ImageRule, Strategy
from trueup.model.errors import InvalidSpec

_REFERENCE = pattern.compile(r"\$(?:\{(\w+)\}|(\w+))")
_LONGEST_PATTERN = 1000


class ImageChoice(msgspec.Struct, frozen=True):
    """What was chosen, and why not the others.

    Attributes:
        tag: empty where no tag fits.
        passed_over: a reason for each other tag that the registry has.
    """

    tag: str
    passed_over: dict[str, str]


def candidates(rule: ImageRule, tags: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The tags that a rule lets through, with what of each is compared; and the reasons against the others.

    Raises:
        InvalidSpec: the rule's pattern cannot be read.
    """
    allowed = _pattern(rule, rule.allow)
    excluded = [(text, _pattern(rule, text)) for text in rule.exclude]
    kept: dict[str, str] = {}
    refused: dict[str, str] = {}
    for tag in tags:
        ignored = next((glob for glob in rule.ignore if glob_match(glob, tag)), None)
        if ignored is not None:
            refused[tag] = f"ignored by {ignored}"
            continue
        left_out = next((text for text, each in excluded if each and each.search(tag)), None)
        if left_out is not None:
            refused[tag] = f"left out by {left_out}"
            continue
        match = allowed.search(tag) if allowed else None
        if allowed and match is None:
            refused[tag] = f"not allowed by {rule.allow}"
            continue
        if rule.strategy is Strategy.DIGEST:
            if tag == rule.constraint:
                kept[tag] = tag
            else:
                refused[tag] = f"the digest of {rule.constraint} is followed"
            continue
        compared = _extracted(match, rule.extract) if match and rule.extract else tag
        reason = _unfit(rule, compared)
        if reason:
            refused[tag] = reason
        else:
            kept[tag] = compared
    return kept, refused


def choose(rule: ImageRule, tags: Iterable[str], created: Mapping[str, float] | None = None) -> ImageChoice:
    """The newest tag by the rule's strategy.

    Args:
        created: when the images of tags were made, for ``newest-build``, in seconds; a tag without is passed over.

    Raises:
        InvalidSpec: the rule's pattern cannot be read.
    """
    kept, refused = candidates(rule, tags)
    times = created or {}
    if rule.strategy is Strategy.NEWEST_BUILD:
        for tag in [tag for tag in kept if tag not in times]:
            refused[tag] = "it does not say when it was made"
            del kept[tag]
    if not kept:
        return ImageChoice("", refused)

    def order(left: str, right: str) -> int:
        return _order(rule, (left, kept[left]), (right, kept[right]), times)

    ordered = sorted(kept, key=functools.cmp_to_key(order))
    newest = ordered[0] if rule.descending else ordered[-1]
    for tag in kept:
        if tag != newest:
            refused[tag] = f"{newest} is newer"
    return ImageChoice(newest, refused)


def _pattern(rule: ImageRule, text: str) -> pattern.Pattern[str] | None:
    """A pattern in Go's syntax, linear in time whatever it is; None for an empty one.

    Raises:
        InvalidSpec: it cannot be read.
    """
    if not text:
        return None
    try:
        if len(text) > _LONGEST_PATTERN:
            raise ValueError("too long")
        return _compile(text)
    except ValueError as error:
        raise InvalidSpec(
            f"{rule.origin}: {text[:100]!r} is no regular expression: {error}", hint="correct it, or allow any tag"
        ) from None


@functools.lru_cache(maxsize=100)
def _compile(text: str) -> pattern.Pattern[str]:
    return pattern.given(text)


def _unfit(rule: ImageRule, compared: str) -> str:
    if rule.strategy is Strategy.SEMVER:
        version = semver.parse_version(compared)
        if version is None:
            return "no version"
        if rule.strict and not semver.is_strict(compared):
            return "no version of three numbers"
        wanted = rule.constraint or "*"
        if semver.best_match(wanted, [compared]) is None:
            return "a prerelease" if version.prerelease and not rule.constraint else f"not in {wanted}"
    elif rule.strategy is Strategy.NUMERICAL and _number(compared) is None:
        return "no number"
    return ""


def _order(rule: ImageRule, left: tuple[str, str], right: tuple[str, str], created: Mapping[str, float]) -> int:
    """Older first. Ties are broken by the tag itself, so that a choice does not depend on the registry's order."""
    result = 0
    if rule.strategy is Strategy.SEMVER:
        ours, theirs = semver.parse_version(left[1]), semver.parse_version(right[1])
        assert ours and theirs
        result = semver.compare(ours, theirs)
    elif rule.strategy is Strategy.NUMERICAL:
        mine, other = _number(left[1]), _number(right[1])
        assert mine is not None and other is not None
        result = (mine > other) - (mine < other)
    elif rule.strategy is Strategy.NEWEST_BUILD:
        result = (created[left[0]] > created[right[0]]) - (created[left[0]] < created[right[0]])
    else:
        result = (left[1] > right[1]) - (left[1] < right[1])
    if result == 0:
        # Of 1.2 and 1.2.0 the longer one says more.
        a, b = (len(left[0]), left[0]), (len(right[0]), right[0])
        result = (a > b) - (a < b)
        if rule.descending:
            result = -result
    return result


def _number(text: str) -> Decimal | None:
    if not text or len(text) > 100 or not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _extracted(match: pattern.Match[str], template: str) -> str:
    def value(reference: pattern.Match[str]) -> str:
        name = reference[1] or reference[2]
        return pattern.group(match, int(name) if name.isdigit() else name)

    return _REFERENCE.sub(value, template)
