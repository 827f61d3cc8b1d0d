"""A mirror follows its repository, resolves revisions and survives being killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.patience import stretched

from trueup.model.errors import InvalidSpec, Redirected, RenderFailed, SourceUnavailable
from trueup.sources.mirrors import Mirrors
from trueup.sources.port import Timeouts
from trueup.sources.revision import UnknownRevision
from trueup.workers.git import run_git


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "remote" / "repo.git")


@pytest.fixture
def wanted() -> set[str]:
    """Revisions that somebody names."""
    return set()


@pytest.fixture
async def mirrors(tmp_path: Path, wanted: set[str]) -> AsyncIterator[Mirrors]:
    local = [tmp_path / "remote"]
    mirrors = Mirrors(tmp_path / "mirrors", run_git, allowed_local=local, wanted=lambda _: wanted)
    yield mirrors
    await mirrors.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        yield server


def bare_folder(tmp_path: Path) -> Path:
    """The repository of the only mirror."""
    (found,) = (tmp_path / "mirrors").glob("*/repo.git")
    return found


class TestUpdate:
    async def test_its_folder_may_be_named_from_here(
        self, repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sha = repo.commit({"a.yaml": b"a"})
        monkeypatch.chdir(tmp_path)
        mirrors = Mirrors(Path("data/mirrors"), run_git, allowed_local=[tmp_path / "remote"])
        await mirrors.get(repo.url).update()
        assert mirrors.get(repo.url).resolve("main") == sha
        await mirrors.close()

    async def test_first_update_fetches_and_the_second_finds_nothing_new(self, repo: GitRepo, mirrors: Mirrors) -> None:
        sha = repo.commit({"a.yaml": b"a"})
        mirror = mirrors.get(repo.url)
        assert await mirror.update() is True
        assert mirror.resolve("main") == sha
        assert await mirror.update() is False

    @pytest.mark.parametrize("change", ["commit", "tag", "branch", "deleted branch", "moved tag", "HEAD", "force push"])
    async def test_a_moved_ref_is_seen_and_fetched(self, repo: GitRepo, mirrors: Mirrors, change: str) -> None:
        first = repo.commit({"a": b"1"})
        repo.tag("v1")
        repo.git("branch", "old", "main")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        expected: dict[str, str | None] = {}
        match change:
            case "commit":
                expected = {"main": repo.commit({"a": b"2"})}
            case "tag":
                expected = {"v2": repo.tag("v2", annotated=True)}
            case "branch":
                expected = {"feature/x": repo.commit({"b": b"2"}, branch="feature/x")}
            case "deleted branch":
                repo.git("branch", "-D", "old")
                expected = {"old": None, "main": first}
            case "moved tag":
                sha = repo.commit({"a": b"3"}, branch="other")
                repo.tag("v1", "other")
                expected = {"v1": sha}
            case "HEAD":
                sha = repo.commit({"a": b"4"}, branch="trunk")
                await mirror.update()
                repo.git("symbolic-ref", "HEAD", "refs/heads/trunk")
                expected = {"": sha, "HEAD": sha}
            case "force push":
                expected = {"main": repo.commit({"z": b"9"}, keep=False)}
        assert await mirror.update() is True
        for revision, sha_or_none in expected.items():
            if sha_or_none is None:
                with pytest.raises(UnknownRevision):
                    mirror.resolve(revision)
            else:
                assert mirror.resolve(revision) == sha_or_none
        assert await mirror.update() is False

    async def test_a_branch_may_give_way_to_a_folder_of_branches(self, repo: GitRepo, mirrors: Mirrors) -> None:
        sha = repo.commit({"a": b"1"})
        repo.git("branch", "topic", "main")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        repo.git("branch", "-D", "topic")
        repo.git("branch", "topic/one", "main")
        assert await mirror.update() is True
        assert mirror.resolve("topic/one") == sha

    async def test_a_detached_head_is_mirrored(self, repo: GitRepo, mirrors: Mirrors) -> None:
        first = repo.commit({"a": b"1"})
        repo.commit({"a": b"2"})
        repo.git("update-ref", "--no-deref", "HEAD", first)
        mirror = mirrors.get(repo.url)
        await mirror.update()
        assert mirror.resolve("HEAD") == first

    async def test_an_empty_repository_is_no_failure_but_has_no_head(self, repo: GitRepo, mirrors: Mirrors) -> None:
        mirror = mirrors.get(repo.url)
        await mirror.update()
        with pytest.raises(UnknownRevision, match="no branch and no tag"):
            mirror.resolve("")
        sha = repo.commit({"a": b"1"})
        assert await mirror.update() is True
        assert mirror.resolve("") == sha

    async def test_head_is_forgotten_when_the_server_has_none_any_more(self, repo: GitRepo, mirrors: Mirrors) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        await mirror.update()
        repo.git("symbolic-ref", "HEAD", "refs/heads/gone")
        assert await mirror.update() is True
        with pytest.raises(UnknownRevision):
            mirror.resolve("HEAD")
        assert await mirror.update() is False

    async def test_a_mirror_made_by_an_earlier_run_is_not_fetched_again(
        self, repo: GitRepo, mirrors: Mirrors, tmp_path: Path
    ) -> None:
        sha = repo.commit({"a": b"1"})
        await mirrors.get(repo.url).update()
        later = Mirrors(tmp_path / "mirrors", run_git, allowed_local=[tmp_path / "remote"]).get(repo.url)
        assert later.resolve("main") == sha
        assert await later.update() is False

    async def test_fetch_needs_no_moved_ref(self, repo: GitRepo, mirrors: Mirrors) -> None:
        sha = repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        await mirror.fetch()
        await mirror.fetch()
        assert mirror.resolve("main") == sha

    async def test_an_open_tree_outlives_a_force_push(self, repo: GitRepo, mirrors: Mirrors) -> None:
        first = repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        await mirror.update()
        tree = mirror.tree(first)
        repo.commit({"b": b"2"}, keep=False)
        await mirror.update()
        entry = tree.entry("a")
        assert entry is not None
        assert tree.read(entry) == b"1"


class TestFlights:
    async def test_ten_requests_at_once_share_one_listing(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        server.requests.clear()
        await asyncio.gather(*(mirror.update() for _ in range(10)))
        assert server.listings() == 1

    async def test_a_request_during_a_listing_sees_what_was_pushed_before_it(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        server.requests.clear()
        server.gate.clear()
        early = asyncio.create_task(mirror.update())
        while not any("upload-pack" in each and "info/refs" not in each for each in server.requests):
            await asyncio.sleep(0.01)
        late = [asyncio.create_task(mirror.update()) for _ in range(5)]
        await asyncio.sleep(0.05)
        pushed = repo.commit({"a": b"2"})
        server.gate.set()
        await asyncio.gather(early, *late)
        assert mirror.resolve("main") == pushed
        assert server.listings() <= 3  # two listings and at most one fetch

    async def test_a_cancelled_waiter_does_not_cancel_the_others(self, repo: GitRepo, mirrors: Mirrors) -> None:
        sha = repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        impatient = asyncio.create_task(mirror.update())
        patient = asyncio.create_task(mirror.update())
        await asyncio.sleep(0)
        impatient.cancel()
        assert await patient is True
        assert mirror.resolve("main") == sha

    async def test_close_ends_an_update_that_hangs(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        server.gate.clear()
        update = asyncio.create_task(mirror.update())
        while not server.requests:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(stretched(5)):
            await mirror.close()
        assert update.cancelled() or (update.done() and isinstance(update.exception(), asyncio.CancelledError))


class TestHttp:
    async def test_an_anonymous_repository_is_fetched(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        sha = repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        assert await mirror.update() is True
        assert mirror.resolve("HEAD") == sha
        assert set(server.authorizations) == {""}

    async def test_credentials_of_a_url_reach_its_host_and_no_file_or_message(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer, tmp_path: Path
    ) -> None:
        sha = repo.commit({"a": b"1"})
        server.credentials = "ada:s3cr3t canary"
        url = server.url.replace("http://", "http://ada:s3cr3t%20canary@") + "/repo.git"
        mirror = mirrors.get(url)
        await mirror.update()
        assert mirror.resolve("main") == sha
        files = [path for path in (tmp_path / "mirrors").rglob("*") if path.is_file()]
        assert files
        assert not any(b"s3cr3t" in path.read_bytes() or "s3cr3t" in str(path) for path in files)
        server.credentials = "ada:changed"
        with pytest.raises(SourceUnavailable) as caught:
            await mirror.update()
        assert "s3cr3t" not in f"{caught.value} {mirror!r} {mirror.shown} {caught.value.__cause__}"
        assert "ada:******@" in str(caught.value)

    async def test_credentials_do_not_follow_a_redirect_to_another_host(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer, tmp_path: Path
    ) -> None:
        repo.commit({"a": b"1"})
        with GitHttpServer(tmp_path / "remote") as other:
            server.redirect = other.url
            with pytest.raises(SourceUnavailable):
                await mirrors.get(server.url.replace("://", "://ada:secret@") + "/repo.git").update()
            assert other.requests == []

    async def test_a_redirect_to_another_host_is_not_followed_by_anybody(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer, tmp_path: Path
    ) -> None:
        repo.commit({"a": b"1"})
        with GitHttpServer(tmp_path / "remote") as other:
            server.redirect = other.url
            with pytest.raises(Redirected, match="write the URL that it leads to"):
                await mirrors.get(f"{server.url}/repo.git").update()
            assert other.requests == []

    async def test_a_redirect_to_another_repository_of_the_host_is_not_followed(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        server.moved = {"/old.git": "/repo.git"}
        with pytest.raises(Redirected):
            await mirrors.get(f"{server.url}/old.git").update()
        assert not any("repo.git" in request for request in server.requests)

    async def test_a_redirect_to_the_same_repository_by_its_whole_name_is(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        sha = repo.commit({"a": b"1"})
        server.credentials = "ada:secret"
        server.moved = {"/repo/": "/repo.git/"}
        mirror = mirrors.get(server.url.replace("://", "://ada:secret@") + "/repo")
        await mirror.update()
        assert mirror.resolve("main") == sha
        asked = len(server.requests)
        await mirror.update()
        assert not any("/repo/" in request for request in server.requests[asked:]), "it remembers"

    @pytest.mark.parametrize("trouble", ["server failing", "no such repository", "credentials demanded", "no server"])
    async def test_trouble_with_the_server_names_the_repository_and_keeps_the_mirror(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer, trouble: str
    ) -> None:
        sha = repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        match trouble:
            case "server failing":
                server.failing = True
            case "credentials demanded":
                server.credentials = "a:b"
            case "no such repository":
                repo.path.rename(repo.path.with_name("moved.git"))
            case "no server":
                server.__exit__(None, None, None)
        with pytest.raises(SourceUnavailable, match=r"/repo\.git: git ls-remote failed"):
            await mirror.update()
        assert mirror.resolve("main") == sha
        assert mirror.tree(sha).entry("a") is not None

    async def test_the_mirror_catches_up_when_the_server_is_back(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        server.failing = True
        with pytest.raises(SourceUnavailable):
            await mirror.update()
        sha = repo.commit({"a": b"2"})
        server.failing = False
        assert await mirror.update() is True
        assert mirror.resolve("main") == sha

    async def test_a_server_that_never_answers_is_given_up(
        self, repo: GitRepo, server: GitHttpServer, tmp_path: Path
    ) -> None:
        repo.commit({"a": b"1"})
        server.gate.clear()
        mirrors = Mirrors(tmp_path / "mirrors", run_git, timeouts=Timeouts(list_refs=0.5))
        with pytest.raises(SourceUnavailable, match=r"not done after 0.5 s"):
            await mirrors.get(f"{server.url}/repo.git").update()


class TestResolve:
    async def test_every_spelling_of_a_revision(self, repo: GitRepo, mirrors: Mirrors) -> None:
        first = repo.commit({"a": b"1"})
        repo.tag("v1.0.0", annotated=True)
        second = repo.commit({"a": b"2"})
        repo.tag("v1.2.0")
        third = repo.commit({"a": b"3"})
        repo.tag("v2.0.0-rc.1")
        repo.tag("app-3.1.0", first)
        repo.tag("app-3.2.0", second)
        fourth = repo.commit({"b": b"1"}, branch="feature/login")
        deadbeef = repo.commit({"c": b"1"}, branch="deadbeef")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        table = {
            ("", ""): third,
            ("HEAD", ""): third,
            ("main", ""): third,
            ("refs/heads/main", ""): third,
            ("feature/login", ""): fourth,
            ("v1.0.0", ""): first,
            ("refs/tags/v1.0.0", ""): first,
            ("v1.2.0", ""): second,
            (first, ""): first,
            (first.upper(), ""): first,
            (first[:7], ""): first,
            (second[:12], ""): second,
            ("deadbeef", ""): deadbeef,
            ("1.x", ""): second,
            ("~1.0", ""): first,
            ("^1.0.0", ""): second,
            (">=1.0.0 <1.1.0", ""): first,
            (">= 1.0.0-0", ""): third,
            ("*", ""): second,
            ("3.x", "app-"): second,
            ("<3.2.0", "app-"): first,
            ("3.1.0", "app-"): first,
            ("main", "app-"): third,
        }
        found = {key: mirror.resolve(*key) for key in table}
        assert found == table
        stays = {key for key in table if not mirror.pin(*key).moves}
        ranges = {key for key in table if any(mark in key[0] for mark in "<>~^*")} | {("1.x", ""), ("3.x", "app-")}
        tags = {("v1.0.0", ""), ("refs/tags/v1.0.0", ""), ("v1.2.0", ""), ("3.1.0", "app-")}
        assert stays == ranges | tags | {(first, ""), (first.upper(), "")}, "what is a tag or a commit stays"

    @pytest.mark.parametrize(
        ("revision", "words"),
        [
            ("mian", ["mian", "Did you mean main"]),
            ("v1.0.1", ["Did you mean v1.0.0"]),
            (">=9.0.0", [">=9.0.0", "No tag is in this range"]),
            ("f" * 40, ["f" * 40]),
            ("abcdef0", ["abcdef0"]),
            ("refs/heads/nope", ["refs/heads/nope"]),
            ("refs/trueup/HEAD", ["refs/trueup/HEAD"]),
        ],
    )
    async def test_an_unknown_revision_is_named_with_its_repository_and_a_hint(
        self, repo: GitRepo, mirrors: Mirrors, revision: str, words: list[str]
    ) -> None:
        repo.commit({"a": b"1"})
        repo.tag("v1.0.0")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        with pytest.raises(RenderFailed) as caught:
            await mirror.locate(revision)
        assert repo.url in str(caught.value)
        assert caught.value.hint
        for word in words:
            assert word in str(caught.value)

    async def test_a_branch_and_a_tag_of_one_name_must_be_told_apart(self, repo: GitRepo, mirrors: Mirrors) -> None:
        first = repo.commit({"a": b"1"})
        repo.tag("release", "main")
        second = repo.commit({"a": b"2"}, branch="release")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        with pytest.raises(RenderFailed, match="ambiguous"):
            mirror.resolve("release")
        assert mirror.resolve("refs/tags/release") == first
        assert mirror.resolve("refs/heads/release") == second

    async def test_a_tag_of_a_file_is_no_revision(self, repo: GitRepo, mirrors: Mirrors) -> None:
        repo.commit({"a": b"1"})
        repo.git("tag", "blob", repo.blob(b"1"))
        mirror = mirrors.get(repo.url)
        await mirror.update()
        with pytest.raises(RenderFailed, match="no commit"):
            mirror.resolve("blob")

    async def test_a_repository_never_fetched_is_unavailable(self, repo: GitRepo, mirrors: Mirrors) -> None:
        with pytest.raises(SourceUnavailable, match="not been fetched"):
            mirrors.get(repo.url).resolve("main")

    async def test_a_revision_that_cannot_be_one_is_refused(self, repo: GitRepo, mirrors: Mirrors) -> None:
        with pytest.raises(InvalidSpec, match="invalid git revision"):
            mirrors.get(repo.url).resolve("--output=/tmp/x")

    @pytest.mark.parametrize("transport", ["file", "http"])
    async def test_a_full_sha_that_no_ref_leads_to_is_asked_of_the_server(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer, transport: str
    ) -> None:
        hidden = repo.commit({"a": b"1"}, branch="gone")
        repo.git("branch", "-D", "gone")
        repo.commit({"a": b"2"})
        mirror = mirrors.get(repo.url if transport == "file" else f"{server.url}/repo.git")
        await mirror.update()
        with pytest.raises(UnknownRevision):
            mirror.resolve(hidden)
        assert await mirror.locate(hidden) == hidden
        assert await mirror.update() is False
        assert mirror.tree(hidden).entry("a") is not None

    async def test_a_sha_the_server_lacks_is_asked_for_once_until_a_ref_moves(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        missing = "1" * 40
        with pytest.raises(UnknownRevision):
            await mirror.locate(missing)
        asked = len(server.requests)
        with pytest.raises(UnknownRevision):
            await mirror.locate(missing)
        assert len(server.requests) == asked

    async def test_a_sha_asked_of_a_server_that_is_down_is_not_called_unknown(
        self, repo: GitRepo, mirrors: Mirrors, server: GitHttpServer
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(f"{server.url}/repo.git")
        await mirror.update()
        server.failing = True
        with pytest.raises(SourceUnavailable):
            await mirror.locate("1" * 40)

    async def test_a_pinned_commit_outlives_a_history_rewrite_it_was_fetched_before(
        self, repo: GitRepo, mirrors: Mirrors
    ) -> None:
        pinned = repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        await mirror.update()
        repo.commit({"z": b"2"}, keep=False)
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.git("gc", "--quiet", "--prune=now")
        assert await mirror.update() is True
        assert mirror.resolve(pinned) == pinned


class TestOtherRefs:
    """Refs beside branches and tags, as hosts keep for pull requests: followed where somebody names them."""

    @pytest.mark.parametrize(
        ("ref", "revision"),
        [
            ("refs/pull/7/head", "refs/pull/7/head"),
            ("refs/pull/7/head", "pull/7/head"),
            ("refs/changes/84/6684/3", "refs/changes/84/6684/3"),
            ("refs/merge-requests/3/head", "merge-requests/3/head"),
        ],
    )
    async def test_a_named_one_is_followed(
        self, repo: GitRepo, mirrors: Mirrors, wanted: set[str], ref: str, revision: str
    ) -> None:
        repo.commit({"a": b"1"})
        mirror = mirrors.get(repo.url)
        await mirror.update()
        sha = hidden(repo, ref)
        with pytest.raises(UnknownRevision):
            mirror.resolve(revision)
        assert mirror.answered(revision), "nobody is going to ask"
        wanted |= {revision, "main", "feature/x", ">=1.0.0", "bad..name"}
        assert not mirror.answered(revision)
        assert await mirror.update() is True
        assert mirror.resolve(revision) == sha
        assert await mirror.update() is False
        moved = hidden(repo, ref)
        assert await mirror.update() is True
        assert mirror.resolve(revision) == moved
        repo.git("update-ref", "-d", ref)
        assert await mirror.update() is True
        with pytest.raises(UnknownRevision):
            mirror.resolve(revision)
        assert mirror.answered(revision)

    async def test_one_that_nobody_names_any_more_goes(
        self, repo: GitRepo, mirrors: Mirrors, wanted: set[str], tmp_path: Path
    ) -> None:
        repo.commit({"a": b"1"})
        hidden(repo, "refs/pull/7/head")
        mirror = mirrors.get(repo.url)
        wanted.add("refs/pull/7/head")
        await mirror.update()
        wanted.clear()
        await mirror.update()
        assert not list(bare_folder(tmp_path).glob("refs/trueup/others/**/head"))
        assert await mirror.update() is False

    async def test_a_branch_is_meant_before_another_ref_of_its_name(
        self, repo: GitRepo, mirrors: Mirrors, wanted: set[str]
    ) -> None:
        repo.commit({"a": b"1"})
        branch = repo.commit({"a": b"2"}, branch="pull/7/head")
        hidden(repo, "refs/pull/7/head")
        mirror = mirrors.get(repo.url)
        wanted |= {"pull/7/head", "refs/pull/7/head"}
        await mirror.update()
        assert mirror.resolve("pull/7/head") == branch
        assert mirror.resolve("refs/pull/7/head") != branch

    async def test_a_commit_is_located_by_a_ref_that_nobody_wanted_before(
        self, repo: GitRepo, mirrors: Mirrors
    ) -> None:
        repo.commit({"a": b"1"})
        sha = hidden(repo, "refs/pull/7/head")
        mirror = mirrors.get(repo.url)
        await mirror.update()
        assert await mirror.locate("refs/pull/7/head") == sha

    @pytest.mark.parametrize("transport", ["file", "http of a server that gives what it names alone"])
    async def test_a_wanted_commit_that_only_such_a_ref_leads_to_is_fetched(
        self, repo: GitRepo, mirrors: Mirrors, wanted: set[str], server: GitHttpServer, transport: str
    ) -> None:
        repo.commit({"a": b"1"})
        sha = hidden(repo, "refs/pull/7/head")
        server.old = True
        mirror = mirrors.get(repo.url if transport == "file" else f"{server.url}/repo.git")
        await mirror.update()
        wanted |= {sha, "1" * 40}
        assert not mirror.answered(sha)
        assert await mirror.update() is True
        assert mirror.resolve(sha) == sha
        assert await mirror.update() is False
        assert mirror.answered("1" * 40)
        with pytest.raises(UnknownRevision):
            mirror.resolve("1" * 40)


def hidden(repo: GitRepo, ref: str) -> str:
    """Move a ref that is neither branch nor tag to a commit that nothing else leads to."""
    sha = repo.commit({"a": ref.encode() + repo.git("rev-parse", "main").encode()}, branch="hidden")
    repo.commit({"more": sha.encode()})
    repo.git("update-ref", ref, sha)
    repo.git("branch", "-D", "hidden")
    return sha


async def test_a_commit_tells_its_author_date_and_message(repo: GitRepo, mirrors: Mirrors) -> None:
    sha = repo.commit({"a": b"1"}, message="subject\n\nbody\n")
    mirror = mirrors.get(repo.url)
    await mirror.update()
    info = mirror.commit(sha)
    assert info.author == "Ada <ada@example.org>"
    assert info.date == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert info.message == "subject\n\nbody"
    with pytest.raises(SourceUnavailable):
        mirror.commit("2" * 40)


class TestMirrors:
    async def test_one_repository_has_one_mirror(self, mirrors: Mirrors) -> None:
        assert mirrors.get("https://Host.example/r") is mirrors.get("HTTPS://host.example/r/")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://h/r", "https://h/R"),
            ("https://h/r", "https://u:p@h/r"),
            ("https://u:p@h/r", "https://u:P@h/r"),
            ("https://h/r", "http://h/r"),
            ("https://h/r", "https://h:8443/r"),
        ],
        ids=["case of the path", "with and without credentials", "other credentials", "other scheme", "other port"],
    )
    async def test_what_may_be_another_repository_has_another_mirror(
        self, mirrors: Mirrors, one: str, other: str
    ) -> None:
        assert mirrors.get(one) is not mirrors.get(other)

    async def test_mirrors_no_longer_named_are_dropped_with_their_folders(
        self, repo: GitRepo, mirrors: Mirrors, tmp_path: Path
    ) -> None:
        repo.commit({"a": b"1"})
        other = GitRepo(tmp_path / "remote" / "other.git")
        other.commit({"a": b"1"})
        await mirrors.get(repo.url).update()
        await mirrors.get(other.url).update()
        await mirrors.keep_only([other.url])
        assert len(list((tmp_path / "mirrors").iterdir())) == 1
        assert mirrors.get(other.url).resolve("main")
