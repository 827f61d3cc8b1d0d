"""What kustomizations name elsewhere: told apart as kustomize does, laid out, and in the key by its content."""

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.memtree import MemTree

from kubegrammar import yaml
from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.render.environment import RenderContext
from trueup.render.job import KustomizeJob, Recipe
from trueup.render.recipe import make_recipe
from trueup.render.remote import MAX_REMOTES, Base, OneFile, RemotesNeeded, is_meant, parse_base, remote_of

CONTEXT = RenderContext(app_name="shop")
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
BASE = Base("https://h/org/repo", "deploy", "v1")
URL = "https://h/org/repo//deploy?ref=v1"
RECORDED = Path(__file__).parents[2] / "golden" / "kustomize" / "bases.jsonl"
"""What ``NewRepoSpecFromURL`` of kustomize's API 0.21.1 makes of texts: repository, folder, ref; null for no base."""


def test_bases_are_those_of_kustomize() -> None:
    for line in RECORDED.read_text().splitlines():
        row = json.loads(line)
        text, recorded = row["text"], row["base"]
        base = parse_base(text)
        path = posixpath.normpath(recorded[1]).lstrip("/") if recorded else ""
        expected = Base(recorded[0], "" if path == "." else path, recorded[2]) if recorded else None
        assert base == expected, text


@pytest.mark.parametrize(
    ("text", "file", "base"),
    [
        ("https://h/org/repo//deploy?ref=v1", False, True),
        ("https://h/org/repo.git", False, True),
        ("https://h/org/repo", True, True),
        ("https://h/org/repo?ref=v1", False, True),
        ("https://raw.githubusercontent.com/org/.github/main/a.yaml", True, True),
        ("https://h/a.yaml", True, False),
        ("http://h/org/files/x.yml?token=1", True, True),
        ("git@h:org/repo.git", False, True),
        ("github.com/org/repo/path", False, True),
    ],
)
def test_what_a_text_may_be(text: str, file: bool, base: bool) -> None:
    remote = remote_of(text, "k", directory=True)
    assert remote is not None
    assert (remote.file, remote.base is not None) == (file, base)


@pytest.mark.parametrize("text", ["../base", "a.yaml", "a:b", "a\nhttps://h/x", "/https://h/a/b", "", "x://h/a/b"])
def test_a_path_is_none(text: str) -> None:
    assert remote_of(text, "k", directory=True) is None


@pytest.mark.parametrize(
    ("text", "content", "meant"),
    [
        ("https://h/a/b", CM, True),
        ("https://h/a/b", f"<html>{CM}", False),
        ("https://h/a/b", "hello", False),
        ("https://h/a/b.yaml", "hello", True),
    ],
)
def test_a_page_is_no_file(text: str, content: str, meant: bool) -> None:
    remote = remote_of(text, "k", directory=True)
    assert remote is not None and is_meant(remote, content.encode()) is meant


def recipe(kustomization: str, refs: Mapping[str, MemTree | OneFile] | None = None) -> Recipe:
    tree = MemTree({"app/kustomization.yaml": kustomization, "app/own.yaml": CM})
    return make_recipe(Source(path="app"), tree, refs or {}, CONTEXT)


def tree(text: str = CM, revision: str = "b" * 40, **more: str) -> MemTree:
    files = {"deploy/kustomization.yaml": "resources: [cm.yaml]\n", "deploy/cm.yaml": text, **more}
    return MemTree(files, revision)


def test_what_is_missing_is_told_all_at_once_with_its_fields() -> None:
    with pytest.raises(
        RemotesNeeded, match=r"resources\[0\].*is remote, and not fetched here \(and 1 more\)"
    ) as caught:
        recipe(f"resources: ['{URL}', own.yaml]\npatches: [{{path: https://h/p}}]\n")
    assert [remote.where for remote in caught.value.remotes] == [
        "app/kustomization.yaml: resources[0]",
        "app/kustomization.yaml: patches[0].path",
    ]


def test_bases_and_files_are_laid_out_and_named_where_they_are() -> None:
    text = f"resources: ['{URL}', own.yaml]\nconfigMapGenerator: [{{name: g, files: ['https://h/c.ini?x']}}]\n"
    made = recipe(text, {BASE.name: tree(), "file https://h/c.ini?x": OneFile(b"x")})
    assert isinstance(made.job, KustomizeJob) and made.job.contained
    document = yaml.load(made.job.written["app/kustomization.yaml"].encode(), "k")
    base, own = document["resources"]
    key, _, file = document["configMapGenerator"][0]["files"][0].partition("=")
    assert (own, key) == ("own.yaml", "c.ini?x")
    laid = {each.path: each.ref for each in made.inputs}
    assert laid[posixpath.normpath(f"app/{base}/cm.yaml")] == BASE.name
    assert laid[f"app/{file}"] == "file https://h/c.ini?x"


def test_the_key_follows_what_is_read_elsewhere_and_not_its_commit() -> None:
    def key(elsewhere: MemTree) -> str:
        return recipe(f"resources: ['{URL}']", {BASE.name: elsewhere}).key

    assert key(tree()) == key(tree(revision="c" * 40, **{"other": "x"}))
    assert key(tree()) != key(tree(text=CM.replace("name: a", "name: b")))


def test_an_error_in_a_base_names_it_without_its_password() -> None:
    base = Base("https://me:s3cret@h/org/repo", "deploy", "v1")
    text = "resources: ['https://me:s3cret@h/org/repo//deploy?ref=v1']"
    with pytest.raises(RenderFailed, match=r"h/org/repo\?ref=v1 deploy/kustomization.yaml: .*'cm.yaml'") as caught:
        recipe(text, {base.name: MemTree({"deploy/kustomization.yaml": "resources: [cm.yaml]"})})
    assert "s3cret" not in str(caught.value)


def test_the_number_of_places_has_an_end() -> None:
    listed = ", ".join(f"'https://h/{number}.yaml'" for number in range(MAX_REMOTES + 1))
    with pytest.raises(RenderFailed, match="more than 64 bases, files and charts elsewhere"):
        recipe(f"resources: [{listed}]")
