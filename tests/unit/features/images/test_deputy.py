"""Image automation acts by the engine's rights: for applications alone that their project permits, when it looks and
when it writes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.support.gitrepo import GitRepo
from tests.support.httpserver import serving
from tests.unit.policy.conftest import Build

from trueup import policy
from trueup.features.images import rounds
from trueup.features.images.annotations import PREFIX
from trueup.features.images.rounds import RoundPorts, Rounds
from trueup.features.images.settings import ImageSettings
from trueup.features.images.survey import Survey
from trueup.features.images.work import ImageSubject, Work, annotated
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Mirrors
from trueup.sources.registry import RegistryClient
from trueup.workers.git import run_git

KUSTOMIZATION = "images:\n- name: web\n  newName: {}/web\n  newTag: 1.0.0\n"


class Round:
    """Two repositories below one folder, a registry with a newer image, and a project that a test may change."""

    def __init__(self, folder: Path, registry: str, asked: list[str]) -> None:
        self.registry, self.asked, self.shown = registry, asked, list[RepositoryOf]()
        self.ours, self.theirs = (GitRepo(folder / "git" / f"{name}.git") for name in ("ours", "theirs"))
        for repository in (self.ours, self.theirs):
            repository.commit({"app/kustomization.yaml": KUSTOMIZATION.format(registry).encode()})
        self.project: Project | None = Build().project(sourceRepos=[self.ours.url])
        self.patched: list[Any] = []
        self.surprising: tuple[str, ...] = ()
        self._mirrors = Mirrors(folder / "mirrors", run_git, allowed_local=[folder / "git"])

    def app(self, *, method: str = "git", **settings: Any) -> Application:
        annotations = {
            f"{PREFIX}image-list": f"web={self.registry}/web:1.x",
            f"{PREFIX}write-back-method": method,
            f"{PREFIX}write-back-target": "kustomization",
            f"{PREFIX}web.kustomize.image-name": "web",
        }
        spec = settings.pop("spec", {})
        annotations |= {f"{PREFIX}{name.replace('_', '-')}": value for name, value in settings.items()}
        return Build().app(annotations=annotations, source={"repoURL": self.ours.url, "path": "app"}, **spec)

    def admit(self, app: Application, url: str) -> None:
        if self.project is None:
            raise InvalidSpec("there is no project")
        policy.admit_repository(app, self.project, url)

    async def run(self, *apps: Application, meanwhile: Any = lambda: None) -> str:
        """A round to its end; gives what went wrong."""

        async def credential(repository: RepositoryOf, _secret: str) -> Credential | None:
            self.shown.append(repository)
            if repository.url in self.surprising:
                raise ZeroDivisionError
            return None

        async def nothing(*_: Any) -> Any:
            return None

        async def policies() -> Any:
            return {}, {}

        async def settings() -> ImageSettings:
            return ImageSettings()

        async def patch(_key: str, change: Any) -> None:
            self.patched.append(change)

        async def tree(_app: Application, _source: Source) -> None:
            return None

        running = (f"{self.registry}/web:1.0.0",)
        subjects = [ImageSubject(key="argocd/shop", instance="shop", app=app, running=running) for app in apps]
        async with RegistryClient(timeout=5) as client:
            ports = RoundPorts(
                subjects=lambda: subjects,
                policies=policies,
                tree=tree,
                mirror=self._mirrors.get,
                credential=credential,
                patch=patch,
                settings=settings,
                signer=nothing,
                now=lambda: datetime(2026, 1, 2, tzinfo=UTC),
                admit=self.admit,
                control_namespace="argocd",
            )
            looking = Rounds(Survey(client, nothing, control_namespace="argocd", local=True), ports)
            reports = await looking.look()
            meanwhile()
            outcomes = await looking.write(reports)
        problems = [text for report in reports for text in report.problems]
        return "; ".join([*problems, *(outcome.problem for outcome in outcomes if outcome.problem)])

    def written(self) -> tuple[bool, bool]:
        """Whether each repository has got the newer image."""
        ours, theirs = ("1.1.0" in each.git("show", "main:app/kustomization.yaml") for each in (self.ours, self.theirs))
        return ours, theirs


@pytest.fixture
async def round_(tmp_path: Path) -> AsyncIterator[Round]:
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.json_response({"tags": ["1.0.0", "1.1.0"]})

    async with serving(answer) as registry:
        yield Round(tmp_path, registry, asked)


async def test_what_is_permitted_is_done(round_: Round) -> None:
    assert await round_.run(round_.app()) == ""
    assert round_.written() == (True, False)
    assert round_.shown == [RepositoryOf(round_.ours.url, "team")]


FORBIDDEN: dict[str, dict[str, Any]] = {
    "a cluster": {"destination": {"server": "https://other", "namespace": "shop"}},
    "a namespace": {"destination": {"server": "https://kubernetes.default.svc", "namespace": "kube-system"}},
    "no destination": {"destination": {}},
    "an application of another namespace": {"namespace": "tenant"},
}


@pytest.mark.parametrize("rule", FORBIDDEN)
@pytest.mark.parametrize("method", ["git", "argocd"])
async def test_nothing_is_asked_or_written_for_what_is_not(round_: Round, rule: str, method: str) -> None:
    round_.project = Build().project(
        sourceRepos=["*"], destinations=[{"server": "https://kubernetes.default.svc", "namespace": "shop"}]
    )
    assert await round_.run(round_.app(method=method, spec=FORBIDDEN[rule]))
    assert round_.written() == (False, False)
    assert (round_.asked, round_.shown, round_.patched) == ([], [], [])


async def test_another_repository_is_written_only_where_the_project_permits_it(round_: Round) -> None:
    app = round_.app(git_repository=round_.theirs.url)
    assert "is not permitted in project 'team'" in await round_.run(app)
    assert round_.written() == (False, False) and round_.shown == [] and round_.asked == []
    round_.project = Build().project(sourceRepos=[round_.ours.url, round_.theirs.url])
    assert await round_.run(app) == ""
    assert round_.written() == (False, True)
    # Its credential is the project's, not that of whoever else writes there.
    assert round_.shown == [RepositoryOf(round_.theirs.url, "team")]


@pytest.mark.parametrize("method", ["git", "argocd"])
async def test_a_project_that_goes_meanwhile_permits_nothing(round_: Round, method: str) -> None:
    def go() -> None:
        round_.project = None

    assert "there is no project" in await round_.run(round_.app(method=method), meanwhile=go)
    assert round_.written() == (False, False) and (round_.shown, round_.patched) == ([], [])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("write_back_target", "kustomization:../../theirs"),
        ("write_back_target", "kustomization:/../x"),
        ("write_back_target", "helmvalues:/.git/config"),
        ("write_back_target", "helmvalues:/x/.GIT/hooks/post-update"),
        ("git_branch", "main:-x"),
        ("git_branch", "main:a..b"),
        ("git_branch", "main:a\u0007b"),
        ("git_branch", "main:/x"),
        ("git_branch", "main:a@{b"),
    ],
)
async def test_a_target_lies_in_the_repository(round_: Round, setting: str, value: str) -> None:
    assert await round_.run(round_.app(**{setting: value}))
    assert round_.written() == (False, False)
    assert round_.ours.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


async def test_what_nobody_foresaw_is_one_applications_problem(round_: Round) -> None:
    round_.surprising = (round_.ours.url,)
    assert "internal error" in await round_.run(round_.app(), round_.app(method="argocd"))
    assert round_.written() == (False, False)
    assert len(round_.patched) == 1


async def test_an_application_that_cannot_be_looked_at_says_so_and_the_next_is_done(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = annotated

    def odd(subject: ImageSubject) -> Work | None:
        if "odd" in subject.app.metadata.annotations:
            raise RecursionError
        return look(subject)

    monkeypatch.setattr(rounds, "annotated", odd)
    bad = round_.app()
    bad.metadata.annotations["odd"] = "yes"
    assert "internal error" in await round_.run(bad, round_.app())
    assert round_.written() == (True, False)
