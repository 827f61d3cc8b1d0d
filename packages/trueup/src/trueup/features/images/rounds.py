"""A round of image automation: look at the registries, then one commit for each repository and branch."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kubegrammar.redact import redact_url
from trueup.features.images.editing import Edited, Editing, ThreadEditing
from trueup.features.images.policies import Key
from trueup.features.images.rule import ImageRule, Method, TargetKind, Update, WriteBack
from trueup.features.images.secrets import own_namespaces
from trueup.features.images.settings import ImageSettings
from trueup.features.images.surprise import surprise
from trueup.features.images.survey import Survey
from trueup.features.images.target import (
    ChangedValue,
    folder_of,
    helm_parameters,
    kustomize_image,
)
from trueup.features.images.template import render
from trueup.features.images.work import ImageSubject, Work, WorkReport, annotated, marked, pushed_branch, values
from trueup.memory.bounded import Memory, weight
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.tree import MEBIBYTE, Tree
from trueup.runtime.logger import Logger
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.sources.propose import propose
from trueup.sources.pulls import PROVIDER
from trueup.sources.signing import Signer
from trueup.sources.tree import GitTree
from trueup.sources.writer import Author, Changes, WantedCommit, WriteOutcome

log = Logger("trueup.images")

REMEMBERED = 10_000
ROOM = 8 * MEBIBYTE
"""Bytes of the markers that are remembered."""


class RoundPorts(msgspec.Struct, frozen=True, kw_only=True):
    """Filled by whoever runs rounds: the engine, or a command.

    Attributes:
        subjects: the applications to look at.
        policies: Flux's policies as rules, and why some cannot be read.
        tree: the files of a source at its revision; None while nobody has fetched them.
        mirror: of a repository that is written.
        credential: for pushing to a repository; the second argument names a Secret, or is empty.
        patch: writes a merge patch to an Application, by its key.
        admit: raises InvalidSpec where an Application's project does not permit it, or not this repository.
        control_namespace: where Applications and settings are.
    """

    subjects: Callable[[], Sequence[ImageSubject]]
    policies: Callable[[], Awaitable[tuple[Mapping[Key, ImageRule], Mapping[Key, str]]]]
    tree: Callable[[Application, Source], Awaitable[Tree | None]]
    mirror: Callable[[RepositoryOf], Mirror]
    credential: Callable[[RepositoryOf, str], Awaitable[Credential | None]]
    patch: Callable[[str, dict[str, Any]], Awaitable[None]]
    settings: Callable[[], Awaitable[ImageSettings]]
    signer: Callable[[], Awaitable[Signer | None]]
    now: Callable[[], datetime]
    admit: Callable[[Application, str], None]
    control_namespace: str


class RoundOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one commit, or of one Application's change.

    Attributes:
        written: None where nothing was written to Git.
        pull_request: its page.
        problem: why it failed; empty when it did not.
        left: why images were left alone, by application and image.
    """

    repository: str
    done: tuple[tuple[Work, tuple[Update, ...]], ...]
    changes: tuple[ChangedValue, ...] = ()
    written: WriteOutcome | None = None
    pull_request: str = ""
    problem: str = ""
    left: dict[tuple[str, str], str] = {}


class Rounds:
    """Looks and writes."""

    def __init__(self, survey: Survey, ports: RoundPorts, editing: Editing | None = None) -> None:
        self._survey, self._ports = survey, ports
        self._editing = editing or ThreadEditing()
        self._markers: Memory[tuple[str, str], tuple[frozenset[Key], tuple[str, ...]]] = Memory(
            entries=REMEMBERED, size=ROOM, weigh=weight
        )

    async def look(self, wanted: Callable[[ImageSubject], bool] = lambda _: True) -> list[WorkReport]:
        """What every application asks for, and what the registries say."""
        settings = await self._ports.settings()
        rules, broken = await self._ports.policies()
        works: list[Work] = []
        for subject in self._ports.subjects():
            if not wanted(subject):
                continue
            try:
                works += await self._works(subject, rules, broken)
            except Exception as error:
                problem = surprise(subject.key, error)
                works.append(Work(subject=subject, source=Source(), back=WriteBack(), problem=problem))
        asked = [(rule, self._namespaces(work, rule)) for work in works for rule in work.rules]
        findings = iter(await self._survey.look(asked, settings))
        return [WorkReport(work=work, findings=tuple(next(findings) for _ in work.rules)) for work in works]

    async def _works(
        self, subject: ImageSubject, rules: Mapping[Key, ImageRule], broken: Mapping[Key, str]
    ) -> list[Work]:
        work = annotated(subject)
        works = [work] if work is not None else []
        if rules or broken:
            works += await self._marked(subject, rules, broken)
        return [self._admitted(work) for work in works]

    async def write(self, reports: Sequence[WorkReport], *, dry_run: bool = False) -> list[RoundOutcome]:
        """Put the updates where they belong: one commit for each repository and branch."""
        settings = await self._ports.settings()
        outcomes: list[RoundOutcome] = []
        groups: dict[tuple[RepositoryOf, str, str, str], list[tuple[Work, tuple[Update, ...]]]] = {}
        for report in reports:
            work, updates = report.work, tuple(report.updates)
            if work.problem or not updates:
                continue
            if work.back.method is Method.APPLICATION and work.back.target is not TargetKind.MARKERS:
                outcomes.append(await self._patched(work, updates, dry_run=dry_run))
                continue
            try:
                to = pushed_branch(work, updates)
            except InvalidSpec as error:
                outcomes.append(
                    RoundOutcome(repository=work.repository.url, done=((work, updates),), problem=str(error))
                )
                continue
            except Exception as error:
                problem = surprise(work.subject.key, error)
                outcomes.append(RoundOutcome(repository=work.repository.url, done=((work, updates),), problem=problem))
                continue
            group = (work.repository, work.branch, to, work.back.credentials)
            groups.setdefault(group, []).append((work, updates))

        async def commit(repository: RepositoryOf) -> list[RoundOutcome]:
            made: list[RoundOutcome] = []
            for (each, branch, to, secret), done in groups.items():
                if each == repository:
                    made += await self._committed(each, branch, to, secret, done, settings, dry_run=dry_run)
            return made

        # No repository waits for another one's server.
        for committed in await asyncio.gather(*(commit(each) for each in dict.fromkeys(group[0] for group in groups))):
            outcomes += committed
        return outcomes

    async def _committed(
        self,
        repository: RepositoryOf,
        branch: str,
        to: str,
        secret: str,
        done: list[tuple[Work, tuple[Update, ...]]],
        settings: ImageSettings,
        *,
        dry_run: bool,
    ) -> list[RoundOutcome]:
        """What came of a commit, and of each work whose files could not take its updates."""
        asked, made, shown = done, Edited({}), redact_url(repository.url, user=False)

        async def edit(tree: GitTree) -> Changes:
            nonlocal done, made
            made = await self._editing.edit(tree, asked)
            done = made.done(asked)
            return dict(made.files)

        def message(_: Changes) -> str:
            return commit_message(done, settings) if done else ""

        def refused(shown: str) -> list[RoundOutcome]:
            return [RoundOutcome(repository=shown, done=(asked[at],), problem=problem) for at, problem in made.refused]

        def left() -> dict[tuple[str, str], str]:
            new = ((work.subject.key, str(update.new)) for work, updates in asked for update in updates)
            return {(key, image): made.left[image] for key, image in new if image in made.left}

        try:
            for work, _ in asked:
                # Since it was looked at a project may have changed its mind.
                self._ports.admit(work.subject.app, repository.url)
            mirror = self._ports.mirror(repository)
            credential = await self._ports.credential(repository, secret)
            if dry_run:
                await mirror.update()
                await edit(mirror.tree(mirror.resolve(f"refs/heads/{branch}" if branch else "")))
                outcome = RoundOutcome(repository=mirror.shown, done=tuple(done), changes=made.changes, left=left())
                return [outcome, *refused(mirror.shown)]
            author = Author(settings.user, settings.email)
            signer = await self._ports.signer()
            ask = WantedCommit(branch=branch, to=to, message=message, author=author, signer=signer)
            first = asked[0][0]
            written, page = await propose(
                mirror,
                ask,
                edit,
                now=self._ports.now,
                credential=credential,
                pull_of=repository.url if first.back.pull_request else "",
                provider=first.subject.app.metadata.annotations.get(PROVIDER, ""),
            )
            outcome = RoundOutcome(
                repository=mirror.shown,
                done=tuple(done),
                changes=made.changes,
                written=written if written.sha else None,
                pull_request=page,
                left=left(),
            )
            return [outcome, *refused(mirror.shown)]
        except TrueupError as error:
            problem = str(error)
        except Exception as error:
            problem = surprise(shown, error)
        return [RoundOutcome(repository=shown, done=tuple(done), problem=problem), *refused(shown)]

    async def _patched(self, work: Work, updates: tuple[Update, ...], *, dry_run: bool) -> RoundOutcome:
        """Image Updater's method ``argocd``: the parameters of the Application itself."""
        patch, changes = application_patch(work, updates)
        outcome = RoundOutcome(
            repository=f"application {work.subject.key}", done=((work, updates),), changes=tuple(changes)
        )
        if dry_run or not changes:
            return outcome
        try:
            self._ports.admit(work.subject.app, work.repository.url)
            await self._ports.patch(work.subject.key, patch)
        except TrueupError as error:
            return msgspec.structs.replace(outcome, problem=str(error))
        except Exception as error:
            return msgspec.structs.replace(outcome, problem=surprise(work.subject.key, error))
        return outcome

    async def _marked(
        self, subject: ImageSubject, rules: Mapping[Key, ImageRule], broken: Mapping[Key, str]
    ) -> list[Work]:
        works = []
        for source in subject.app.spec.all_sources():
            if source.packed:
                continue
            try:
                self._ports.admit(subject.app, source.address)
                tree = await self._ports.tree(subject.app, source)
            except TrueupError:
                continue  # its own reconcile says so
            if tree is None:
                continue
            keys, problems = await self._found(tree, source)
            told = [*problems, *(broken[key] for key in sorted(keys) if key in broken)]
            work = marked(subject, source, keys - set(broken), rules, told)
            if work is not None:
                works.append(work)
        return works

    async def _found(self, tree: Tree, source: Source) -> tuple[frozenset[Key], tuple[str, ...]]:
        """Markers below a folder; read once for each content of it."""
        folder = folder_of(source)
        entry = tree.entry(folder)
        if entry is None:
            return frozenset(), ()
        slot = (entry.oid, folder)
        known = self._markers.get(slot)
        if known is None:
            found = await self._editing.find(tree, folder)
            known = frozenset(found.keys), found.problems
            self._markers.put(slot, known)
        return known

    def _admitted(self, work: Work) -> Work:
        """The work, or a problem instead where the project forbids it.

        An annotation must not lead to the push rights of another team's repository.
        """
        try:
            self._ports.admit(work.subject.app, work.repository.url)
        except InvalidSpec as error:
            return msgspec.structs.replace(work, rules=(), policies={}, problem=str(error))
        return work

    def _namespaces(self, work: Work, rule: ImageRule) -> frozenset[str]:
        spaces = own_namespaces(work.subject.app, self._ports.control_namespace)
        if work.policies:
            # A policy is read from the cluster, by its own rights: its repository's Secret lies beside that.
            spaces |= {rule.pull_secret.partition("/")[0]} - {"", self._ports.control_namespace}
        return spaces


def commit_message(done: Sequence[tuple[Work, Sequence[Update]]], settings: ImageSettings) -> str:
    """The message by the template; by the usual one where that cannot be read."""
    try:
        text = render(settings.message, values(done), "git.commit-message-template")
    except InvalidSpec as error:
        log.warning("commit message template not used", problem=str(error))
        text = render(ImageSettings().message, values(done), "")
    text = text.strip() + "\n"
    return text + f"\nSigned-off-by: {settings.user} <{settings.email}>\n" if settings.sign_off else text


def application_patch(work: Work, updates: Sequence[Update]) -> tuple[dict[str, Any], list[ChangedValue]]:
    """A merge patch for an Application's own parameters, and what it changes."""
    source, changes = work.source, []
    helm = source.helm is not None or bool(source.chart) or (source.kustomize is None and _named_for_helm(updates))
    if helm:
        parameters = [msgspec.to_builtins(each) for each in (source.helm.parameters if source.helm else [])]
        for update in updates:
            for name, value in helm_parameters(update):
                known = next((each for each in parameters if each.get("name") == name), None)
                if known is None:
                    parameters.append({"name": name, "value": value, "forceString": True})
                    changes.append(ChangedValue(f"helm.parameters[{name}]", "", value))
                elif known.get("value") != value:
                    changes.append(ChangedValue(f"helm.parameters[{name}]", str(known.get("value", "")), value))
                    known["value"] = value
        part: dict[str, Any] = {"helm": {"parameters": parameters}}
    else:
        images = list(source.kustomize.images) if source.kustomize else []
        for update in updates:
            spelt = kustomize_image(update)
            wanted = update.rule.kustomize_name or update.rule.image.name
            known_at = next((n for n, text in enumerate(images) if _stem(text) == wanted), None)
            if known_at is None:
                images.append(spelt)
                changes.append(ChangedValue(f"kustomize.images[{wanted}]", "", spelt))
            elif images[known_at] != spelt:
                changes.append(ChangedValue(f"kustomize.images[{wanted}]", images[known_at], spelt))
                images[known_at] = spelt
        part = {"kustomize": {"images": images}}
    spec = work.subject.app.spec
    if spec.sources:
        sources = [msgspec.to_builtins(each) for each in spec.sources]
        at = spec.sources.index(source)
        for name, value in part.items():
            sources[at][name] = {**(sources[at].get(name) or {}), **value}
        return {"spec": {"sources": sources}}, changes
    return {"spec": {"source": part}}, changes


def _named_for_helm(updates: Sequence[Update]) -> bool:
    return any(each.rule.helm_name or each.rule.helm_tag or each.rule.helm_spec for each in updates)


def _stem(text: str) -> str:
    name = text.partition("=")[0]
    return name.partition("@")[0].rpartition(":")[0] if ":" in name.rpartition("/")[2] else name.partition("@")[0]
