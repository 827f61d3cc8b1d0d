"""Pairs × answers → :class:`Comparison`."""

from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from trueup.diff.answer import DryRunAnswer
from trueup.diff.change import FieldDifference, describe, differences
from trueup.diff.jq import JqFacts
from trueup.diff.local import declared_changes
from trueup.diff.normalise import comparable
from trueup.diff.pairing import Pair, Pairs
from trueup.diff.rules import NO_FACTS, applicable, leave_out
from trueup.model.annotations import COMPARE_OPTIONS
from trueup.model.application import IgnoreDifference
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.hooks import csv
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode

_IGNORE_EXTRANEOUS = "IgnoreExtraneous"

Verdict = tuple[SyncCode, str]


class _Known(msgspec.Struct, frozen=True):
    """What is known about the pairs."""

    answers: Mapping[ResourceKey, DryRunAnswer]
    asked: Container[ResourceKey]
    forbidden: Mapping[ResourceKey, str]
    ignored: Sequence[IgnoreDifference]
    jq: Mapping[ResourceKey, JqFacts]


def compare(
    pairs: Pairs,
    answers: Mapping[ResourceKey, DryRunAnswer],
    *,
    asked: Iterable[ResourceKey],
    forbidden: Mapping[ResourceKey, str] | None = None,
    ignored: Sequence[IgnoreDifference] = (),
    jq: Mapping[ResourceKey, JqFacts] | None = None,
    revisions: Sequence[str] = (),
    source_types: Sequence[str] = (),
) -> Comparison:
    """The verdict over each pair and over all.

    Args:
        answers: of the server. A pair that was asked about and has none is Unknown.
        asked: the pairs that :func:`trueup.diff.suspects` found; the others with both sides are Synced.
        forbidden: what the project does not permit, with the reason. Such an object that is live only is none of
            the application's business and left out.
        ignored: ``spec.ignoreDifferences``, and the rules for everybody.
        jq: what the rules' jq expressions name in the objects that were asked about.

    An object is Synced when the dry run of its apply returns what is live: fields that Git does not declare and we
    do not own are no drift. The application is OutOfSync if anything that counts is; hooks do not count, nor extra
    objects annotated ``IgnoreExtraneous`` (Argo CD ``controller/state.go``); else it is Unknown if anything is.
    """
    known = _Known(answers, frozenset(asked), forbidden or {}, ignored, jq or {})
    judged = [pair for pair in pairs.pairs if pair.target is not None or pair.key not in known.forbidden]
    resources = tuple(_resource(pair, known) for pair in judged)
    namespace = _resource(pairs.namespace, known) if pairs.namespace else None
    return Comparison(
        status=_overall([*resources, *([namespace] if namespace else [])], known.forbidden),
        namespace=namespace,
        resources=resources,
        hooks=pairs.hooks,
        revisions=tuple(revisions),
        source_types=tuple(source_types),
    )


def changes_of(
    live: LiveObject, answer: DryRunAnswer, ignored: Iterable[IgnoreDifference] = (), jq: JqFacts = NO_FACTS
) -> list[FieldDifference]:
    """The fields a sync would change: live against what a dry run returned, ignored ones left out, Secrets masked."""
    if answer.body == live.body:
        return []
    found = live.object()
    rules = applicable(ignored, live.key)
    before, after = leave_out(comparable(found), comparable(answer.object()), found, rules, (jq.live, jq.answer))
    return differences(before, after)


def _overall(resources: Iterable[ComparedResource], forbidden: Container[ResourceKey]) -> SyncCode:
    status = SyncCode.SYNCED
    for resource in resources:
        if resource.hook or _is_ignored_extra(resource):
            continue
        if resource.status is SyncCode.OUT_OF_SYNC or resource.key in forbidden:
            # As in Argo CD, what the project forbids is itself Unknown and leaves the application OutOfSync: the
            # rest of it can still be synced, and the sync says what was refused.
            return SyncCode.OUT_OF_SYNC
        if resource.status is SyncCode.UNKNOWN:
            status = SyncCode.UNKNOWN
    return status


def _is_ignored_extra(resource: ComparedResource) -> bool:
    if not resource.requires_pruning or resource.live is None:
        return False
    return _IGNORE_EXTRANEOUS in csv(resource.live.annotations, COMPARE_OPTIONS)


def _resource(pair: Pair, known: _Known) -> ComparedResource:
    status, message = _verdict(pair, known)
    answer = known.answers.get(pair.key) if status is SyncCode.OUT_OF_SYNC else None
    return ComparedResource(
        key=pair.key,
        target=pair.target,
        # It may be another's: whether it is there, and how it is, is none of the application's business.
        live=pair.live if pair.hook or pair.key not in known.forbidden else None,
        status=status,
        requires_pruning=pair.requires_pruning,
        hook=pair.hook,
        message=message,
        becomes=answer.body if answer is not None else b"",
    )


def _verdict(pair: Pair, known: _Known) -> Verdict:
    if pair.hook:
        return SyncCode.SYNCED, ""
    if reason := known.forbidden.get(pair.key):
        return SyncCode.UNKNOWN, reason
    if pair.target is None:
        return SyncCode.OUT_OF_SYNC, "live but not in Git: requires pruning"
    if pair.live is None:
        return SyncCode.OUT_OF_SYNC, "in Git but not live"
    answer = known.answers.get(pair.key)
    if answer is None:
        if pair.key in known.asked:
            return SyncCode.UNKNOWN, "not compared: the cluster gave no answer"
        return SyncCode.SYNCED, ""
    jq = known.jq.get(pair.key, NO_FACTS)
    if jq.faults and answer.body != pair.live.body:
        return SyncCode.UNKNOWN, f"not compared: {'; '.join(jq.faults)}"
    if answer.refused:
        return _refused(pair.target, pair.live, answer, known)
    changes = changes_of(pair.live, answer, known.ignored, jq)
    return (SyncCode.OUT_OF_SYNC, f"differs from Git: {describe(changes)}") if changes else (SyncCode.SYNCED, "")


def _refused(target: Manifest, live: LiveObject, answer: DryRunAnswer, known: _Known) -> Verdict:
    """Drift where the refusal is about the manifest and a declared field differs: a sync meets the refusal and shows
    it. Else nobody knows (a webhook may refuse dry runs alone), which is shown and not healed (cluster-truths 11)."""
    found, rules, jq = live.object(), applicable(known.ignored, live.key), known.jq.get(live.key, NO_FACTS)
    desired, seen = leave_out(comparable(target.object()), comparable(found), found, rules, (jq.declared, jq.live))
    changes = declared_changes(desired, seen) if answer.certain and isinstance(desired, dict) else []
    if changes:
        return SyncCode.OUT_OF_SYNC, f"differs from Git: {describe(changes)}; the cluster refuses it: {answer.refused}"
    return SyncCode.UNKNOWN, f"unconfirmed: {answer.refused}"
