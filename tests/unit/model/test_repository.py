"""One reading of a repository's URL: spellings that are one, and disguises that are refused."""

import pytest

from trueup.model.errors import InvalidSpec
from trueup.model.repository import short_revision
from trueup.model.repository_url import parse_repository_url

SAME = {
    "the scheme's own port": ("https://h.example/a/b", "https://h.example:443/a/b"),
    "the port of plain HTTP": ("http://h.example/a", "http://h.example:80/a"),
    "the port of ssh": ("ssh://git@h.example/a", "ssh://git@h.example:22/a"),
    "an empty port": ("https://h.example/a", "https://h.example:/a"),
    "letters of the host": ("https://h.example/a", "https://H.Example/a"),
    "letters of the scheme": ("https://h.example/a", "HTTPS://h.example/a"),
    "a dot at the end of the host": ("https://h.example/a", "https://h.example./a"),
    "a slash at the end": ("https://h.example/a", "https://h.example/a/"),
    "the suffix .git": ("https://h.example/a", "https://h.example/a.git"),
    "the suffix and a slash": ("https://h.example/a", "https://h.example/a.git/"),
    "slashes in a row": ("https://h.example/a/b", "https://h.example//a///b"),
    "letters that are encoded": ("https://h.example/team/b", "https://h.example/%74eam/b"),
    "a space": ("https://h.example/my%20team/b", "https://h.example/my team/b"),
    "the letters of an escape": ("https://h.example/%C3%A9", "https://h.example/é"),
    "a user over HTTP": ("https://h.example/a", "https://org@h.example/a"),
    "two users over HTTP": ("https://ada@h.example/a", "https://bob@h.example/a"),
    "who asks over HTTP": ("https://h.example/a", "https://u:p@h.example/a"),
    "both notations of ssh": ("git@h.example:a/b", "ssh://git@h.example/a/b"),
    "the root of ssh": ("git@h.example:a/b", "git@h.example:/a/b"),
    "the home of ssh": ("git@h.example:a/b", "git@h.example:~/a/b"),
    "an IPv6 address": ("https://[::1]/a", "https://[0:0:0:0:0:0:0:1]/a"),
    "a folder by its URL": ("/srv/a", "file:///srv/a"),
    "a folder of this host": ("/srv/a", "file://localhost/srv/a"),
    "dots in a folder's path": ("/srv/b", "/srv/a/../b"),
    "encoded dots in a folder's path": ("/srv/b", "file:///srv/a/%2e%2E/./b"),
    "dots above the root": ("/srv", "/../../srv"),
}


@pytest.mark.parametrize("rule", SAME)
def test_one_repository(rule: str) -> None:
    one, other = (parse_repository_url(url) for url in SAME[rule])
    assert one.name == other.name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/a", "http://h.example/a"),
        ("https://h.example/a", "https://h.example:8443/a"),
        ("https://h.example/a", "https://h.example.evil.example/a"),
        ("https://h.example/a", "git@h.example:a"),
        ("git@h.example:a", "other@h.example:a"),
        ("https://h.example/a", "https://h.example/a.git.git"),
    ],
)
def test_others(one: str, other: str) -> None:
    assert parse_repository_url(one).name != parse_repository_url(other).name


DISGUISED = {
    "dots": "https://h.example/team-a/../team-b/x",
    "encoded dots": "https://h.example/team-a/%2e%2E/team-b/x",
    "half encoded dots": "https://h.example/team-a/.%2e/team-b/x",
    "one dot": "https://h.example/./x",
    "an encoded slash before dots": "https://h.example/team-a%2f..%2fteam-b/x",
    "an encoded slash": "https://h.example/team-a%2Fx",
    "an encoded slash in a folder": "file:///srv/team-a/%2f..%2fteam-b",
    "a path encoded twice": "https://h.example/team-a/%252e%252e/team-b",
    "a backslash": "https://h.example/team-a/..\\team-b",
    "an encoded backslash": "https://h.example/team-a/..%5cteam-b",
    "a backslash behind the host": "https://evil.example\\@h.example/x",
    "a parameter of a segment": "https://h.example/team-a/..;/team-b/x",
    "dots of another width": "https://h.example/team-a/\uff0e\uff0e/team-b/x",
    "a slash of another width": "https://h.example/team-a\uff0fx",
    "dots with a space": "https://h.example/team-a/..%20/team-b/x",
    "bytes that are no text": "https://h.example/%c0%ae%c0%ae/x",
    "an escape that is none": "https://h.example/%zz",
    "a question": "https://h.example/x?y",
    "a question behind the host": "https://evil.example?.h.example/x",
    "a fragment": "https://h.example/x#y",
    "a fragment behind the host": "https://evil.example#@h.example/x",
    "a tab": "https://h.example/\tx",
    "a new line": "https://h.example/x\n",
    "an encoded new line": "https://h.example/%0d%0ahost=evil",
    "an encoded new line in a password": "https://u:p%0a@h.example/x",
    "a space that cannot be seen": "https://h.example/\u200bx",
    "a mark that turns the text round": "https://h.example/\u202egit.x",
    "a space of another width": "https://h.example/\u00a0x",
    "two at signs": "https://h.example@evil.example@h.example/x",
    "an encoded host": "https://%68.example/x",
    "letters of another alphabet": "https://h.ex\u0430mple/x",
    "a number for a host": "https://2130706433/x",
    "a hexadecimal number for a host": "https://0x7f000001/x",
    "an octal address": "https://0177.0.0.1/x",
    "a short address": "https://127.1/x",
    "IPv4 in IPv6": "https://[::ffff:127.0.0.1]/x",
    "an IPv6 address with a zone": "https://[fe80::1%25eth0]/x",
    "an address of the future": "https://[v1.x]/x",
    "a port of letters of another alphabet": "https://h.example:\u0664\u0664\u0663/x",
    "a port that is too great": "https://h.example:65536/x",
    "port 0": "https://h.example:0/x",
    "a host of two dots": "https://h..example/x",
    "dots of ssh": "git@h.example:team-a/../team-b",
    "dots of ssh as a URL": "ssh://git@h.example/team-a/%2e%2e/team-b",
    "an encoded slash of ssh": "git@h.example:team-a%2f..%2fteam-b",
    "a host in brackets with a port": "[git@h.example:22]:x",
    "a helper": "ext::sh -c id",
    "an absurd length": "https://h.example/" + "x" * 5000,
}


@pytest.mark.parametrize("rule", DISGUISED)
def test_what_can_be_read_in_two_ways_is_refused(rule: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_repository_url(DISGUISED[rule])
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_a_port_in_brackets_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_repository_url("[git@h.example:2222]:team/x.git")
    assert "ssh://user@host:port/path" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "prefix", "inside"),
    [
        ("https://h.example/team-a/x", "https://h.example", True),
        ("https://h.example/team-a/x.git", "https://h.example/team-a/", True),
        ("https://h.example/team-a", "https://h.example/team-a", True),
        ("https://h.example/team-a-evil/x", "https://h.example/team-a", False),
        ("https://h.example.evil.example/x", "https://h.example", False),
        ("https://h.example:8443/x", "https://h.example", False),
        ("http://h.example/x", "https://h.example", False),
        ("https://h.example@evil.example/x", "https://h.example", False),
        ("ssh://git@h.example/team-a/x", "git@h.example:team-a", True),
        ("ssh://git@h.example:2222/team-a/x", "git@h.example:team-a", False),
    ],
)
def test_a_prefix_ends_where_a_segment_does(url: str, prefix: str, inside: bool) -> None:
    assert parse_repository_url(url).within(parse_repository_url(prefix)) is inside


def test_a_user_alone_is_a_name_and_no_password() -> None:
    url = parse_repository_url("https://my%40org@h.example/x")
    assert (url.user, url.userinfo, url.address) == ("my@org", "", "https://h.example/x")
    url = parse_repository_url("https://org:@h.example/x")
    assert (url.user, url.userinfo) == ("", "org:")


def test_a_password_is_in_no_form_of_it() -> None:
    url = parse_repository_url("https://u:canary@h.example/x")
    assert "canary" not in f"{url!r} {url.name} {url.address} {url.origin} {url.spelling}"


@pytest.mark.parametrize(
    ("revision", "shown"),
    [
        ("0123456789" * 4, "01234567"),
        (f"sha256:{'ab' * 32}", "abababab"),
        ("10.2.3-rc.4+b", "10.2.3-rc.4+b"),
    ],
)
def test_a_version_is_shown_as_it_is_and_a_hash_by_its_beginning(revision: str, shown: str) -> None:
    assert short_revision(revision) == shown
