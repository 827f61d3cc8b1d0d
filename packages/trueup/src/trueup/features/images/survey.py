"""Asking registries: which image is the newest by each rule, and why the others are not."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import msgspec

from kubegrammar.image import Image
from trueup.features.images.choose import ImageChoice, candidates, choose
from trueup.features.images.rule import DigestPin, ImageRule, Strategy
from trueup.features.images.secrets import Secret, require_namespace, required, shown
from trueup.features.images.settings import ImageSettings, RegistryEntry
from trueup.features.images.surprise import surprise
from trueup.memory.bounded import Memory, weight
from trueup.memory.failures import Failures, Patience
from trueup.model.errors import SourceUnavailable, Stalled, TrueupError
from trueup.model.share import Share
from trueup.model.tree import MEBIBYTE
from trueup.runtime.fair import Fair
from trueup.runtime.turn import Turn
from trueup.sources.registry import Access, ImageFacts, Platform, RegistryClient

CONCURRENT, BESIDE = 8, 32
"""Questions at a time, and places for those that last while others wait; no registry has more than half of them."""
LONGEST = 120.0
"""Seconds of one question, all pages of its answer included."""
SLOW = 5.0
"""Seconds after which a question that came to nothing counts as a registry that does not answer."""
UNANSWERED = Patience(30.0, 300.0)
"""How long such a registry is not asked: it would cost the round its time-out once more for each image."""
REMEMBERED, ROOM = 20_000, 16 * MEBIBYTE
"""Images whose facts are kept, and bytes for them: an index has as many annotations as it likes."""

T = TypeVar("T")

Secrets = Callable[[str, str], Awaitable[Secret | None]]
"""A Secret by namespace and name; None where there is none."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a registry says about one rule.

    Attributes:
        newest: with tag, and with digest where it is pinned; None where nothing fits.
        problem: why it could not be asked; empty when it could.
    """

    rule: ImageRule
    newest: Image | None = None
    passed_over: dict[str, str] = {}
    problem: str = ""


class Survey:
    """Looks rules up, each repository once a round.

    What a digest leads to never changes, so that is remembered over rounds.

    Args:
        secrets: reads Secrets.
        certificates: PEM certificates that are trusted for a host beside the system's; empty for none.
        control_namespace: whose Secrets are no application's.
        local: registries on this machine are asked though nobody has configured them.
    """

    def __init__(
        self,
        client: RegistryClient,
        secrets: Secrets,
        certificates: Callable[[str], str] = lambda _: "",
        *,
        control_namespace: str = "",
        local: bool = False,
    ) -> None:
        self._control_namespace, self._local = control_namespace, local
        self._client, self._secrets, self._certificates = client, secrets, certificates
        self._facts: Memory[tuple[str, str, str, str], ImageFacts] = Memory(
            entries=REMEMBERED, size=ROOM, weigh=_weight
        )
        self._slots = Fair(CONCURRENT, BESIDE)
        self._failures = Failures(time.monotonic, random.random)

    async def look(self, rules: Iterable[tuple[ImageRule, frozenset[str]]], settings: ImageSettings) -> list[Finding]:
        """A finding for each rule, in their order.

        Args:
            rules: each with the namespaces whose Secrets it may name. Without that limit an application could send
                another team's password to a registry of its own.
        """
        tags: dict[tuple[str, str, Access], asyncio.Task[list[str]]] = {}
        try:
            return list(await asyncio.gather(*(self._one(rule, spaces, settings, tags) for rule, spaces in rules)))
        finally:
            for task in tags.values():
                task.cancel()
            await asyncio.gather(*tags.values(), return_exceptions=True)

    async def _one(
        self,
        rule: ImageRule,
        namespaces: frozenset[str],
        settings: ImageSettings,
        tags: dict[tuple[str, str, Access], "asyncio.Task[list[str]]"],
    ) -> Finding:
        try:
            registry = settings.registry(rule.image)
            host, repository = registry.host or rule.image.registry, rule.image.repository
            if registry.namespace and "/" not in repository:
                repository = f"{registry.namespace}/{repository}"
            access = await self._access(rule, registry, repository, namespaces)
            asked = (host, repository, access)
            if asked not in tags:
                tags[asked] = asyncio.create_task(self._tags(*asked))
            listed = await asyncio.shield(tags[asked])
            choice = await self._choice(rule, listed, host, repository, access)
            if not choice.tag:
                why = _why(choice, len(listed), rule)
                return Finding(rule=rule, passed_over=choice.passed_over, problem=f"{rule.origin}: {why}")
            digest = ""
            if rule.pin is not DigestPin.NEVER:
                tag = choice.tag
                digest = await self._asked(host, repository, lambda: self._client.digest(host, repository, tag, access))
            newest = Image(rule.image.name, choice.tag, digest)
            return Finding(rule=rule, newest=newest, passed_over=choice.passed_over)
        except TrueupError as error:
            return Finding(rule=rule, problem=f"{rule.origin}: {error}")
        except Exception as error:
            # A fault of ours that one registry's answer brings out is no reason to look at no other one.
            return Finding(rule=rule, problem=f"{rule.origin}: {surprise(rule.image.name, error)}")

    async def _tags(self, host: str, repository: str, access: Access) -> list[str]:
        return await self._asked(host, repository, lambda: self._client.tags(host, repository, access))

    async def _asked(self, host: str, repository: str, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to a question when it is its turn; a registry that is silent holds up no other one."""

        async def ask(_: Turn) -> T:
            if failure := self._failures.standing(host):
                raise failure
            began = time.monotonic()
            try:
                async with asyncio.timeout(LONGEST):
                    answer = await question()
            except TimeoutError:
                error = SourceUnavailable(f"registry {host}: no whole answer within {LONGEST:g} s")
                self._failures.failed(host, error, UNANSWERED)
                raise error from None
            except SourceUnavailable as error:
                if time.monotonic() - began > SLOW:
                    self._failures.failed(host, error, UNANSWERED)
                raise
            self._failures.forget(host)
            return answer

        return await self._slots.run(Share(project=host, repository=repository), ask)

    async def _choice(
        self, rule: ImageRule, listed: list[str], host: str, repository: str, access: Access
    ) -> ImageChoice:
        kept, refused = candidates(rule, listed)
        platforms = [Platform.parse(text) for text in rule.platforms]
        created: dict[str, float] = {}
        if rule.strategy is Strategy.NEWEST_BUILD:
            facts = await asyncio.gather(*(self._describe(host, repository, tag, access, platforms) for tag in kept))
            for tag, found in zip(kept, facts, strict=True):
                if platforms and not _offers(found, platforms):
                    refused[tag] = f"not for {', '.join(rule.platforms)}"
                elif found.created is not None:
                    created[tag] = found.created.timestamp()
            choice = choose(rule, [tag for tag in listed if tag not in refused], created)
            return ImageChoice(choice.tag, {**choice.passed_over, **refused})
        while True:
            choice = choose(rule, [tag for tag in listed if tag not in refused])
            if not choice.tag or not platforms:
                return ImageChoice(choice.tag, {**choice.passed_over, **refused})
            # Only the newest is asked about its platforms, then the next one: most often the first will do.
            found = await self._describe(host, repository, choice.tag, access, platforms)
            if _offers(found, platforms):
                return ImageChoice(choice.tag, {**choice.passed_over, **refused})
            refused[choice.tag] = f"not for {', '.join(rule.platforms)}"

    async def _describe(
        self, host: str, repository: str, tag: str, access: Access, platforms: list[Platform]
    ) -> ImageFacts:
        wanted = platforms[0] if platforms else None

        async def describe() -> ImageFacts:
            digest = await self._client.digest(host, repository, tag, access)
            key = (host, repository, digest, str(wanted))
            known = self._facts.get(key)
            if known is None:
                known = await self._client.describe(host, repository, digest, access, wanted)
                self._facts.put(key, known)
            return known

        return await self._asked(host, repository, describe)

    async def _access(
        self, rule: ImageRule, registry: RegistryEntry, repository: str, namespaces: frozenset[str]
    ) -> Access:
        host, named = registry.host or rule.image.registry, rule.image.registry
        reference = rule.pull_secret or registry.credentials
        # A policy may leave its own password without TLS, but not the one that an operator gives.
        plain = registry.plain_http or (rule.insecure and bool(rule.pull_secret or not reference))
        base = Access(
            plain_http=plain,
            insecure=registry.insecure,
            ca=self._certificates(host.partition(":")[0]).encode(),
            servers=registry.servers,
            guarded=not (registry.named or self._local),
        )
        if not reference:
            return base
        place, _, field = reference.partition("#")
        namespace, _, name = place.partition("/")
        if rule.pull_secret:
            require_namespace(namespace, namespaces, self._control_namespace)
        secret = await self._secrets(namespace, name)
        if rule.pull_secret:
            secret = required(secret, place, namespaces)
            registry = msgspec.structs.replace(registry, credentials="")
        elif secret is None:
            raise Stalled(f"registries.conf: there is no Secret {place}", hint="create it")
        return shown(secret, field, base, registry, host, named, repository)


def _weight(facts: ImageFacts) -> int:
    return weight((*facts.annotations, *facts.annotations.values())) + 200 * len(facts.platforms)


def _offers(facts: ImageFacts, wanted: list[Platform]) -> bool:
    return not facts.platforms or any(has.offers(want) for has in facts.platforms for want in wanted)


def _why(choice: ImageChoice, tags: int, rule: ImageRule) -> str:
    if not tags:
        return f"{rule.image.name} has no tags"
    reasons = list(choice.passed_over.values())
    most = max(set(reasons), key=reasons.count) if reasons else "none fits"
    return f"none of the {tags} tags of {rule.image.name} fits; most often: {most}"
