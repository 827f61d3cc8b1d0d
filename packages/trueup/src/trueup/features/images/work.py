"""What one application asks of image automation: which images, and where newer ones go. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from kubegrammar.image import Image, parse_image
from trueup.features.images.annotations import MARKERS, image_rules, write_back
from trueup.features.images.policies import Key
from trueup.features.images.rule import ImageRule, TargetKind, Update, WriteBack
from trueup.features.images.survey import Finding
from trueup.features.images.target import folder_of
from trueup.features.images.template import Values, render
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec
from trueup.model.repository import RepositoryOf

BRANCH = "trueup/images-{{ .SHA256 }}"
"""Of pull requests, where no template names another."""


class ImageSubject(msgspec.Struct, frozen=True, kw_only=True):
    """An application as image automation sees it.

    Attributes:
        key: ``namespace/name``.
        instance: its name in override files.
        running: the images that it has on the cluster.
    """

    key: str
    instance: str
    app: Application
    running: tuple[str, ...] = ()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of one subject with one place to write to.

    Attributes:
        policies: the rules by the policies that markers name; empty for annotations.
        problem: why nothing can be done; empty where something can.
    """

    subject: ImageSubject
    source: Source
    back: WriteBack
    rules: tuple[ImageRule, ...] = ()
    policies: dict[Key, ImageRule] = {}
    problem: str = ""

    @property
    def repository(self) -> RepositoryOf:
        """The repository that is written, on behalf of the application's project."""
        reached = self.subject.app.spec.repository(self.source)
        return RepositoryOf(self.back.repository or reached.url, reached.project)

    @property
    def branch(self) -> str:
        """The branch whose files are edited; empty for the one that HEAD names."""
        revision = self.back.branch or self.source.target_revision
        return "" if revision == "HEAD" else revision.removeprefix("refs/heads/")

    @property
    def folder(self) -> str:
        """The source's folder; empty for the root."""
        return folder_of(self.source)


class WorkReport(msgspec.Struct, frozen=True, kw_only=True):
    """A work, and what the registries say about its rules."""

    work: Work
    findings: tuple[Finding, ...] = ()

    @property
    def updates(self) -> list[Update]:
        """The newer images, in the order of the aliases: a commit does not depend on chance."""
        found = [self.update(finding) for finding in self.findings]
        return sorted((each for each in found if each), key=lambda update: update.rule.alias)

    def current(self, finding: Finding) -> list[Image]:
        """The images that run for a rule."""
        return running(self.work.subject, finding.rule)

    def update(self, finding: Finding) -> Update | None:
        """The newer image that follows from a finding; None where nothing is to be done."""
        newest, rule = finding.newest, finding.rule
        if newest is None:
            return None
        current = self.current(finding)
        if not current:
            return Update(rule=rule, old=Image(rule.image.name), new=newest) if rule.force else None
        stale = [image for image in current if not _same(image, newest)]
        return Update(rule=rule, old=stale[0], new=newest) if stale else None

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, for people."""
        return [text for text in (self.work.problem, *(finding.problem for finding in self.findings)) if text]


def running(subject: ImageSubject, rule: ImageRule) -> list[Image]:
    """Those of an application's images that a rule is about."""
    found = []
    for text in subject.running:
        try:
            image = parse_image(text)
        except ValueError:
            continue
        if image.names_same(rule.image):
            found.append(image)
    return found


def annotated(subject: ImageSubject) -> Work | None:
    """What an application's annotations ask for; None where they ask for nothing."""
    annotations = subject.app.metadata.annotations
    sources = subject.app.spec.all_sources()
    first = next((source for source in sources if not source.ref or source.path), sources[0] if sources else Source())
    try:
        rules = image_rules(annotations)
        if not rules:
            return None
        back = write_back(annotations)
    except InvalidSpec as error:
        return Work(subject=subject, source=first, back=WriteBack(), problem=str(error))
    return Work(subject=subject, source=first, back=back, rules=tuple(rules))


def marked(
    subject: ImageSubject, source: Source, keys: Iterable[Key], rules: Mapping[Key, ImageRule], problems: Sequence[str]
) -> Work | None:
    """What markers in a source's files ask for; None where there are none, or the application wants none."""
    if subject.app.metadata.annotations.get(MARKERS) == "disabled":
        return None
    wanted = {key: rules[key] for key in sorted(keys) if key in rules}
    missing = [f"there is no ImagePolicy {'/'.join(key)}" for key in sorted(keys) if key not in rules]
    problem = "; ".join([*problems, *missing])
    if not wanted and not problem:
        return None
    back = write_back({})
    try:
        back = write_back(subject.app.metadata.annotations)
    except InvalidSpec as error:
        problem = str(error)
    return Work(
        subject=subject,
        source=source,
        back=msgspec.structs.replace(back, target=TargetKind.MARKERS),
        rules=tuple(wanted.values()),
        policies=wanted,
        problem=problem,
    )


def pushed_branch(work: Work, updates: Sequence[Update]) -> str:
    """The branch that is pushed; empty for the one that is edited.

    Raises:
        InvalidSpec: the template cannot be read.
    """
    template = work.back.to or (BRANCH if work.back.pull_request else "")
    if not template:
        return ""
    branch = render(template, values([(work, updates)]), "git-branch").strip()
    odd = any(c in " ~^:?*[\\" or not c.isprintable() for c in branch)
    if not branch or branch.startswith(("-", "/")) or ".." in branch or "@{" in branch or odd:
        raise InvalidSpec(f"git-branch: {branch[:100]!r} is no branch", hint="correct the template")
    return branch


def values(done: Sequence[tuple[Work, Sequence[Update]]]) -> Values:
    """What templates of messages and branches may name."""
    changes = [
        {
            "Image": update.rule.image.name,
            "Name": update.rule.image.name.rpartition("/")[2],
            "Alias": update.rule.alias,
            "OldTag": update.old.tag or update.old.digest,
            "NewTag": update.new.tag,
            "NewDigest": update.new.digest,
        }
        for _, updates in done
        for update in updates
    ]
    names = sorted({work.subject.app.metadata.name for work, _ in done})
    text = "\n".join(f"{name}" for name in names) + "\n".join(f"{c['Image']} {c['NewTag']}" for c in changes)
    found: dict[str, Any] = {
        "AppName": ", ".join(names),
        "AppChanges": changes,
        "Images": changes,
        "SHA256": hashlib.sha256(text.encode()).hexdigest()[:12],
    }
    return found


def _same(current: Image, newest: Image) -> bool:
    if newest.digest:
        return current.digest == newest.digest
    return current.tag == newest.tag
