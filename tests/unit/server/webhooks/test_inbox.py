"""Who is told of a push: those that read what was pushed, once, and nobody else."""

import asyncio
import posixpath
from collections.abc import Mapping, Sequence, Set
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.world import application

from kubegrammar.glob import Steps, doublestar_match
from kubegrammar.glob.automaton import Automaton
from trueup.model.annotations import GENERATE_PATHS
from trueup.model.application import Application
from trueup.model.repository import RepositoryOf
from trueup.policy.generate_paths import LONGEST, MOST_PATHS, ChangedFiles, generate_paths
from trueup.server.webhooks.inbox import PAUSE, Inbox, WebhookPorts
from trueup.server.webhooks.matching import (
    MOST_SOURCES,
    STEPS,
    STEPS_OF_ALL,
    Pushed,
    PushedPlace,
    place_of,
    places_of_news,
)
from trueup.server.webhooks.news import MOST_FILES, MOST_IMAGES, MOST_PUSHES, GitPush, ImagePush, News

URL = "https://git.example.com/Org/Shop.git"
SAME = {
    "GitHub": [
        "https://github.com/org/shop",
        "https://GitHub.com/Org/Shop.git",
        "https://ada@github.com/org/shop",
        "http://github.com:8080/org/shop/",
        "git@github.com:org/shop.git",
        "ssh://git@ssh.github.com:443/org/shop.git",
    ],
    "Bitbucket": ["https://ada@bitbucket.org/org/shop.git", "ssh://git@altssh.bitbucket.org:443/org/shop.git"],
    "Azure DevOps": [
        "https://dev.azure.com/Org/Project/_git/Shop",
        "https://org@dev.azure.com/Org/Project/_git/Shop",
        "git@ssh.dev.azure.com:v3/Org/Project/Shop",
        "https://org.visualstudio.com/Project/_git/Shop",
        "https://org.visualstudio.com/DefaultCollection/Project/_git/Shop",
        "org@vs-ssh.visualstudio.com:v3/Org/Project/Shop",
    ],
    "Azure DevOps, a project's own": [
        "https://dev.azure.com/org/shop/_git/shop",
        "https://dev.azure.com/org/_git/shop",
    ],
}


@pytest.mark.parametrize("host", SAME)
def test_whatever_way_leads_to_a_repository_it_is_one_place(host: str) -> None:
    assert len({place_of(url) for url in SAME[host]}) == 1


def test_hosts_and_paths_tell_places_apart() -> None:
    urls = [URL, "https://git.example.com/org", "https://git.example.com/org/shop2", "https://example.com/org/shop"]
    assert len({place_of(url) for url in urls}) == len(urls)


@pytest.mark.parametrize(
    "url", ["", "https://h/.*", ".*", "https://", "x" * 5000, "https://h/a?b", "-oProxy=x", "\ud800"]
)
def test_what_is_no_url_is_nobody_s(url: str) -> None:
    app = decoded({"repoURL": "https://h/team/shop", "path": "."})
    for place in places_of_news(GitPush((url,), "refs/heads/main")):
        assert not reads(app, place, [GitPush((url,), "refs/heads/main")])


def reads(app: Application, place: PushedPlace, news: Sequence[News]) -> bool:
    return Pushed(place, news).concerns(app)


def decoded(source: Mapping[str, Any], **annotations: str) -> Application:
    body = application(source=source)
    body["metadata"]["annotations"] = annotations
    return msgspec.convert(body, Application)


READ: dict[str, tuple[str, GitPush | str, bool]] = {
    # the application's revision, the ref or push, whether it is concerned
    "its branch": ("main", "refs/heads/main", True),
    "its branch by its full name": ("refs/heads/main", "refs/heads/main", True),
    "another branch": ("main", "refs/heads/other", False),
    "a branch that begins so": ("main", "refs/heads/main2", False),
    "a branch with slashes": ("team/x", "refs/heads/team/x", True),
    "its tag": ("v1", "refs/tags/v1", True),
    "a tag in its range": ("1.*", "refs/tags/v1.5.0", True),
    "a tag out of its range": ("1.*", "refs/tags/v2.0.0", False),
    "a branch is in no range": ("1.*", "refs/heads/1.5.0", False),
    "HEAD, and the default branch": ("HEAD", GitPush((URL,), "refs/heads/main", is_head=True), True),
    "HEAD, and another branch": ("", GitPush((URL,), "refs/heads/x", is_head=False), False),
    "HEAD, and nobody says which it is": ("", GitPush((URL,), "refs/heads/x"), True),
    "a commit is where it is": ("7b9cc1e1d2a0a4d8f63bd6f4dcd0ee3c3b0a7a11", "refs/heads/main", False),
    "a pull request": ("refs/pull/7/head", "refs/pull/7/head", True),
}


@pytest.mark.parametrize("row", READ)
def test_an_application_is_concerned_by_its_revision(row: str) -> None:
    revision, push, concerned = READ[row]
    news = GitPush((URL,), push, is_head=False) if isinstance(push, str) else push
    (place,) = places_of_news(news)
    app = decoded({"repoURL": "ssh://git@git.example.com/org/shop", "path": ".", "targetRevision": revision})
    assert reads(app, place, [news]) is concerned
    assert not reads(app, PushedPlace("git.example.com", "org/other"), [news])


PATHS: dict[str, tuple[str, str, bool]] = {
    # manifest-generate-paths, the file that has changed, whether it counts; the source's path is apps/web
    "its own folder": (".", "apps/web/a.yaml", True),
    "below it": (".", "apps/web/b/a.yaml", True),
    "a folder that begins so": (".", "apps/web2/a.yaml", False),
    "a folder beside it": ("../lib", "apps/lib/a.yaml", True),
    "one of several": (".;../lib", "apps/lib/a.yaml", True),
    "from the root": ("/lib", "lib/a.yaml", True),
    "from the root, and not below": ("/lib", "apps/web/a.yaml", False),
    "a file": ("/lib/a.yaml", "lib/a.yaml", True),
    "a pattern": ("/lib/*.yaml", "lib/a.yaml", True),
    "a pattern of another folder": ("/lib/*.yaml", "lib/b/a.yaml", False),
    "the whole": ("/", "x/a.yaml", True),
    "out of the repository": ("../../../..", "x/a.yaml", True),
    "nothing is said": ("", "x/a.yaml", True),
    "only separators": (" ; ", "x/a.yaml", True),
}


@pytest.mark.parametrize("row", PATHS)
def test_an_application_may_say_which_files_it_is_made_of(row: str) -> None:
    said, file, counts = PATHS[row]
    app = decoded({"repoURL": URL, "path": "apps/web"}, **{GENERATE_PATHS: said})
    push = GitPush((URL,), "refs/heads/main", files=frozenset({file}))
    (place,) = places_of_news(push)
    assert reads(app, place, [push]) is counts
    assert reads(app, place, [msgspec.structs.replace(push, files=None)]), "nobody says which files"


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3), st.text(max_size=10))
def test_paths_and_files_are_anything(said: str, files: list[str], path: str) -> None:
    app = decoded({"repoURL": URL, "path": path}, **{GENERATE_PATHS: said})
    steps = Steps(STEPS)
    assert ChangedFiles(files).touch(generate_paths(app), steps) in (True, False)
    assert steps.left >= 0


def test_a_chart_of_a_registry_is_concerned_by_its_tag() -> None:
    chart = decoded({"repoURL": "ghcr.io/org/charts", "chart": "shop", "targetRevision": "1.*"})
    artifact = decoded({"repoURL": "oci://ghcr.io/org/charts/shop", "path": ".", "targetRevision": "1.2.0"})
    for tag, concerned in (("1.2.0", (True, True)), ("2.0.0", (False, False)), ("", (True, True))):
        pushed = ImagePush("ghcr.io/org/charts/shop", tag)
        (place,) = places_of_news(pushed)
        assert (reads(chart, place, [pushed]), reads(artifact, place, [pushed])) == concerned


class Stored(msgspec.Struct):
    key: str
    app: Application


class Estate:
    """Applications, and what they are told.

    Attributes:
        looks: repositories that were looked at, with applications and commit.
    """

    def __init__(self, apps: Mapping[str, Application], others: Sequence[RepositoryOf] = ()) -> None:
        self.apps, self.looks, self.images = apps, list[tuple[str, tuple[str, ...], str]](), list[ImagePush]()
        self.failures = 0
        ports = WebhookPorts(
            readers=self._readers,
            others=lambda: others,
            application=lambda key: Stored(key, apps[key]) if key in apps else None,
            look=self._look,
            images=self._images,
            clock=lambda: asyncio.get_running_loop().time(),
        )
        self.inbox = Inbox(ports)

    def _readers(self) -> Mapping[RepositoryOf, Set[str]]:
        found: dict[RepositoryOf, set[str]] = {}
        for key, app in self.apps.items():
            for repository in app.spec.repositories():
                found.setdefault(repository, set()).add(key)
        return found

    async def _look(self, repository: RepositoryOf, keys: Sequence[str], commit: str) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.looks.append((repository.url, tuple(keys), commit))

    async def _images(self, images: Sequence[ImagePush]) -> None:
        self.images += images

    async def settle(self) -> None:
        """Until nothing waits that does not wait for a time."""
        task = asyncio.create_task(self.inbox.run())
        try:
            for _ in range(50):
                await asyncio.sleep(0)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def shop(path: str, revision: str = "main", url: str = URL, **annotations: str) -> Application:
    return decoded({"repoURL": url, "path": path, "targetRevision": revision}, **annotations)


def push(ref: str = "refs/heads/main", url: str = URL, commit: str = "c0ffee", **more: Any) -> GitPush:
    return GitPush((url,), ref, commit, is_head=False, **more)


async def test_only_what_reads_the_revision_is_told_and_a_repository_that_nobody_reads_is_not_looked_at() -> None:
    estate = Estate({"a/web": shop("web"), "a/old": shop("web", "old"), "a/x": shop("x", url="https://h/x")})
    estate.inbox.put([push(), push("refs/heads/nobody", "https://h/x"), push(url="https://h/unknown")])
    await estate.settle()
    assert estate.looks == [(URL, ("a/web",), "c0ffee")]


async def test_a_push_that_is_told_a_thousand_times_is_one_look() -> None:
    estate = Estate({"a/web": shop("web")})
    for _ in range(1000):
        estate.inbox.put([push()])
    await estate.settle()
    for _ in range(1000):
        estate.inbox.put([push()])
    await estate.settle()
    assert len(estate.looks) == 1, "the next comes after a pause"
    assert PAUSE <= 2.0


async def test_pushes_beyond_counting_are_one_to_anything() -> None:
    estate = Estate({"a/web": shop("web")})
    estate.inbox.put([push(f"refs/heads/{n}") for n in range(MOST_PUSHES + 1)])
    await estate.settle()
    assert estate.looks == [(URL, ("a/web",), "")]


async def test_an_application_that_says_what_it_is_made_of_is_left_alone_by_the_rest() -> None:
    estate = Estate({"a/web": shop("web", **{GENERATE_PATHS: "."}), "a/all": shop("all")})
    estate.inbox.put([push(files=frozenset({"README.md"}))])
    await estate.settle()
    assert estate.looks == [(URL, ("a/all",), "c0ffee")]


async def test_a_base_that_lies_elsewhere_is_looked_at_whatever_was_pushed() -> None:
    base = RepositoryOf("https://h/base", "default")
    estate = Estate({"a/web": shop("web")}, [base])
    estate.inbox.put([push("refs/heads/any", "https://h/base")])
    await estate.settle()
    assert estate.looks == [("https://h/base", (), "c0ffee")]


async def test_what_could_not_be_told_waits() -> None:
    estate = Estate({"a/web": shop("web")})
    estate.failures = 1
    estate.inbox.put([push()])
    await estate.settle()
    assert not estate.looks
    estate.inbox._told.clear()
    estate.inbox.put([])
    estate.inbox._add("git.example.com/org/shop")
    await estate.settle()
    assert estate.looks == [(URL, ("a/web",), "c0ffee")]


async def test_images_wait_together_and_are_as_many_as_are_kept() -> None:
    estate = Estate({})
    estate.inbox.put([ImagePush("ghcr.io/org/shop", f"v{n % (2 * MOST_IMAGES)}") for n in range(5000)])
    await estate.settle()
    assert len(estate.images) == MOST_IMAGES and len(set(estate.images)) == MOST_IMAGES


async def test_pushes_with_more_files_than_are_looked_at_are_one_to_anything() -> None:
    estate = Estate({"a/web": shop("web", **{GENERATE_PATHS: "."})})
    for part in range(3):
        files = frozenset(f"x/{part}/{n}" for n in range(MOST_FILES // 2))
        estate.inbox.put([push(f"refs/heads/{part}", files=files)])
    assert sum(len(news or ()) for _, news in estate.inbox._pending.values()) == 0, "nothing of them is kept"
    await estate.settle()
    assert estate.looks == [(URL, ("a/web",), "")]


HOSTILE: dict[str, str] = {
    "names": ";".join(f"/p{n}" for n in range(300)),
    "stars": ";".join(f"/*/**/p{n}" for n in range(600)),
    "a thousand stars": "/" + "*a" * 400,
    "stars, each a pattern of its own": ";".join(f"/{'*a' * 50}{n}" for n in range(300)),
    "braces": ";".join("/[a]" + "{a,b,c,d,e,f,g,h,i,j}" * 3 + f"*{n}" for n in range(300)),
    "braces in braces": "/*" + "{a,b" * 100 + "}" * 100,
    "a megabyte": "/*a;" * 250_000,
    "a path of a megabyte": "/*" + "a/" * 500_000,
    "the folder of each source": ";".join(f"*{n}" for n in range(400)),
}
FILES = [frozenset(f"{'a' * length}/q{n}" for n in range(MOST_FILES)) for length in (1, 50, 1000)]


@pytest.mark.parametrize("files", FILES, ids=("short", "long", "longest"))
@pytest.mark.parametrize("row", HOSTILE)
def test_what_an_application_says_costs_no_more_than_a_few_milliseconds_of_matching(
    row: str, files: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0
    move = Automaton._move

    def counted(self: Automaton, state: frozenset[int], character: str) -> frozenset[int]:
        nonlocal looked_at
        looked_at += len(state)
        return move(self, state, character)

    monkeypatch.setattr(Automaton, "_move", counted)
    app = shop("web", **{GENERATE_PATHS: HOSTILE[row]})
    paths = generate_paths(app)
    assert sum(map(len, paths)) <= LONGEST and len(paths) <= MOST_PATHS
    pushed = Pushed(PushedPlace("git.example.com", "org/shop"), [push(files=files)])
    before = pushed._left
    pushed.concerns(app)
    assert looked_at <= before - pushed._left <= STEPS


def test_a_push_that_is_too_much_to_compare_concerns_whoever_is_left() -> None:
    app = shop("web", **{GENERATE_PATHS: HOSTILE["stars, each a pattern of its own"]})
    pushed = Pushed(PushedPlace("git.example.com", "org/shop"), [push(files=FILES[1])])
    plain = shop("web", **{GENERATE_PATHS: "."})
    assert not pushed.concerns(plain)
    assert pushed._left <= STEPS_OF_ALL
    pushed._left = 5 * STEPS
    for _ in range(10):
        assert pushed.concerns(app)
    assert pushed._left >= 0
    assert pushed.concerns(plain)


def test_an_application_of_sources_without_end_is_concerned() -> None:
    body = application(source={"repoURL": URL, "path": "."})
    body["spec"]["sources"] = [
        {"repoURL": URL, "path": str(n), "targetRevision": f"v{n}"} for n in range(MOST_SOURCES + 1)
    ]
    assert Pushed(PushedPlace("git.example.com", "org/shop"), [push()]).concerns(msgspec.convert(body, Application))


@given(
    st.lists(st.text("ab*/?{},[]!\\", max_size=12), max_size=4),
    st.lists(st.text("ab/", min_size=1, max_size=10), min_size=1, max_size=5),
)
def test_sorted_files_are_found_as_one_by_one(paths: list[str], files: list[str]) -> None:
    app = decoded({"repoURL": URL, "path": "a"}, **{GENERATE_PATHS: ";".join(paths)})
    tidy = {posixpath.normpath("/" + each).strip("/") for each in files}
    wanted = generate_paths(app)
    one_by_one = any(
        not path
        or file == path
        or file.startswith(path + "/")
        or (set(path) & set("*?[") and doublestar_match(path, file))
        for path in wanted
        for file in tidy
    )
    assert ChangedFiles(files).touch(wanted, Steps(10**6)) is bool(one_by_one)
