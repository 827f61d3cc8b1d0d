"""A Helm repository is asked by its own credential, which nobody else sees."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from tests.support.helmrepo import HelmRepo, helm_repo
from tests.support.httpserver import serving
from yarl import URL

from trueup.model.errors import InvalidSpec, RenderFailed, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.model.tree import MEBIBYTE
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing
from trueup.sources.credential import Credential
from trueup.sources.download import Home, NoSuchFile, TooLarge, downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.outgoing import AddressRefused
from trueup.workers.preparing import Inline

SHOWN = Credential(username="me", password="secret")


def repositories(credential: Credential | None = SHOWN, *, guarded: bool = False) -> HelmRepositories:
    return HelmRepositories(downloading(guarded=guarded), Inline().find_charts, lambda _: credential)


@pytest.fixture
async def repo() -> AsyncIterator[HelmRepo]:
    async with helm_repo() as made:
        made.add("web", "1.0.0")
        yield made


async def brought(repo: HelmRepo, asking: HelmRepositories, url: str = "") -> bytes:
    repository = RepositoryOf(url or repo.url, "default")
    chart = ChartOf(url or repo.url, "web")
    found = (await asking.find(repository, [chart]))[chart]
    assert isinstance(found, Found)
    return await asking.archive(repository, found)


async def test_a_private_repository_is_read_by_its_credential(repo: HelmRepo) -> None:
    repo.authorization = SHOWN.authorization
    assert await brought(repo, repositories()) == repo.files["/charts/stable/web-1.0.0.tgz"]
    assert repo.asked == ["/charts/stable/index.yaml", "/charts/stable/web-1.0.0.tgz"]
    whole = repo.url.replace("://", "://me:secret@")
    assert await brought(repo, repositories(None), whole)
    with pytest.raises(NoSuchFile, match=r"answers 401 .*repository Secret with type: helm") as caught:
        await brought(repo, repositories(None))
    with pytest.raises(NoSuchFile, match=r"answers 401 .*correct the credential"):
        await brought(repo, repositories(Credential(bearer_token="wrong")))
    assert "secret" not in str(caught.value).replace("Secret", "")


@pytest.mark.parametrize("way", ["another host", "another folder", "a redirect", "there and back", "a name alike"])
async def test_no_other_place_sees_the_credential(repo: HelmRepo, way: str) -> None:
    async with helm_repo() as other:
        data = repo.files["/charts/stable/web-1.0.0.tgz"]
        for each in (repo, other):
            for path in ("/x/web.tgz", "/charts/stable2/web.tgz", "/charts/Stable/web.tgz"):
                each.files[path] = data
        host = repo.url.removesuffix("/charts/stable")
        url = {
            "another host": f"{other.url.removesuffix('/charts/stable')}/x/web.tgz",
            "another folder": "../../x/web.tgz",
            "a name alike": f"{host}/charts/stable2/web.tgz",
        }
        repo.index["web"][0]["urls"] = [url.get(way, "web-1.0.0.tgz")]
        if way == "a redirect":
            repo.moved["/charts/stable/web-1.0.0.tgz"] = "/charts/Stable/web.tgz"
        if way == "there and back":
            repo.moved["/charts/stable/web-1.0.0.tgz"] = f"{host}/x/moved.tgz"
            repo.moved["/x/moved.tgz"] = "/charts/stable/back.tgz"
            repo.files["/charts/stable/back.tgz"] = data
        assert await brought(repo, repositories()) == data
        seen = dict(zip(repo.asked + other.asked, repo.authorizations + other.authorizations, strict=True))
        outside = {path: shown for path, shown in seen.items() if not path.startswith("/charts/stable/")}
        outside |= {path: shown for path, shown in seen.items() if path.endswith("back.tgz")}
        assert outside and not any(outside.values()) and seen["/charts/stable/index.yaml"] == SHOWN.authorization


def test_what_lies_below_a_repository_is_told_by_whole_segments() -> None:
    home = Home(parse_repository_url("https://h/a/b"), SHOWN)
    assert all(map(home.holds, map(URL, ("https://h/a/b", "https://h/a/b/c?x=y", "https://h:443/a/b/c#d"))))
    others = (
        "https://h/a/bc",
        "https://h/a/B/c",
        "http://h/a/b",
        "https://h:8443/a/b",
        "https://h.x/a/b",
        "https://h/a",
    )
    assert not any(map(home.holds, map(URL, others)))
    assert not home.holds(URL("https://h/a/b/%2e%2e/c", encoded=True)) and not home.holds(URL("https://u:p@x/a/b"))


async def test_an_archive_is_what_the_index_says_and_no_larger(repo: HelmRepo) -> None:
    repository = RepositoryOf(repo.url, "")
    found = Found("1.0.0", f"{repo.url}/web-1.0.0.tgz", "0" * 64)
    with pytest.raises(RenderFailed, match=r"web-1.0.0.tgz is not what the repository's index says"):
        await repositories().archive(repository, found)
    with pytest.raises(TooLarge):
        await repositories().archive(repository, found, 10)
    with pytest.raises(TooLarge):
        await repositories().find(repository, [ChartOf(repo.url, "web")], 10)


async def test_one_look_finds_all_charts(repo: HelmRepo) -> None:
    charts = [ChartOf(repo.url, name, version) for name, version in (("web", ""), ("web", "9"), ("gone", ""))]
    found = await repositories().find(RepositoryOf(repo.url, ""), charts)
    assert [type(found[chart]) for chart in charts] == [Found, Missing, Missing] and len(repo.asked) == 1


async def test_no_address_of_this_machine_is_asked_for_strangers(repo: HelmRepo) -> None:
    asking = repositories(guarded=True)
    with pytest.raises(AddressRefused):
        await asking.find(RepositoryOf(repo.url, ""), [ChartOf(repo.url, "web")])
    with pytest.raises(AddressRefused):
        await asking.archive(RepositoryOf("https://h.example", ""), Found("1.0.0", f"{repo.url}/web-1.0.0.tgz"))
    assert repo.asked == []


@pytest.mark.parametrize("url", ["ssh://h/x", "/etc", "oci:x", "not a url", ""])
async def test_what_is_no_repository_over_http_is_refused(url: str) -> None:
    with pytest.raises(InvalidSpec):
        await repositories().find(RepositoryOf(url, ""), [ChartOf(url, "web")])


async def test_an_archive_of_another_kind_of_place_is_refused() -> None:
    with pytest.raises(TrueupError, match="no address of HTTP"):
        await repositories().archive(RepositoryOf("https://h.example", ""), Found("1.0.0", "ftp://h/x"))


@pytest.mark.parametrize("passing", [True, False])
async def test_h27_another_host_sees_the_credential_only_where_somebody_says_so(repo: HelmRepo, passing: bool) -> None:
    async with helm_repo() as other:
        other.files["/x/web.tgz"] = other.files["/elsewhere/web.tgz"] = repo.files["/charts/stable/web-1.0.0.tgz"]
        other.moved["/x/away.tgz"] = f"{repo.url.rpartition('/charts')[0]}/x/web.tgz"
        repo.files["/x/web.tgz"] = other.files["/x/web.tgz"]
        host = other.url.removesuffix("/charts/stable")
        for path in ("/x/web.tgz", "/x/away.tgz"):
            await repositories().archive(
                RepositoryOf(repo.url, "default"), Found("1.0.0", host + path), passing=passing
            )
        assert other.authorizations == [SHOWN.authorization if passing else ""] * 2
        assert repo.authorizations == [""], "whoever is sent on shows nothing there"


async def test_h39_an_index_without_end_is_an_error_at_the_limit() -> None:
    sent = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"a: 1\n" * 20_000)
            sent += 100_000

    async with serving(endless) as address:
        url = f"http://{address}/charts"
        with pytest.raises(TooLarge, match="repository index larger than the limit of 16 MiB"):
            await repositories().find(RepositoryOf(url, ""), [ChartOf(url, "web")])
    assert sent < MAX_INDEX + 8 * MEBIBYTE


async def test_an_index_that_has_not_changed_is_not_sent_again(repo: HelmRepo) -> None:
    repo.tags = True
    asking, at = repositories(None), RepositoryOf(repo.url, "default")
    web, db = ChartOf(repo.url, "web", "1.x"), ChartOf(repo.url, "db", "")
    first = await asking.find(at, [web])
    assert await asking.find(at, [web]) == first and repo.unchanged == 1
    # Another question needs the index itself, and so does one that was published since.
    assert isinstance((await asking.find(at, [web, db]))[db], Missing) and repo.unchanged == 1
    repo.add("web", "1.1.0")
    found = (await asking.find(at, [web]))[web]
    assert isinstance(found, Found) and found.version == "1.1.0" and repo.unchanged == 1


async def test_an_index_that_is_said_to_be_the_same_to_who_has_none_is_an_error() -> None:
    async def same(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=304, headers={"ETag": "x"})

    async with serving(same) as address:
        url = f"http://{address}"
        with pytest.raises(NoSuchFile, match="answers 304"):
            await repositories(None).find(RepositoryOf(url, "default"), [ChartOf(url, "web", "")])
