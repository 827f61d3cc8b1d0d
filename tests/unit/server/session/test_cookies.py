"""The cookie of a browser's session, and pages of other sites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.server.errors import Fault
from trueup.server.session.cookies import bearer, cookies_of, joined, same_origin, set_cookies


def browser(lines: list[str], have: dict[str, str] | None = None) -> dict[str, str]:
    """What a browser has after it was told."""
    found = dict(have or {})
    for line in lines:
        name, _, rest = line.partition("=")
        found[name] = rest.partition(";")[0]
        if "Max-Age=0" in line or not found[name]:
            del found[name]
    return found


def header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@given(st.text("abc.", min_size=1, max_size=20), st.integers(1, 6))
def test_a_token_comes_back_from_a_browser(text: str, thousands: int) -> None:
    token = (text * 2000)[: thousands * 2500] or text
    cookies = browser(set_cookies(token, secure=True))
    assert all(len(name) + len(value) < 4093 for name, value in cookies.items())
    assert joined(cookies_of(header(cookies))) == token


def test_a_shorter_token_takes_the_rest_of_a_longer_one_away() -> None:
    long = browser(set_cookies("a" * 9000, secure=False))
    short = browser(set_cookies("b", secure=False, before=long), long)
    assert short == {"argocd.token": "b"}
    assert browser(set_cookies("", secure=False, before=long), long) == {}


def test_scripts_and_other_sites_do_not_get_the_cookie() -> None:
    (line,) = set_cookies("t", secure=True, path="/argo")
    assert line == "argocd.token=t; Path=/argo; SameSite=lax; HttpOnly; Secure"
    assert "Secure" not in set_cookies("t", secure=False)[0]


BROKEN = {
    "J39 the last piece is missing": {"argocd.token": "3:a", "argocd.token-1": "b"},
    "J39 a piece in the middle is missing": {"argocd.token": "3:a", "argocd.token-2": "c"},
    "J39 a piece is empty": {"argocd.token": "2:a", "argocd.token-1": ""},
    "J39 a piece too many": {"argocd.token": "2:a", "argocd.token-1": "b", "argocd.token-2": "c"},
    "J39 more pieces than there can be": {"argocd.token": "9999999999:a"},
}


@pytest.mark.parametrize("cookies", BROKEN.values(), ids=BROKEN.keys())
def test_a_cookie_in_pieces_is_whole_or_no_good(cookies: dict[str, str]) -> None:
    with pytest.raises(Fault, match="invalid session"):
        joined(cookies)


def test_other_cookies_are_left_alone() -> None:
    assert joined(cookies_of("a=b; argocd.token=x.y.z; argocd.token=evil; c")) == "x.y.z"
    assert joined(cookies_of("")) == ""
    with pytest.raises(Fault):
        cookies_of("a=b;" * 100_000)


URLS = ("https://argo.example/argo", "https://other.example:8443")
ORIGINS = {
    "a program says nothing": ({"host": "argo.example"}, True),
    "a page of its own": ({"origin": "https://argo.example", "host": "argo.example"}, True),
    "its own, behind a proxy": ({"origin": "https://argo.example", "host": "10.0.0.1:8080"}, True),
    "under another address": ({"origin": "https://other.example:8443", "host": "10.0.0.1"}, True),
    "under no address that is known": ({"origin": "http://localhost:8080", "host": "localhost:8080"}, True),
    "with the scheme's own port": ({"origin": "https://x.example", "host": "x.example:443"}, True),
    "another site": ({"origin": "https://evil.example", "host": "argo.example"}, False),
    "one that begins so": ({"origin": "https://argo.example.evil", "host": "argo.example"}, False),
    "one with a user": ({"origin": "https://argo.example@evil.example", "host": "argo.example"}, False),
    "another port": ({"origin": "https://argo.example:9", "host": "argo.example"}, False),
    "a page without a place": ({"origin": "null", "host": "argo.example"}, False),
    "no place at all": ({"origin": "https://[", "host": "argo.example"}, False),
    "another scheme": ({"origin": "javascript://argo.example", "host": "argo.example"}, False),
    "the browser says that it is another site": ({"sec-fetch-site": "cross-site", "host": "argo.example"}, False),
    "a link on another site": (
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "host": "argo.example"},
        False,
    ),
    "its own host without TLS": ({"origin": "http://argo.example", "host": "argo.example"}, False),
    "an address that somebody has typed": ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
}


@pytest.mark.parametrize(("headers", "same"), ORIGINS.values(), ids=ORIGINS.keys())
def test_where_a_request_comes_from(headers: dict[str, str], same: bool) -> None:
    assert same_origin(headers, URLS) is same


def test_a_server_that_speaks_tls_has_no_pages_without() -> None:
    plain = {"origin": "http://localhost:8080", "host": "localhost:8080"}
    assert same_origin(plain, URLS)
    assert not same_origin(plain, URLS, secure=True)
    assert same_origin({**plain, "origin": "https://localhost:8080"}, URLS, secure=True)


def test_a_program_says_its_token_itself() -> None:
    assert bearer({"authorization": "Bearer x"}) == "x" == bearer({"authorization": "bearer  x "})
    assert bearer({"token": "y"}) == "y"
    assert bearer({"authorization": "Basic x"}) == ""
