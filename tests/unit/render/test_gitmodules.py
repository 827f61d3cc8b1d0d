"""``.gitmodules`` is read as git reads it, and a relative URL leads where git goes."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.model.errors import RenderFailed
from trueup.render.gitmodules import Submodule, absolute_url, read_gitmodules

WRITTEN = {
    "a plain one": '[submodule "a"]\n\tpath = a\n\turl = https://h/a.git\n',
    "comments, blanks, letters of both cases": (
        '# said\n  [SubModule "a"]  ; more\n  PATH=a # here\n\n  Url =   https://h/a.git   ; there\n'
    ),
    "quotes and escapes": '[submodule "a"]\n\tpath = "a b" \n\turl = "https://h/#a\\\\b\\"c" \n',
    "a name with quotes": '[submodule "a\\"]b"]\n\tpath = a\n\turl = https://h/a\n',
    "two on one line": '[submodule "a"] path = a\n\turl = https://h/a\n',
    "a line that goes on": '[submodule "a"]\n\tpath = a\n\turl = https://h/\\\na.git\n',
    "said twice, the last one counts": '[submodule "a"]\n\tpath = a\n\turl = https://h/1\n\turl = https://h/2\n',
    "a section in two parts": '[submodule "a"]\n\tpath = a\n[core]\n\tx = y\n[submodule "a"]\n\turl = https://h/a\n',
    "a setting without a value": '[submodule "a"]\n\tshallow\n\tpath = a\n\turl = https://h/a\n',
    "line ends of another system": '[submodule "a"]\r\n\tpath = a\r\n\turl = https://h/a\r\n',
    "another section": '[other "a"]\n\tpath = a\n\turl = https://h/a\n',
    "no URL": '[submodule "a"]\n\tpath = a\n',
    "blanks inside": '[submodule "a"]\n\tpath = a  b\n\turl = https://h/a "b  c"  d\n',
}
OF = {
    "https://h/org/app.git": "https://h/org/app.git",
    "https://h/org/app.git/": "https://h/org/app.git/",
    "git@h:org/app.git": "git@h:org/app.git",
    "ssh://git@h:22/org/app": "ssh://git@h:22/org/app",
}
RELATIVE = ("../lib.git", "./lib.git", "../../other/lib", "../.././lib.git", "./../lib")


def by_git(*args: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *args], cwd=cwd, capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    )
    return done.stdout.decode()


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_file_is_read_as_git_reads_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(text.encode())
    said: dict[str, dict[str, str]] = {}
    for setting in by_git("config", "--file", "f", "--list", "-z", cwd=tmp_path).split("\0"):
        key, _, value = setting.partition("\n")
        if key.startswith("submodule."):
            said.setdefault(key.rpartition(".")[0], {})[key.rpartition(".")[2]] = value
    expected = {each["path"]: each["url"] for each in said.values() if each.keys() >= {"path", "url"}}
    assert {path: each.url for path, each in read_gitmodules(text).items()} == expected


@pytest.mark.parametrize(
    "text",
    [
        '[submodule "a',
        '[submodule "a"\n',
        "[core\n",
        '[submodule "a"]\n\turl = "x\n',
        '[submodule "a"]\n\turl = \\q\n',
        "= x\n",
    ],
)
def test_what_git_does_not_read_is_refused_by_its_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(subprocess.CalledProcessError):
        by_git("config", "--file", "f", "--list", cwd=tmp_path)
    with pytest.raises(RenderFailed, match=r"^\.gitmodules:[12]: "):
        read_gitmodules(text)


@given(st.text(max_size=200) | st.text(alphabet='[]"\\=#;\n submodule.pathurl', max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_gitmodules(text)
    except RenderFailed as error:
        assert error.message.startswith(".gitmodules:") and error.hint
    else:
        assert all(each.path == path and path and each.url for path, each in found.items())


def test_one_that_is_to_be_left_alone_is_none() -> None:
    text = '[submodule "a"]\npath=a\nurl=u\nupdate = none\n[submodule "b"]\npath=b/\nurl=u\nupdate=rebase\n'
    assert read_gitmodules(text) == {"b": Submodule("b", "u")}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What git makes of each relative URL, by the repository's."""
    found = {}
    for number, of in enumerate(OF):
        folder = tmp_path_factory.mktemp(f"super{number}")
        by_git("init", "--quiet", cwd=folder)
        by_git("remote", "add", "origin", of, cwd=folder)
        declared = "".join(f'[submodule "s{i}"]\n\tpath = s{i}\n\turl = {url}\n' for i, url in enumerate(RELATIVE))
        (folder / ".gitmodules").write_text(declared)
        for i in range(len(RELATIVE)):
            by_git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},s{i}", cwd=folder)
        by_git("submodule", "init", cwd=folder)
        for i, url in enumerate(RELATIVE):
            found[of, url] = by_git("config", f"submodule.s{i}.url", cwd=folder).strip()
    return found


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("url", RELATIVE)
def test_a_relative_url_leads_where_git_goes(resolved: dict[tuple[str, str], str], of: str, url: str) -> None:
    assert absolute_url(url, of) == resolved[of, url]


@pytest.mark.parametrize("url", ["../../../../x", "../../../x/y"])
def test_no_relative_url_leaves_the_host(url: str) -> None:
    with pytest.raises(RenderFailed, match="leads out of the repository's host"):
        absolute_url(url, "https://h/app")
    with pytest.raises(RenderFailed, match="the repository has none"):
        absolute_url(url, "")


def test_an_absolute_url_is_as_it_is() -> None:
    assert absolute_url("ext::sh -c x", "https://h/app") == "ext::sh -c x"
