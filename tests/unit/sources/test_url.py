"""Which repository URLs are admitted, how they are compared and masked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.redact import redact
from trueup.model.errors import InvalidSpec
from trueup.model.source import Source
from trueup.sources.mirrors import Mirrors
from trueup.sources.url import admit, check
from trueup.workers.git import run_git

REFUSED = {
    "empty": ("", "empty"),
    "an option": ("--upload-pack=touch /tmp/x", 'must not start with "-"'),
    "a remote helper": ("ext::sh -c id", 'scheme "ext" not allowed'),
    "a remote helper with a URL": ("ext::https://h/r", 'scheme "ext" not allowed'),
    "ssh with a host that is an option": ("ssh://-oProxyCommand=x/", 'host must not start with "-"'),
    "ssh with a user and such a host": ("ssh://git@-oProxyCommand=x/r", 'host must not start with "-"'),
    "scp form with such a host": ("-oProxyCommand=x:r", 'must not start with "-"'),
    "scp form, user, such a host": ("git@-oProxyCommand=x:r", 'host must not start with "-"'),
    "https with such a host": ("https://-x/r", 'host must not start with "-"'),
    "https with such a host, encoded": ("https://%2dx/r", 'host must not start with "-"'),
    "ssh with a password": ("ssh://git:pw@h/r", "ssh takes no password"),
    "ssh without a path": ("ssh://git@h", "no path"),
    "ssh with a path that is an option": ("git@h:-oProxyCommand=x", "no path"),
    "ssh with a path from the root that is one": ("git@h:/-oProxyCommand=x", "no path"),
    "ssh with a user that is an option": ("ssh://-oProxyCommand=x@h/r", "no valid user"),
    "scp form with a host that holds a space": ("git@a b:r", "no valid host"),
    "git's own protocol": ("git://h/r", 'scheme "git" not allowed'),
    "ftp": ("ftp://h/r", 'scheme "ftp" not allowed'),
    "a user of an OCI registry": ("oci://me:secret@h/r", "a user in the URL of a registry"),
    "a new line": ("https://h/\nhost=evil", "control character"),
    "a new line at the end": ("https://h/r\n", "control character"),
    "an encoded new line": ("https://h/%0ahost=evil", "control character"),
    "an encoded NUL": ("https://h/%00", "control character"),
    "no host": ("https:///r", "no valid host"),
    "a host with a space": ("https://a b/r", "no valid host"),
    "a port that is none": ("https://h:x/r", "host or port"),
    "a password with a slash": ("https://u:p/w@h/r", "host or port"),
    "a bare word": ("repo", "neither a URL nor a path"),
    "a file on a host": ("file://h/srv", "not a host"),
    "a file URL with no path": ("file://", "no path"),
    "a local path": ("/srv/repo", "local repositories are not allowed"),
    "a relative path": ("./repo", "local repositories are not allowed"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str) -> None:
    url, why = REFUSED[rule]
    with pytest.raises(InvalidSpec) as caught:
        check(url, [])
    assert why in str(caught.value)
    assert not any(ord(character) < 32 for character in str(caught.value))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://h/o/r.git", "https://h/o/r.git"),
        ("  https://h/r/ ", "https://h/r"),
        ("HTTP://Host:8080/R", "http://host:8080/R"),
        ("https://[::1]:8443/r", "https://[::1]:8443/r"),
        ("https://u:p%40w@h/r", "https://h/r"),
        ("ssh://git@Host:2222/o/r.git", "ssh://git@host:2222/o/r.git"),
        ("git@GitHub.com:o/r.git/", "git@github.com:o/r.git"),
    ],
)
def test_admitted_without_credentials_in_the_address(url: str, address: str) -> None:
    assert admit(url, []).address == address


def test_https_may_not_be_left_for_http() -> None:
    assert set(admit("https://h/r", []).protocols) == {"https"}
    assert set(admit("http://h/r", []).protocols) == {"http", "https"}


class TestLocal:
    @pytest.fixture
    def allowed(self, tmp_path: Path) -> Path:
        for name in ("allowed/repo", "allowed-not/repo", "outside"):
            (tmp_path / name).mkdir(parents=True)
        (tmp_path / "allowed/link").symlink_to(tmp_path / "outside")
        (tmp_path / "alias").symlink_to(tmp_path / "allowed")
        return tmp_path / "allowed"

    @pytest.mark.parametrize(
        "form", ["{}/repo", "file://{}/repo", "file://localhost{}/repo", "{}/x/../repo", "{}/repo/"]
    )
    def test_below_an_allowed_folder(self, allowed: Path, form: str) -> None:
        assert admit(form.format(allowed), [allowed]).address == f"file://{allowed}/repo"

    def test_an_allowed_folder_may_be_a_link(self, allowed: Path) -> None:
        assert admit(f"{allowed}/repo", [allowed.parent / "alias"]).address == f"file://{allowed}/repo"

    def test_a_relative_path_is_of_the_working_folder(self, allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(allowed)
        assert admit("./repo", [allowed]).address == f"file://{allowed}/repo"

    def test_a_link_below_it_is_refused_wherever_it_leads(self, allowed: Path) -> None:
        (allowed / "ours").mkdir()
        (allowed / "ours/link").symlink_to(allowed / "repo")
        (allowed / "turn").symlink_to(allowed)
        for path in ("ours/link", "turn/repo", "turn/turn/repo"):
            with pytest.raises(InvalidSpec, match="a link in its path"):
                check(f"{allowed}/{path}", [allowed])

    @pytest.mark.parametrize("marks", [[".git"], ["HEAD", "objects", "refs"]], ids=["a work tree", "a bare one"])
    def test_what_lies_in_another_repository_is_refused(self, allowed: Path, marks: list[str]) -> None:
        """Who may push to that one writes its files: a whole repository among them may name any other's objects."""
        for mark in marks:
            (allowed / "repo" / mark).mkdir()
        (allowed / "repo/deep/evil").mkdir(parents=True)
        check(f"{allowed}/repo", [allowed])
        for path in ("repo/deep/evil", "repo/deep", "repo/deep/../deep/evil"):
            with pytest.raises(InvalidSpec, match="lies in another repository"):
                check(f"{allowed}/{path}", [allowed])

    @pytest.mark.parametrize(
        "form",
        ["{}-not/repo", "{}/../outside", "{}/link", "file://{}/%2e%2e/outside", "file://{}/../outside"],
        ids=["a sibling of like name", "dots", "a link out", "encoded dots", "dots in a URL"],
    )
    def test_outside_it_is_refused_with_the_remedy(self, allowed: Path, form: str) -> None:
        with pytest.raises(InvalidSpec, match="--allow-local-repos"):
            check(form.format(allowed), [allowed])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:p@h/r", "https://u:******@h/r"),
        ("https://token@h/r", "https://******@h/r"),
        ("https://:p@h/r", "https://:******@h/r"),
        ("https://u:p/w@h/r", "https://u:******@h/r"),
        ("https://u:p@w@h/r", "https://u:******@h/r"),
        ("cannot read 'https://u:p@h/r': no", "cannot read 'https://u:******@h/r': no"),
        ("https://h:8080/p@v1", "https://h:8080/p@v1"),
        ("https://h/r@v1", "https://h/r@v1"),
    ],
)
def test_credentials_are_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="0123456789"), min_size=1))
def test_no_admitted_url_shows_its_password(filling: str) -> None:
    url = f"https://user:canary{filling.strip()}@host.example/r"
    try:
        remote = admit(url, [])
    except InvalidSpec as error:
        assert "canary" not in str(error)
    else:
        assert "canary" not in f"{remote!r} {remote.shown} {remote.address}"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ghcr.io/org", "oci://ghcr.io/org"),
        ("localhost:5000/org", "oci://localhost:5000/org"),
        ("oci://ghcr.io/org", "oci://ghcr.io/org"),
        ("https://charts.example", "https://charts.example"),
        ("git@git.example:org/a", "git@git.example:org/a"),
        ("/srv/a", "/srv/a"),
        ("./a", "./a"),
        ("", ""),
    ],
)
def test_a_registry_goes_without_a_scheme_where_a_chart_is_named(url: str, address: str) -> None:
    assert Source(repo_url=url, chart="web").address == address
    assert Source(repo_url=url, path="web").address == url


async def test_a_registry_is_not_given_to_git(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match=r"oci://ghcr\.io/org/a is a registry"):
        Mirrors(tmp_path, run_git).get("oci://ghcr.io/org/a")
