"""The index of a Helm repository: what Helm takes is taken, and what it passes over is passed over."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest
from tests.support import helmpull
from tests.support.helmrepo import helm_repo

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing, find, find_all, index_url

VERSIONS = ("1.0.0", "1.10.0", "1.2.0", "v1.3.0", "2.0.0-beta.1", "2.0.0-beta.11", "0.9.0", "1.2.0+build.7", "1.2")
WANTED = (
    *("", "1.0.0", "v1.0.0", "1.3.0", "v1.3.0", "1", "1.x", "^1.2", "~1.2", ">1.2.0 <1.10", "*", ">=2", ">=2.0.0-0"),
    *("2.0.0-beta.11", "<1 || >1.9", "1.2", "1.2.0+build.7", "3", "latest", "1.0.0 - 1.5", "!=1.10.0", ">0-0"),
)


async def test_the_version_is_the_one_that_helm_takes(tmp_path: Path) -> None:
    async with helm_repo() as repo:
        for version in VERSIONS:
            repo.add("web", version)
        bad = {"name": "", "version": "7.0.0", "urls": ["no"]}, {"name": "web", "version": "x", "urls": ["no"]}
        repo.index["web"] += [*bad, {"name": "web", "version": "8.0.0", "type": "odd", "urls": ["no"]}]
        charts = [ChartOf(repo.url, "web", version) for version in WANTED]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, helmpull.__file__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        out, _ = await process.communicate(
            json.dumps([[repo.url, each.name, each.version] for each in charts]).encode()
        )
        ours = [find(repo.index, chart) for chart in charts]
        taken = [each.url.rpartition("/")[2] if isinstance(each, Found) else "" for each in ours]
        assert dict(zip(WANTED, taken, strict=True)) == dict(zip(WANTED, json.loads(out), strict=True))
        assert sum(map(bool, taken)) > 15 and len(set(taken)) > 7


@pytest.mark.parametrize(
    ("repository", "url", "whole"),
    [
        ("https://h/a", "x.tgz", "https://h/a/x.tgz"),
        ("https://h/a/", "charts/x.tgz", "https://h/a/charts/x.tgz"),
        ("https://h", "x.tgz", "https://h/x.tgz"),
        ("https://h/a", "/x.tgz", "https://h/x.tgz"),
        ("https://h/a?k=v", "x.tgz?w=1", "https://h/a/x.tgz?k=v"),
        ("https://h/a", "https://o/x.tgz?w=1", "https://o/x.tgz?w=1"),
        ("https://h/a", "//o/x.tgz", "https://o/x.tgz"),
        ("https://h/a/b", "../x.tgz", "https://h/a/x.tgz"),
    ],
)
def test_where_an_archive_lies(repository: str, url: str, whole: str) -> None:
    entries = {"web": [{"name": "web", "version": "1.0.0", "urls": [url], "digest": "sha256:AB"}]}
    assert find(entries, ChartOf(repository, "web")) == Found("1.0.0", whole, "ab")


def test_an_index_lies_below_its_repository() -> None:
    assert (
        index_url("https://h/a/?k=v") == "https://h/a/index.yaml?k=v"
        and index_url("https://h") == "https://h/index.yaml"
    )


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("webs", "", "no chart of this name.*it has web"),
        ("cake", "", "no chart of this name.*correct name, or repo$"),
        ("web", "2", "no such version.*1.1.0, 1.0.0$"),
        ("odd", "", "no URL"),
        ("image", "", "has version 1.0.0 at oci://, and HTTP alone.*helm pull"),
        ("bare", "", "no URL"),
        ("text", "", "no chart of this name"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(name: str, version: str, says: str) -> None:
    entries = {
        "web": [{"name": "web", "version": each, "urls": ["x"]} for each in ("1.0.0", "1.1.0")],
        "odd": [{"name": "odd", "version": "1.0.0", "urls": ["http://[x"]}],
        "image": [{"name": "image", "version": "1.0.0", "urls": ["oci://h/image:1.0.0"]}],
        "bare": [{"name": "bare", "version": "1.0.0"}],
        "text": "x",
    }
    found = find(entries, ChartOf("https://user:secret@h/a", name, version))
    assert isinstance(found, Missing)
    message = f"{found.message}: {found.hint}"
    assert re.search(says, message) and "secret" not in message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>", "is no index of a Helm repository"),
        (b"entries: {}", "has no apiVersion"),
        (b"a: [", "the index of the Helm repository: "),
        (b"[" * 100_000, "the index of the Helm repository: "),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)),
            "the index of",
        ),
        (b" " * (MAX_INDEX + 1), "the index of the Helm repository: "),
    ],
)
def test_what_is_no_index_is_refused_by_its_url(data: bytes, says: str) -> None:
    with pytest.raises(RenderFailed, match=says) as caught:
        find_all(data, [ChartOf("https://h/a", "web")])
    assert "https://h/a/index.yaml" in caught.value.message


def test_json_is_an_index_too() -> None:
    entry = {"name": "web", "version": "1.0.0", "urls": ["x"]}
    for data in (json.dumps, yaml.dump):
        index = data({"apiVersion": "v1", "entries": {"web": [entry]}}).encode()
        assert find_all(index, [ChartOf("https://h", "web")]) == [Found("1.0.0", "https://h/x")]
