"""Laws of repository URLs: what is checked is what git would contact, however it is spelt."""

from urllib.parse import unquote

from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.support.often import often
from yarl import URL

from trueup.model.errors import InvalidSpec
from trueup.model.project import Project, ProjectSpec
from trueup.model.repository_url import parse_repository_url
from trueup.policy.project import permits_source
from trueup.sources.url import admit

PIECES = st.sampled_from(
    [
        *("a", "b", "team-a", "team-b", ".git", "x", ".", "..", "/", "//", "%2e", "%2E%2e", "%2f", "%5c", "%25", "%00"),
        *("\\", "@", ":", "?", "#", ";", "..;", " ", "\t", "\n", "%20", "git.example", "evil.example", ":443", ":80"),
        *("u:p@", "[::1]", "127.0.0.1", "0177.0.0.1", "2130706433", "\uff0e", "\u3002", "\u00a0", "%c0%ae", "-o", "~"),
    ]
)
SCHEMES = ["https://", "http://", "HTTPS://", "ssh://git@", "git@", "file://", "/", ""]
HOSTS = ["git.example", "git.example.", "Git.Example", "git.example:443", "evil.example", "u:p@git.example"]
SPELLINGS = st.builds(
    lambda scheme, host, rest: scheme + host + "".join(rest),
    st.sampled_from(SCHEMES),
    st.sampled_from(HOSTS),
    st.lists(PIECES, max_size=8),
)
PLAIN_PIECES = st.sampled_from(["/", "//", "a", "team-a/", "TEAM-A/", "%74eam-a/", "x", ".git", "-o", "~", "%20", " "])
WEB = st.builds(
    lambda scheme, host, rest: f"{scheme}{host}/" + "".join(rest),
    st.sampled_from(SCHEMES[:3]),
    st.sampled_from(HOSTS),
    st.lists(PLAIN_PIECES, max_size=5),
)
SSH = st.builds(
    lambda head, rest: head + "".join(rest),
    st.sampled_from(["ssh://git@git.example/", "git@git.example:", "git.example:/"]),
    st.lists(PLAIN_PIECES, min_size=1, max_size=5),
)
LIKELY = often(WEB | SSH, SPELLINGS)
"""Most of them can be read."""
OF_TEAMS = st.builds(
    lambda who, host, slashes, team, rest: f"{who}{host}{slashes}{team}" + "".join(rest),
    st.sampled_from(["https://", "HTTPS://", "https://u:p@", "https://u@"]),
    st.sampled_from(["git.example", "git.example.", "Git.Example", "git.example:443", "git.example:"]),
    st.sampled_from(["/", "//"]),
    st.sampled_from(["team-a/", "team-b/", "TEAM-B//", "%74eam-b/", "team%2db/", "te%61m-a/", "team-c/"]),
    st.lists(PLAIN_PIECES, min_size=1, max_size=3),
)


@given(often(WEB, SPELLINGS))
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


@given(LIKELY)
@example("git.example:/-o")
def test_reading_what_git_is_given_changes_nothing(url: str) -> None:
    try:
        read = parse_repository_url(url)
    except InvalidSpec:
        return
    assume(read.rooted or read.scheme == "ssh")
    again = parse_repository_url(read.address)
    assert again.name == read.name and again.address == read.address


@given(LIKELY)
def test_no_admitted_path_leads_elsewhere_when_it_is_decoded_once_more(url: str) -> None:
    try:
        address = admit(url, []).address
    except InvalidSpec:
        return
    path = address.partition("://")[2] or address
    decoded = unquote(path if address.startswith("file:") else unquote(path)).replace("\\", "/")
    assert not {".", ".."} & set(decoded.split("/"))
    assert "://" not in address or not any(mark in address for mark in "?#\\;\n\t ")


@given(often(OF_TEAMS, LIKELY))
def test_a_project_permits_only_below_its_own_folder(url: str) -> None:
    team = Project(spec=ProjectSpec(source_repos=["https://git.example/team-a/**", "git@git.example:team-a/**"]))
    permitted = permits_source(team, url)
    try:
        address = admit(url, []).address
    except InvalidSpec:
        assert not permitted
        return
    if not permitted:
        assert not address.lower().startswith("https://git.example/team-a/")
        return
    host, _, path = address.partition("://")[2].partition("/") if "://" in address else address.partition(":")
    assert host.removeprefix("git@") == "git.example"
    assert path.lower().startswith("team-a/")


@given(often(OF_TEAMS, LIKELY))
def test_a_denied_repository_is_denied_in_every_spelling(url: str) -> None:
    team = Project(spec=ProjectSpec(source_repos=["*", "!https://git.example/team-b/**"]))
    permitted = permits_source(team, url)
    try:
        address = admit(url, []).address.lower()
    except InvalidSpec:
        return
    assert permitted is not address.startswith("https://git.example/team-b/")
