"""A submodule is a folder of its commit; who looks into one asks for it, and nobody else does."""

from collections.abc import Mapping

import pytest
from tests.support.memtree import Link, MemTree, Submodule

from trueup.model.application import DirectorySource, HelmSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode
from trueup.render.environment import RenderContext
from trueup.render.recipe import make_recipe, read_inputs
from trueup.render.remote import MAX_REMOTES, Base, RemotesNeeded
from trueup.render.submodules import DEEP, MAX_PLACES, WithSubmodules

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
CONTEXT = RenderContext(app_name="shop")
RECURSE = Source(path="app", directory=DirectorySource(recurse=True))
KUSTOMIZATION = "resources: [%s]\n"
CHART = {"app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"}


def declared(*paths: str, host: str = "https://h") -> dict[str, str]:
    text = "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {host}/{path}.git\n' for path in paths)
    return {".gitmodules": text}


def tree(files: Mapping[str, str]) -> MemTree:
    return MemTree(files)


def asked(source: Source, files: Mapping[str, str], **brought: MemTree) -> list[tuple[str, str]]:
    """What a recipe needs first: (where, URL)."""
    with pytest.raises(RemotesNeeded) as needed:
        make_recipe(source, tree(files), brought, CONTEXT)
    assert all(each.submodule and each.base is not None and each.base.ref for each in needed.value.remotes)
    return [(each.where, each.text) for each in needed.value.remotes]


def complete(source: Source, files: Mapping[str, str], places: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """The inputs of a recipe, its submodules brought as they are asked for: files by URL."""
    own, refs = tree(files), dict[str, MemTree]()
    while True:
        try:
            recipe = make_recipe(source, own, refs, CONTEXT)
        except RemotesNeeded as needed:
            for each in needed.remotes:
                assert each.base is not None and each.base.name not in refs
                refs[each.base.name] = tree(places[each.text])
        else:
            return read_inputs(recipe, own, refs)


@pytest.mark.parametrize(
    ("source", "files", "where"),
    [
        pytest.param(RECURSE, {"app/s": Submodule("c")}, "app/s", id="of a folder that is read whole"),
        pytest.param(Source(path="s"), {"s": Submodule("c")}, "s", id="that is the source's own folder"),
        pytest.param(Source(path="s/deep/er"), {"s": Submodule("c")}, "s", id="that holds it"),
        pytest.param(
            Source(path="app"),
            {"app/kustomization.yaml": KUSTOMIZATION % "../s/base", "s": Submodule("c")},
            "s",
            id="that holds a base",
        ),
        pytest.param(
            Source(path="app"),
            {"app/kustomization.yaml": KUSTOMIZATION % "s", "app/s": Submodule("c")},
            "app/s",
            id="that is a base",
        ),
        pytest.param(
            Source(path="app"), {**CHART, "app/charts/dep": Submodule("c")}, "app/charts/dep", id="a subchart"
        ),
        pytest.param(Source(path="app"), {**CHART, "app/files": Submodule("c")}, "app/files", id="files of a chart"),
        pytest.param(
            Source(path="app", helm=HelmSource(value_files=["../s/values.yaml"])),
            {**CHART, "s": Submodule("c")},
            "s",
            id="that holds a value file",
        ),
        pytest.param(
            Source(path="app"), {"app/x.yaml": Link("../s/x.yaml"), "s": Submodule("c")}, "s", id="that a link leads to"
        ),
    ],
)
def test_what_is_looked_into_is_asked_for(source: Source, files: Mapping[str, str], where: str) -> None:
    assert asked(source, {**files, **declared(where)}) == [(where, f"https://h/{where}.git")]


def test_its_files_are_read_at_its_path() -> None:
    files = {"app/a.yaml": CM % "a", "app/s": Submodule("c"), **declared("app/s")}
    made = complete(RECURSE, files, {"https://h/app/s.git": {"b.yaml": CM % "b", "d/c.yaml": CM % "c"}})
    assert {path: data.decode() for path, data in made.items()} == {
        "app/a.yaml": CM % "a",
        "app/s/b.yaml": CM % "b",
        "app/s/d/c.yaml": CM % "c",
    }


def test_links_lead_in_and_out_of_it() -> None:
    files = {"app/in.yaml": Link("../s/b.yaml"), "out.yaml": CM % "out", "s": Submodule("c"), **declared("s")}
    place = {"b.yaml": CM % "b", "up.yaml": Link("../out.yaml"), "far.yaml": Link("../../etc/passwd")}
    assert complete(Source(path="app"), files, {"https://h/s.git": place}) == {"app/in.yaml": (CM % "b").encode()}
    with pytest.raises(RenderFailed, match="outside repository root"):
        complete(Source(path="s"), files, {"https://h/s.git": place})
    del place["far.yaml"]
    made = complete(Source(path="s"), files, {"https://h/s.git": place})
    assert made["s/up.yaml"] == (CM % "out").encode()


def test_those_of_a_folder_are_asked_for_together_and_those_beside_are_not() -> None:
    names = ("app/one", "app/two", "other")
    files = {"app/a.yaml": CM % "a", **{name: Submodule(name) for name in names}, **declared(*names)}
    assert [where for where, _ in asked(RECURSE, files)] == ["app/one", "app/two"]


def test_one_that_nobody_looks_into_is_nobodys() -> None:
    files = {"app/a.yaml": CM % "a", "app/s": Submodule("c"), "other": Submodule("d"), **declared("app/s", "other")}
    assert complete(Source(path="app"), files, {}).keys() == {"app/a.yaml"}
    excluded = Source(path="app", directory=DirectorySource(recurse=True, exclude="s/*"))
    assert complete(excluded, files, {}).keys() == {"app/a.yaml"}


def test_submodules_in_submodules_have_their_own_urls_and_an_end() -> None:
    inner = {"b.yaml": CM % "b", "deeper": Submodule("d"), **declared("deeper", host="https://g")}
    files = {"app/s": Submodule("c"), **declared("app/s")}
    made = complete(RECURSE, files, {"https://h/app/s.git": inner, "https://g/deeper.git": {"d.yaml": CM % "d"}})
    assert made.keys() == {"app/s/b.yaml", "app/s/deeper/d.yaml"}
    # One that holds itself, by a commit that nobody could make.
    circle = {"deeper": Submodule("d"), **declared("deeper", host="https://g")}
    with pytest.raises(RenderFailed, match=f"more than {DEEP} deep"):
        complete(RECURSE, files, {"https://h/app/s.git": circle, "https://g/deeper.git": circle})


def test_there_is_an_end_to_how_many_are_brought() -> None:
    names = [f"app/s{number}" for number in range(MAX_REMOTES + 1)]
    with pytest.raises(RenderFailed, match=f"more than {MAX_REMOTES} submodules"):
        make_recipe(RECURSE, tree({**{name: Submodule(name) for name in names}, **declared(*names)}), {}, CONTEXT)


@pytest.mark.parametrize(("levels", "width"), [(6, 10), (2, 9), (1, MAX_PLACES + 1)])
def test_there_is_an_end_to_the_places_at_which_few_stand(levels: int, width: int) -> None:
    # Each level names the one below it many times: few commits, and their product of places.
    names = [f"s{number:02}" for number in range(width)]
    text = "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = https://h/r.git\n' for name in names)
    refs = dict[str, MemTree]()
    for level in range(levels):
        last = {"a.yaml": CM % "a"}
        below = {**{name: Submodule(f"c{level + 1}") for name in names}, ".gitmodules": text}
        commit = tree({"s": Submodule(f"c{level}")}).children("")[0].oid
        refs[Base("https://h/r.git", "", commit).name] = tree(below if level + 1 < levels else last)
    top = {"app/a.yaml": CM % "a", ".gitmodules": text.replace("= s", "= app/s")}
    source = tree({**top, **{f"app/{name}": Submodule("c0") for name in names}})
    with pytest.raises(RenderFailed, match=f"more than {MAX_PLACES} submodules"):
        make_recipe(RECURSE, source, refs, CONTEXT)
    assert sum(len(each.reads) for each in refs.values()) <= MAX_PLACES * 2


@pytest.mark.parametrize(
    ("gitmodules", "says"),
    [
        pytest.param("", "app/s is a submodule, and .gitmodules has no URL", id="none is declared"),
        pytest.param('[submodule "x"]\npath = app/other\nurl = u\n', "has no URL", id="another one is"),
        pytest.param('[submodule "x"]\npath = app/s\nurl = u\nupdate = none\n', "has no URL", id="it is left alone"),
        pytest.param('[submodule "x\n', r"\.gitmodules:1: a section without its end", id="it cannot be read"),
        pytest.param("#" * 300_000, "more than 256 KiB", id="it is large"),
        pytest.param(Link("app/a.yaml"), "has no URL", id="it is a link"),
        pytest.param('[submodule "x"]\npath = app/s\nurl = ../s\n', "app/s: .* is relative", id="relative to nothing"),
        pytest.param('[submodule "x"]\npath = ../app/s\nurl = u\n', "has no URL", id="a path that leaves"),
        pytest.param('[submodule "x"]\npath = /app/s\nurl = u\n', "has no URL", id="a path of the machine"),
    ],
)
def test_one_that_nobody_can_bring_is_refused_where_it_is_needed_and_nowhere_else(gitmodules: str, says: str) -> None:
    files = {"app/a.yaml": CM % "a", "app/s": Submodule("c"), ".gitmodules": gitmodules}
    with pytest.raises(RenderFailed, match=says) as refused:
        make_recipe(RECURSE, tree(files), {}, CONTEXT)
    assert refused.value.hint
    assert make_recipe(Source(path="app"), tree(files), {}, CONTEXT).inputs


def test_where_submodules_are_off_they_are_refused_by_name() -> None:
    off = RenderContext(app_name="shop", submodules=False)
    with pytest.raises(RenderFailed, match=r"app/s is a submodule, .* or submodules are not fetched here"):
        make_recipe(RECURSE, tree({"app/s": Submodule("c"), **declared("app/s")}), {}, off)


def test_a_declared_path_that_is_a_folder_is_a_folder() -> None:
    files = {"app/s/b.yaml": CM % "b", **declared("app/s")}
    assert complete(RECURSE, files, {}).keys() == {"app/s/b.yaml"}


def test_a_tree_shows_what_has_been_brought() -> None:
    own = tree({"s": Submodule("c"), "t": Submodule("d"), **declared("s", "t")})
    entry = own.entry("s")
    assert entry is not None
    seen = WithSubmodules(own, {f"base https://h/s.git {entry.oid}": tree({"f": "x"})})
    assert [(each.path, each.mode) for each in seen.children("")] == [
        (".gitmodules", Mode.FILE),
        ("s", Mode.DIRECTORY),
        ("t", Mode.SUBMODULE),
    ]
    file = seen.entry("s/f")
    assert file is not None and (file.path, seen.size(file), seen.read(file)) == ("s/f", 1, b"x")
    assert [each.path for each in seen.walk("s")] == ["s/f"]
    assert seen.entry("s/none") is None
    with pytest.raises(RemotesNeeded, match=r"t is a submodule \(https://h/t\.git\), which is remote"):
        seen.entry("t/f")
