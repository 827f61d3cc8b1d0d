"""Files over HTTP that a stranger names: bounded in size, redirects and addresses."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from tests.support.httpserver import serving
from yarl import URL

from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.sources.download import NoSuchFile, downloading
from trueup.sources.outgoing import AddressRefused, proxy_of, require_host_outside


def moved(place: str) -> web.Response:
    return web.Response(status=302, headers={"Location": place})


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    path, _, number = request.path.rpartition("/")
    if path == "/size":
        return web.Response(body=b"x" * int(number))
    if path == "/status":
        return web.Response(status=int(number))
    if path == "/hops":
        left = int(number)
        return moved(f"/hops/{left - 1}" if left else "/size/3")
    return moved("file:///etc/passwd")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving(answer) as address:
        yield f"http://{address}"


@pytest.mark.parametrize("path", ["/size/100", "/hops/4"])
async def test_a_file_is_read_whole_through_redirects(url: str, path: str) -> None:
    assert set(await downloading(guarded=False)(url + path, 100)) == set(b"x")


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("/size/101", RenderFailed, "more than the 0 MiB"),
        ("/hops/5", NoSuchFile, "more than 5 redirects"),
        ("/status/404", NoSuchFile, "answers 404"),
        ("/status/401", NoSuchFile, "answers 401.*no credential"),
        ("/status/503", SourceUnavailable, "answers 503"),
        ("/status/429", SourceUnavailable, "answers 429"),
        ("/out/file", NoSuchFile, "no address of HTTP"),
    ],
)
async def test_what_is_no_file(url: str, path: str, error: type[TrueupError], says: str) -> None:
    with pytest.raises(error, match=says):
        await downloading(guarded=False)(url + path, 100)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433", "0x7f.1"])
async def test_no_address_of_this_machine_is_asked(url: str, host: str) -> None:
    port = url.rpartition(":")[2]
    with pytest.raises((AddressRefused, SourceUnavailable), match=r"engine's own machine|cannot be read"):
        await downloading(guarded=True)(f"http://{host}:{port}/size/1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "169.254.169.254", "2130706433", "0x7f.1"])
async def test_no_repository_of_this_machine_is_asked_for_a_base(host: str) -> None:
    with pytest.raises(AddressRefused, match="engine's own machine"):
        await require_host_outside(host)


async def test_a_server_that_is_not_there_may_be_later() -> None:
    with pytest.raises(SourceUnavailable, match=r"http://127\.0\.0\.1:9/x cannot be read"):
        await downloading(guarded=False)("http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("no_proxy", "through"),
    [("", True), ("charts.example.com", False), ("example.com", False), ("other.example.com", True), ("*", False)],
)
def test_a_proxy_of_a_secret_is_left_out_where_it_says_so(no_proxy: str, through: bool) -> None:
    proxy = proxy_of(URL("https://charts.example.com/index.yaml"), "http://proxy.example.com:3128", no_proxy)
    assert (proxy is not None) == through
