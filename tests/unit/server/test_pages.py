"""The web UI's files, as a browser is sent them."""

from pathlib import Path

import pytest

from trueup.server.pages import PAGES, POLICY, Pages

ROOT = Path(__file__).parents[3]
SCRIPT = "index-C0ffee.js"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(
        '<!doctype html><base href="/" /><script src="./assets/index-C0ffee.js"></script>'
    )
    (tmp_path / "manifest.json").write_text("{}")
    for suffix, content in (("", b"script"), (".br", b"packed by brotli"), (".gz", b"packed by gzip")):
        (tmp_path / "assets" / (SCRIPT + suffix)).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("encodings", "encoding", "body"),
    [
        pytest.param("gzip, deflate, br", "br", b"packed by brotli", id="the smallest form that a browser takes"),
        pytest.param("gzip", "gzip", b"packed by gzip", id="gzip where there is no brotli"),
        pytest.param("", None, b"script", id="as it is without a header"),
        pytest.param("br;q=0, gzip;q=0.0", None, b"script", id="a weight of zero is a no"),
        pytest.param("br; q=0.5", "br", b"packed by brotli", id="any other weight is a yes"),
        pytest.param("brotli-like", None, b"script", id="a name that begins alike is another"),
    ],
)
def test_a_file_is_sent_in_a_form_that_is_taken(built: Path, encodings: str, encoding: str | None, body: bytes) -> None:
    answer = Pages(built).answer("GET", f"/assets/{SCRIPT}", encodings)
    headers = dict(answer.headers)
    assert (answer.status, headers.get("content-encoding"), answer.body) == (200, encoding, body)
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "text/javascript"


@pytest.mark.parametrize("path", ["/", "/applications/argocd/web/logs", "/projects/a.b", "/index.html", "/login"])
def test_every_address_of_a_page_is_the_page_and_is_asked_for_each_time(built: Path, path: str) -> None:
    answer = Pages(built).answer("GET", path)
    headers = dict(answer.headers)
    assert answer.status == 200
    assert answer.body.startswith(b"<!doctype html>")
    assert headers["cache-control"] == "no-cache"
    assert headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("path", ["/manifest.json", "/robots.txt", "/.env", "/applicationsX", "/x/applications"])
def test_what_is_no_page_is_not_found_and_says_so_as_a_page(built: Path, path: str) -> None:
    answer = Pages(built).answer("GET", path)
    assert answer.status == 404
    assert answer.body.startswith(b"<!doctype html>")


def test_the_pages_are_those_of_the_ui() -> None:
    text = (ROOT / "ui/src/app.tsx").read_text()
    paths = {part.split('"')[0].strip("/").partition("/")[0] for part in text.split('path="')[1:]}
    assert paths | {"index.html"} <= PAGES


@pytest.mark.parametrize(
    "path",
    ["/assets/gone-123.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/", f"/assets/{SCRIPT}.br"],
)
def test_what_is_no_file_of_the_build_is_not_found_and_not_kept(built: Path, path: str) -> None:
    answer = Pages(built).answer("GET", path)
    assert (answer.status, dict(answer.headers)["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize("rootpath", ["/trueup", "trueup/", "/trueup/"])
@pytest.mark.parametrize("path", ["/trueup", "/trueup/applications", "/applications"])
def test_the_page_knows_what_lies_before_its_paths(built: Path, rootpath: str, path: str) -> None:
    pages = Pages(built, rootpath=rootpath)
    assert b'<base href="/trueup/"' in pages.answer("GET", path).body
    assert pages.answer("GET", f"/trueup/assets/{SCRIPT}").body == b"script"


def test_a_rootpath_is_text_in_the_page(built: Path) -> None:
    assert b"<script>alert" not in Pages(built, rootpath='/"><script>alert(1)</script>').answer("GET", "/").body


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_pages_are_read_only(built: Path, method: str) -> None:
    assert Pages(built).answer(method, "/").status == 405


def test_an_installation_without_the_build_says_how_to_make_it(tmp_path: Path) -> None:
    pages = Pages(tmp_path)
    assert b"make ui" in pages.answer("GET", "/").body
    assert pages.answer("GET", f"/assets/{SCRIPT}").status == 404


async def test_a_head_has_the_headers_of_the_page_and_no_body(built: Path) -> None:
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        raise AssertionError("nothing is read of a request for a page")

    await Pages(built)({"type": "http", "method": "HEAD", "path": "/", "headers": []}, receive, send)
    start, body = sent
    assert start["status"] == 200
    headers = start["headers"]
    assert isinstance(headers, list)
    assert int(dict(headers)[b"content-length"]) > 0
    assert body["body"] == b""
