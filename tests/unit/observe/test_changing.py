"""The commit that changed an application is the last one that touched what it is made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.support.gitrepo import GitRepo

from trueup.kube.object import read_object
from trueup.model.annotations import API_VERSION, CHANGED_BY
from trueup.model.application import Source
from trueup.model.changed import LastChange, read_change
from trueup.model.live import LiveObject
from trueup.model.manifest import Rendering
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.tree import Tree
from trueup.observe.changing import Changing
from trueup.observe.remotes import Remotes
from trueup.observe.targets import Targets
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.sources.port import Pin
from trueup.sources.tree import GitTree
from trueup.store.applications import Applications, StoredApplication
from trueup.store.settings import Settings
from trueup.workers.renders import Renders

CM = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
CONTEXT = RenderContext(app_name="web", namespace="web")


class Tool:
    """A pool whose renders are empty."""

    def expect(self) -> None: ...

    async def render(self, recipe: Recipe, files: Mapping[str, bytes], yielding: object = None, **_: bool) -> Rendering:
        return Rendering(key=recipe.key, source_type=recipe.tool, manifests=())


class Repositories:
    """One repository, always fetched, that is every repository."""

    def __init__(self, repo: GitRepo) -> None:
        self.repo, self.trees = repo, 0

    def identity(self, repository: str | RepositoryOf) -> str:
        return str(repository)

    def origin(self, repository: str | RepositoryOf) -> Any:
        return self

    def state(self, repository: str | RepositoryOf) -> int:
        return 0

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        return True

    def pin(self, revision: str, tag_prefix: str = "") -> Pin:
        return Pin(self.repo.git("rev-parse", revision or "main"))

    def tree(self, revision: str) -> Tree:
        self.trees += 1
        return GitTree(self.repo.path, revision, self.repo.url, lambda: None)


class Stored:
    """A cluster with one object."""

    def __init__(self, live: LiveObject) -> None:
        self._live = live

    def get(self, key: ResourceKey) -> LiveObject | None:
        return self._live if key == self._live.key else None

    def of_kind(self, kind: GroupKind) -> list[LiveObject]:
        return [self._live] if kind == self._live.group_kind else []


class Estate:
    """An application whose passes are observed."""

    def __init__(self, tmp_path: Path, *sources: Source) -> None:
        self.repo = GitRepo(tmp_path / "repo.git")
        self.sources = list(sources) or [Source(repo_url="https://example.com/r", path="a")]
        self.repositories = Repositories(self.repo)
        self.status: dict[str, Any] = {}
        self.annotations: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """An engine that remembers nothing."""
        renders = Renders(cast(Any, Tool()))
        remotes = Remotes(self.repositories, cast(Any, None), cast(Any, None), guarded=True)
        self.targets = Targets(self.repositories, renders, Settings, remotes)
        self.changing = Changing(self.targets)

    def stored(self) -> StoredApplication:
        spec = {"sources": [msgspec.to_builtins(each) for each in self.sources]}
        body = {
            "apiVersion": API_VERSION,
            "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd", "annotations": self.annotations},
            "spec": {**spec, "destination": {"name": "in-cluster"}, "project": "default"},
            "status": self.status,
        }
        live = read_object(msgspec.json.encode(body))
        found = Applications(Stored(live), "argocd").get("argocd/web")
        assert found is not None
        return found

    async def changed(self) -> str:
        """A pass; what it has put on record."""
        stored, head = self.stored(), self.repo.git("rev-parse", "main")
        revisions = [head] * len(self.sources)
        target = await self.targets.build(
            stored.app,
            stored.app.spec.all_sources(),
            revisions,
            instance="web",
            context=CONTEXT,
            namespaced=lambda _group, _kind: True,
            admit=lambda _url: None,
        )
        change = await self.changing.of(stored, target, CONTEXT)
        self.status = {"sync": {"status": "Synced", "revisions": revisions}}
        self.annotations = {CHANGED_BY: change.spelt()} if change else {}
        return change.revision if change else ""


async def test_commits_elsewhere_do_not_count_and_files_that_are_not_read_do_not_either(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    first = estate.repo.commit({"a/x.yaml": CM, "b/x.yaml": CM})
    assert await estate.changed() == first
    estate.repo.commit({"b/x.yaml": b""})
    estate.repo.commit({"a/README.md": b"not a manifest"})
    assert await estate.changed() == first
    second = estate.repo.commit({"a/x.yaml": CM + b"data: {}\n"}, message="Give it data\n\nat length")
    estate.repo.commit({"a/README.md": b"still none"})
    assert await estate.changed() == second
    change = read_change(estate.annotations[CHANGED_BY])
    assert change is not None
    assert (change.subject, change.author, change.at) == (
        "Give it data",
        "Ada <ada@example.org>",
        "2026-01-02T02:04:05Z",
    )
    third = estate.repo.commit({"a/new.yaml": CM})
    assert await estate.changed() == third, "a file that has come changes it too"


async def test_a_file_that_has_gone_changes_it(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    head = estate.repo.commit({"a/x.yaml": CM, "a/y.yaml": CM, "a/README.md": b""})
    less = estate.repo.commit({"a/x.yaml": CM}, branch="less", keep=False)
    gone = estate.repo.commit_tree(estate.repo.git("rev-parse", f"{less}^{{tree}}"), parent=head)
    estate.repo.commit({"b/x.yaml": CM})
    assert await estate.changed() == gone


async def test_what_an_engine_before_has_put_on_record_is_not_looked_for_again(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    first = estate.repo.commit({"a/x.yaml": CM})
    for number in range(5):
        estate.repo.commit({"b/x.yaml": str(number).encode()})
    assert await estate.changed() == first
    estate.begin()
    known = read_change(estate.annotations[CHANGED_BY])
    assert known is not None
    estate.annotations = {CHANGED_BY: msgspec.structs.replace(known, subject="as it was put down").spelt()}
    estate.repo.commit({"b/x.yaml": b"more"})
    assert await estate.changed() == first
    kept = read_change(estate.annotations[CHANGED_BY])
    assert kept is not None and kept.subject == "as it was put down"
    estate.sources = [Source(repo_url="https://example.com/r", path="b")]
    assert await estate.changed() == estate.repo.git("rev-parse", "main"), "of other sources nothing is on record"


async def test_value_files_of_another_source_count(tmp_path: Path) -> None:
    url = "https://example.com/r"
    chart = {"repoURL": url, "path": "c", "helm": {"valueFiles": ["$env/v/prod.yaml"]}}
    estate = Estate(tmp_path, Source(repo_url=url, ref="env"), msgspec.convert(chart, Source))
    estate.repo.commit({"c/Chart.yaml": b"apiVersion: v2\nname: c\nversion: 1.0.0\n", "v/prod.yaml": b"a: 1\n"})
    second = estate.repo.commit({"v/prod.yaml": b"a: 2\n"})
    estate.repo.commit({"v/test.yaml": b"a: 2\n"})
    assert await estate.changed() == second


def test_an_annotation_that_is_none_is_no_answer() -> None:
    for text in ("", "x", "[]", '{"revision": 3}'):
        assert read_change(text) is None
    change = LastChange(revision="a" * 40, subject="ß")
    assert read_change(change.spelt()) == change
