"""Submodules over a real Git server: each its own repository, at its commit, by each of the renderers."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import Gitlink, GitRepo

from trueup.model.application import DirectorySource, Source
from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.offline.elsewhere import Elsewhere
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Mirrors
from trueup.store.preparing import Preparer
from trueup.workers.bringing import Fetch
from trueup.workers.git import run_git
from trueup.workers.pool import Pool
from trueup.workers.renders import Renders

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.37.0")
RECURSE = Source(path="app", directory=DirectorySource(recurse=True))
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
GONE = "d" * 40


def config(name: str, value: str = "a") -> bytes:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  v: {value}\n".encode()


def declared(**urls: str) -> dict[str, bytes | str]:
    text = "".join(f'[submodule "{name}"]\n\tpath = app/{name}\n\turl = {url}\n' for name, url in urls.items())
    return {".gitmodules": text.encode()}


class Served:
    """Repositories on a server, and what renders them as the engine does.

    Attributes:
        sha: of the library's commits, the newest last.
        credential: of all repositories.
    """

    def __init__(self, root: Path, git: GitHttpServer, renders: Renders) -> None:
        self.root, self.git, self.renders = root, git, renders
        self.credential: Credential | None = None
        self.mirrors = Mirrors(root.with_name("mirrors"), run_git, credential=lambda _: self.credential)
        deep = GitRepo(root / "org" / "deep.git").commit({"deep.yaml": config("deep")})
        self.library = GitRepo(root / "org" / "lib.git")
        first: dict[str, bytes | str] = {
            "lib.yaml": config("lib"),
            "kustomization.yaml": b"resources: [lib.yaml]\nnamePrefix: k-\n",
            "templates/t.yaml": config("chart"),
            "nested": Gitlink(deep),
            ".gitmodules": b'[submodule "n"]\n\tpath = nested\n\turl = ../deep.git\n',
        }
        self.sha = [self.library.commit(first), self.library.commit({"lib.yaml": config("lib", "b")})]
        self.app = GitRepo(root / "org" / "app.git")

    def url(self, name: str) -> str:
        return f"{self.git.url}/org/{name}"

    async def tree(self, files: dict[str, bytes | str]) -> Trees:
        sha = self.app.commit(files, keep=False)
        mirror = self.mirrors.get(self.url("app.git"))
        await mirror.fetch()
        return Trees(mirror.tree(sha))

    async def names(
        self, files: dict[str, bytes | str], source: Source = RECURSE, before: Sequence[Trees] = ()
    ) -> list[str]:
        fetch: Fetch = Elsewhere(self.mirrors, guarded=False).application()
        trees = await self.tree(files)
        made = await self.renders.manifests(source, trees.own, {}, CONTEXT, before=before, fetch=fetch)
        return sorted(f"{each.key.name} {each.object()['data']['v']}" for each in made.manifests)


@pytest.fixture(scope="module")
async def renders(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Renders]]:
    root = tmp_path_factory.mktemp("served")
    pool, preparer = Pool(1), Preparer(root, 1)
    yield root, Renders(pool, preparer)
    await preparer.close()
    await pool.close()


@pytest.fixture(scope="module")
def served(renders: tuple[Path, Renders]) -> Iterator[Served]:
    root = renders[0] / "repositories"
    root.mkdir()
    with GitHttpServer(root) as git:
        yield Served(root, git, renders[1])


async def test_files_are_those_of_its_commit_and_those_of_its_own_submodules(served: Served) -> None:
    files = {"app/own.yaml": config("own"), "app/lib": Gitlink(served.sha[0]), **declared(lib="../lib.git")}
    chart = Source(
        path="app", directory=DirectorySource(recurse=True, exclude="{lib/kustomization.yaml,lib/templates/*}")
    )
    assert await served.names(files, chart) == ["deep a", "lib a", "own a"]
    files["app/lib"] = Gitlink(served.sha[1])
    assert await served.names(files, chart) == ["deep a", "lib b", "own a"]


async def test_it_is_a_base_of_a_kustomization(served: Served) -> None:
    files: dict[str, bytes | str] = {"app/kustomization.yaml": b"resources: [lib]\n", "app/lib": Gitlink(served.sha[1])}
    assert await served.names({**files, **declared(lib=served.url("lib"))}, Source(path="app")) == ["k-lib b"]


async def test_it_holds_templates_of_a_chart(served: Served) -> None:
    templates = GitRepo(served.root / "org" / "templates.git").commit({"t.yaml": config("chart")})
    files: dict[str, bytes | str] = {"app/Chart.yaml": CHART.encode(), "app/templates": Gitlink(templates)}
    assert await served.names({**files, **declared(templates="./../templates.git")}, Source(path="app")) == ["chart a"]


async def test_it_is_the_source_itself(served: Served) -> None:
    files = {"app/lib": Gitlink(served.sha[0]), **declared(lib="../lib.git")}
    assert await served.names(files, Source(path="app/lib", directory=DirectorySource(include="lib.yaml"))) == ["lib a"]


REFUSED: dict[str, tuple[str, str, type[TrueupError], str]] = {
    "a commit that its repository has not": ("../lib.git", GONE, RenderFailed, f'"{GONE}" not found in .*lib.git'),
    "a repository that is none": ("../none.git", GONE, SourceUnavailable, "repository .*none.git"),
    "a helper of git's": ("ext::sh -c touch% /tmp/x", GONE, TrueupError, 'scheme "ext" not allowed'),
    "a folder of this machine": ("file:///etc", GONE, TrueupError, "local repositories are not allowed"),
    "a path of this machine": ("/etc", GONE, TrueupError, "local repositories are not allowed"),
    "an option": ("--upload-pack=x", GONE, TrueupError, 'must not start with "-"'),
    "an option in the place of a host": ("ssh://-oProxyCommand=x/y", GONE, TrueupError, 'must not start with "-"'),
    "a URL that leaves the host": ("../../../../x", GONE, RenderFailed, "leads out of the repository's host"),
}


@pytest.mark.parametrize(("url", "sha", "error", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_fetched_names_the_submodule(
    served: Served, url: str, sha: str, error: type[TrueupError], says: str
) -> None:
    with pytest.raises(error, match=f"^app/bad: .*{says}"):
        await served.names({"app/bad": Gitlink(sha), **declared(bad=url)})


async def test_one_that_came_after_the_last_look_is_asked_for(served: Served) -> None:
    files = {"app/lib": Gitlink(served.sha[0]), **declared(lib="../lib.git")}
    source = Source(path="app/lib", directory=DirectorySource(include="lib.yaml"))
    await served.names(files, source)
    later = served.library.commit({"lib.yaml": config("lib", "later")}, branch="later")
    assert await served.names({**files, "app/lib": Gitlink(later)}, source) == ["lib later"]


async def test_a_file_that_was_emptied_by_a_new_commit_of_a_submodule_is_refused(served: Served) -> None:
    source = Source(path="app/lib", directory=DirectorySource(include="lib.yaml"))
    files = {"app/lib": Gitlink(served.sha[0]), **declared(lib="../lib.git")}
    before = await served.tree(files)
    emptied = served.library.commit({"lib.yaml": b""}, branch="emptied")
    with pytest.raises(RenderFailed, match=r"app/lib/lib\.yaml: .*empty"):
        await served.names({**files, "app/lib": Gitlink(emptied)}, source, [before])


async def test_a_former_submodule_that_is_not_to_be_had_any_more_stops_nothing(served: Served) -> None:
    source = Source(path="app/lib", directory=DirectorySource(include="lib.yaml"))
    before = await served.tree({"app/lib": Gitlink(GONE), **declared(lib="../moved-away.git")})
    files = {"app/lib": Gitlink(served.sha[1]), **declared(lib="../lib.git")}
    assert await served.names(files, source, [before]) == ["lib b"]


async def test_files_of_git_lfs_are_fetched_where_the_secret_says_so_and_refused_by_name_where_not(
    served: Served,
) -> None:
    contents = {name: config(name) for name in ("one", "two", "of-the-library")}
    served.git.large = {hashlib.sha256(content).hexdigest(): content for content in contents.values()}
    pointer = {
        name: f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()
        for (name, content), oid in zip(contents.items(), served.git.large, strict=True)
    }
    library = served.library.commit({"large.yaml": pointer["of-the-library"]}, branch="large", keep=False)
    files = {
        "app/one.yaml": pointer["one"],
        "app/two.yaml": pointer["two"],
        "app/library": Gitlink(library),
        **declared(library="../lib.git"),
    }
    with pytest.raises(RenderFailed, match="Git LFS pointer"):
        await served.names(files)
    served.credential = Credential(large_files=True)
    assert await served.names(files) == ["of-the-library a", "one a", "two a"]
    asked = [path for path in served.git.requests if "/large/" in path]
    assert len(asked) == 3
    # They are part of what is compared with the last sync.
    before = await served.tree(files)
    emptied = {**files, "app/one.yaml": b""}
    with pytest.raises(RenderFailed, match=r"app/one\.yaml: .*empty"):
        await served.names(emptied, before=[before])
    assert len([path for path in served.git.requests if "/large/" in path]) == 3
