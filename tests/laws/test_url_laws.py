"""Laws of repository URLs: what is checked is what git would contact, however it is spelt."""

from urllib.parse import unquote

from hypothesis import assume, given
from hypothesis import strategies as st
from yarl import URL

from trueup.model.errors import InvalidSpec
from trueup.model.project import Project, ProjectSpec
from trueup.model.repository import parse_repository_url
from trueup.policy.project import permits_source
from trueup.sources.url import admit

PIECES = st.sampled_from(
    [
        *("a", "b", "team-a", "team-b", ".git", "x", ".", "..", "/", "//", "%2e", "%2E%2e", "%2f", "%5c", "%25", "%00"),
        *("\\", "@", ":", "?", "#", ";", "..;", " ", "\t", "\n", "%20", "git.example", "evil.example", ":443", ":80"),
        *("u:p@", "[::1]", "127.0.0.1", "0177.0.0.1", "2130706433", "\uff0e", "\u3002", "\u00a0", "%c0%ae", "-o", "~"),
    ]
)
SPELLINGS = st.builds(
    lambda scheme, host, rest: scheme + host + "".join(rest),
    st.sampled_from(["https://", "http://", "HTTPS://", "ssh://git@", "git@", "file://", "/", ""]),
    st.sampled_from(
        ["git.example", "git.example.", "Git.Example", "git.example:443", "evil.example", "u:p@git.example"]
    ),
    st.lists(PIECES, max_size=8),
)


@given(SPELLINGS)
def test_the_host_is_the_one_that_a_client_contacts(url: str) -> None:
    try:
        read = parse_repository_url(url)
    except InvalidSpec:
        return
    if read.scheme in ("http", "https"):
        # Of what git is given, and of what was written: a second reader finds the same.
        for text in (read.address, url.strip(" ")):
            other = URL(text)
            assert (other.host or "").removesuffix(".") == read.host
            assert other.port == (read.port or {"http": 80, "https": 443}[read.scheme])


@given(SPELLINGS)
def test_reading_what_git_is_given_changes_nothing(url: str) -> None:
    try:
        read = parse_repository_url(url)
    except InvalidSpec:
        return
    assume(read.rooted or read.scheme == "ssh")
    again = parse_repository_url(read.address)
    assert again.name == read.name and again.address == read.address


@given(SPELLINGS)
def test_no_admitted_path_leads_elsewhere_when_it_is_decoded_once_more(url: str) -> None:
    try:
        address = admit(url, []).address
    except InvalidSpec:
        return
    path = address.partition("://")[2] or address
    decoded = unquote(path if address.startswith("file:") else unquote(path)).replace("\\", "/")
    assert not {".", ".."} & set(decoded.split("/"))
    assert "://" not in address or not any(mark in address for mark in "?#\\;\n\t ")


@given(SPELLINGS)
def test_a_project_permits_only_below_its_own_folder(url: str) -> None:
    team = Project(spec=ProjectSpec(source_repos=["https://git.example/team-a/**", "git@git.example:team-a/**"]))
    if not permits_source(team, url):
        return
    address = admit(url, []).address
    host, _, path = address.partition("://")[2].partition("/") if "://" in address else address.partition(":")
    assert host.removeprefix("git@") == "git.example"
    assert path.lower().startswith("team-a/")


@given(SPELLINGS)
def test_a_denied_repository_is_denied_in_every_spelling(url: str) -> None:
    team = Project(spec=ProjectSpec(source_repos=["*", "!https://git.example/team-b/**"]))
    if permits_source(team, url) and url.lower().startswith("https"):
        address = admit(url, []).address.lower()
        assert not address.startswith("https://git.example/team-b/")
