"""Pairs as ``RespectIgnoreDifferences=true`` writes them."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from trueup import diff
from trueup.diff import JqFacts, Pairs
from trueup.model.application import IgnoreDifference
from trueup.model.resource import ResourceKey
from trueup.observe.ignoring import Documents
from trueup.observe.questions import way_of
from trueup.plan.options import Options as SyncOptions


def respecting(
    pairs: Pairs, rules: Sequence[IgnoreDifference], jq: Mapping[ResourceKey, JqFacts], options: SyncOptions
) -> Pairs:
    """Pairs whose targets leave what is ignored as it is live.

    Args:
        jq: what the rules' jq expressions name in the live object and in what Git declares.
    """
    made = []
    for item in pairs.pairs:
        if item.target is not None and item.live is not None:
            how = way_of(options, item.target, item.live)
            applied = not how.replace and how.server_side != "off"
            named = jq.get(item.key, JqFacts())
            item = diff.respecting(item, diff.applicable(rules, item.key), named, applied=applied)
        made.append(item)
    return msgspec.structs.replace(pairs, pairs=tuple(made))


def declared(pairs: Pairs) -> Iterator[Documents]:
    """The objects that are there and declared, for jq to name what of them may differ."""
    for item in pairs.pairs:
        if item.target is not None and item.live is not None:
            yield Documents(key=item.key, live=item.live.object(), declared=item.target.object())
