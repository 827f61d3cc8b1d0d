"""Which token server sees a registry's password, and which addresses are asked at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.often import often
from yarl import URL

from trueup.model.errors import TrueupError
from trueup.sources.outgoing import AddressRefused, is_internal, require_outside
from trueup.sources.registry import Access
from trueup.sources.registry.challenge import read_challenges
from trueup.sources.registry.realm import TOKEN_SERVERS, token_server

SECRET = Access(username="ada", password="canary")
NAMED = Access(username="ada", password="canary", servers=("tokens.example", "tokens.example:8443"))

ASKED = {
    "the registry's own host": ("https://r.example", "https://r.example/token", SECRET),
    "its own host, another port": ("https://r.example:5050", "https://r.example/jwt/auth", SECRET),
    "its own host in capitals": ("https://r.example", "https://R.EXAMPLE/token", SECRET),
    "Docker's": ("https://registry-1.docker.io", "https://auth.docker.io/token", SECRET),
    "GitLab's": ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", SECRET),
    "what an operator names": ("https://r.example", "https://tokens.example/t", NAMED),
    "what an operator names, with its port": ("https://r.example", "https://tokens.example:8443/t", NAMED),
    "the same place without TLS": ("http://r.example:5000", "http://r.example:5000/token", SECRET),
    "anybody's, where there is nothing to show": ("https://r.example", "https://tokens.example/t", Access()),
}


@pytest.mark.parametrize("rule", ASKED)
def test_is_asked(rule: str) -> None:
    base, realm, access = ASKED[rule]
    assert token_server(realm, URL(base), access, "r").host == URL(realm).host


REFUSED = {
    "another host": ("https://r.example", "https://evil.example/t", SECRET),
    "a host that only begins so": ("https://r.example", "https://r.example.evil.example/t", SECRET),
    "a host that only ends so": ("https://r.example", "https://evil-r.example/t", SECRET),
    "a host in the place of a user": ("https://r.example", "https://r.example@evil.example/t", SECRET),
    "a user": ("https://r.example", "https://u:p@r.example/t", SECRET),
    "without TLS": ("https://r.example", "http://r.example/t", SECRET),
    "without TLS on another port": ("http://r.example:5000", "http://r.example:6000/t", SECRET),
    "without TLS on another address of this machine": ("http://127.0.0.1:5000", "http://127.0.0.2:5000/t", SECRET),
    "this machine by its name": ("http://127.0.0.1:5000", "http://localhost:5000/t", SECRET),
    "Docker's of another registry": ("https://r.example", "https://auth.docker.io/token", SECRET),
    "Docker's on another port": ("https://registry-1.docker.io", "https://auth.docker.io:444/token", SECRET),
    "what an operator names, on another port": ("https://r.example", "https://tokens.example:9/t", NAMED),
    "what an operator names, without TLS": ("https://r.example", "http://tokens.example/t", NAMED),
    "a dot behind the host": ("https://r.example", "https://r.example./t", SECRET),
    "letters of another alphabet": ("https://r.example", "https://r.ex\u0430mple/t", SECRET),
    "a backslash": ("https://r.example", "https://evil.example\\@r.example/t", SECRET),
    "no URL": ("https://r.example", "token", SECRET),
    "no host": ("https://r.example", "https:///t", SECRET),
    "a file": ("https://r.example", "file:///etc/passwd", SECRET),
    "nothing": ("https://r.example", "", SECRET),
    "an absurd length": ("https://r.example", "https://r.example/" + "x" * 5000, SECRET),
    "another host for an identity token": ("https://r.example", "https://evil.example/t", Access(token="canary")),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_is_not_asked(rule: str) -> None:
    base, realm, access = REFUSED[rule]
    with pytest.raises(TrueupError) as caught:
        token_server(realm, URL(base), access, "r")
    assert "canary" not in str(caught.value)


PIECES = [
    "r.example",
    "evil.example",
    "auth.docker.io",
    "@",
    ":",
    "/",
    "//",
    "\\",
    "?",
    "#",
    "..",
    "%2e",
    ":443",
    "u:p@",
]


BASES = ["https://r.example", "http://r.example:5000", "https://registry-1.docker.io"]
ANY_REALM = st.builds(
    lambda scheme, rest: scheme + "".join(rest),
    st.sampled_from(["https://", "http://", "HTTPS://", "//", ""]),
    st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=6),
)


@st.composite
def realms(draw: st.DrawFn) -> tuple[str, str]:
    """A registry and the token server that it names: often its own."""
    base = draw(st.sampled_from(BASES))
    own = [base, base.upper(), f"{base.replace('http:', 'https:')}", "https://auth.docker.io"]
    rest = st.lists(st.sampled_from(["/", "//", "..", "%2e", "t", "?a", "#", "@r.example"]), max_size=3).map("".join)
    return base, draw(often(st.builds("{}/{}".format, st.sampled_from(own), rest), ANY_REALM))


@given(realms())
def test_no_realm_takes_a_password_to_another_host(asked: tuple[str, str]) -> None:
    base, realm = asked
    try:
        found = token_server(realm, URL(base), SECRET, "r")
    except TrueupError:
        return
    home = URL(base)
    assert found.host in (home.host, TOKEN_SERVERS.get(home.host or ""))
    assert found.scheme == "https" or found.origin() == home.origin()
    assert found.user is None


PARTS = st.lists(
    st.sampled_from(["Bearer", "BASIC", " ", ", ", "realm", "=", '"', '"x"', "\\", "\t", ";", "x"]), max_size=20
)


@given(often(PARTS.map(lambda parts: "Bearer " + "".join(parts)), st.text(max_size=50)))
def test_any_challenge_is_read(header: str) -> None:
    for each in read_challenges([header]):
        assert each.scheme == each.scheme.lower()


def test_a_long_challenge_is_read_in_no_time() -> None:
    for header in ('Bearer realm="' + "\\" * 60_000, "a=" * 40_000, "Bearer " + ", " * 40_000, 'x="' * 30_000):
        read_challenges([header])


@pytest.mark.parametrize(
    ("address", "internal"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", True),
        ("169.254.169.254", True),
        ("100.100.100.200", True),
        ("fd00:ec2::254", True),
        ("::1", True),
        ("::", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::7f00:1", True),
        ("2002:7f00:1::", True),
        ("10.0.0.7", False),
        ("192.168.1.1", False),
        ("fd12::1", False),
        ("203.0.113.7", False),
    ],
)
def test_addresses_of_this_machine(address: str, internal: bool) -> None:
    assert is_internal(address) is internal


@pytest.mark.parametrize("url", ["http://localhost/", "http://x.localhost/", "http://127.0.0.1:1/", "http://[::1]/"])
def test_names_of_this_machine(url: str) -> None:
    with pytest.raises(AddressRefused):
        require_outside(URL(url))
