"""Which differences are ignored: the rules of an application and of everybody, and what their jq expressions name."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from kubegrammar.json import canonical
from trueup import diff
from trueup.model.application import Application, IgnoreDifference
from trueup.model.resource import ResourceKey
from trueup.store.settings import Settings
from trueup.workers.jq import Jq, JqFault

NOTHING = b"null"
"""A document for expressions of which only the reading is asked."""


class IgnoreRules(msgspec.Struct, frozen=True):
    """The rules that hold for an application, and where each is written."""

    rules: tuple[IgnoreDifference, ...]
    places: tuple[str, ...]

    def placed(self) -> Iterator[tuple[str, IgnoreDifference]]:
        """(place, rule)."""
        return zip(self.places, self.rules, strict=True)

    def expressions(self, key: ResourceKey) -> list[tuple[str, str]]:
        """(place, expression) of the jq expressions for an object."""
        return [
            (f"{place}.jqPathExpressions[{index}]", expression)
            for place, rule in self.placed()
            if rule.jq_path_expressions and diff.applicable([rule], key)
            for index, expression in enumerate(rule.jq_path_expressions)
        ]


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """An object as it is, as a dry run returned it, and as Git declares it; None for what is not there."""

    key: ResourceKey
    live: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    declared: dict[str, Any] | None = None


class Ignoring:
    """Gathers the facts of ignore rules."""

    def __init__(self, jq: Jq, settings: Callable[[], Settings]) -> None:
        self._jq = jq
        self._settings = settings

    def rules(self, app: Application, keys: Collection[ResourceKey]) -> IgnoreRules:
        """The application's own rules, then those of ``argocd-cm`` for objects it has.

        Args:
            keys: of its objects.
        """
        own = app.spec.ignore_differences
        everybody = [
            (place, rule)
            for place, rule in self._settings().ignore_differences
            if any(diff.applicable([rule], key) for key in keys)
        ]
        return IgnoreRules(
            rules=(*own, *(rule for _, rule in everybody)),
            places=(
                *(f"spec.ignoreDifferences[{index}]" for index in range(len(own))),
                *(place for place, _ in everybody),
            ),
        )

    async def faults(self, rules: IgnoreRules, facts: Iterable[diff.JqFacts] = ()) -> list[str]:
        """The jq expressions that cannot be read or evaluated, each once with its place and the reason.

        Args:
            facts: of objects that have been asked about; the others' expressions are at least read.

        Raises:
            TrueupError: no worker could be started.
        """
        found = {fault for fact in facts for fault in fact.faults}
        for place, rule in rules.placed():
            for index, expression in enumerate(rule.jq_path_expressions):
                where = f"{place}.jqPathExpressions[{index}]"
                if any(fault.startswith(f"{where}: ") for fault in found):
                    continue
                answer = await self._jq.paths(expression, NOTHING)
                if isinstance(answer, JqFault):
                    found.add(f"{where}: {answer.reason}")
        return sorted(found)

    async def facts(self, rules: IgnoreRules, objects: Iterable[Documents]) -> dict[ResourceKey, diff.JqFacts]:
        """What the jq expressions name in objects; none for an object that no expression is for.

        An expression that failed on one object is not tried on the rest: an endless one costs its time once.

        Raises:
            TrueupError: no worker could be started.
        """
        found: dict[ResourceKey, diff.JqFacts] = {}
        failed: dict[str, str] = {}
        for item in objects:
            expressions = rules.expressions(item.key)
            if not expressions:
                continue
            live = await self._named(expressions, item.live, failed)
            answer = await self._named(expressions, item.answer, failed)
            declared = await self._named(expressions, item.declared, failed)
            faults = tuple(f"{place}: {failed[place]}" for place, _ in expressions if place in failed)
            found[item.key] = diff.JqFacts(live=live, answer=answer, declared=declared, faults=faults)
        return found

    async def _named(
        self, expressions: Sequence[tuple[str, str]], document: dict[str, Any] | None, failed: dict[str, str]
    ) -> tuple[tuple[Any, ...], ...]:
        if document is None:
            return ()
        paths: list[tuple[Any, ...]] = []
        body = canonical(diff.whole(document))
        for place, expression in expressions:
            if place in failed:
                continue
            answer = await self._jq.paths(expression, body)
            if isinstance(answer, JqFault):
                failed[place] = answer.reason
            else:
                paths += answer.paths
        return tuple(paths)
