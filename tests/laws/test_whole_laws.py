"""Whatever happens to a file of the repository: an object that the last good commit declared leaves the render only if
the file it was in is there, can be read whole, and does not declare it; or is not there any more."""

import codecs
import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree, Submodule

from trueup.model.application import DirectorySource, Source
from trueup.model.errors import RenderFailed
from trueup.render.continuity import Trees, check_whole
from trueup.render.directory import no_programs, read_directory
from trueup.render.environment import RenderContext
from trueup.render.job import DirectoryJob
from trueup.render.output import Objects
from trueup.render.recipe import make_recipe, read_inputs

SOURCE = Source(path="app", directory=DirectorySource(recurse=True))
CONTEXT = RenderContext(app_name="shop")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
PATHS = ("app/a.yaml", "app/b.yml", "app/c.json", "app/sub/d.yaml")
Files = dict[str, str | bytes]
Fault = Callable[[bytes, int], str | bytes | None]


def rendered(files: Files, before: Files) -> set[str]:
    """Names of the objects that a commit declares, after one that was synced.

    Raises:
        RenderFailed: it is not sure of being whole.
    """
    tree = MemTree(files)
    recipe = make_recipe(SOURCE, tree, {}, CONTEXT)
    objects = Objects()
    read_directory(DirectoryJob(), read_inputs(recipe, tree, {}), objects, no_programs)
    made = objects.finish()
    check_whole(recipe, (*recipe.gaps, *objects.barren), Trees(tree), Trees(MemTree(before)))
    return {manifest.key.name for manifest in made}


def declared(data: bytes) -> set[str]:
    """What a second reader finds in a file that it can read whole.

    Raises:
        ValueError: it cannot, or something in it is no object with a name.
    """
    encodings = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
    text = data.decode(next((name for mark, name in encodings.items() if data.startswith(mark)), "utf-8"))
    try:
        documents = list(yaml.load_all(text, _Strict))
    except yaml.YAMLError as error:
        documents, rest = [], text.strip()
        if not rest.startswith("{"):
            raise ValueError from error
        while rest:
            value, end = json.JSONDecoder().raw_decode(rest)
            documents.append(value)
            rest = rest[end:].strip()
    lists = [document["items"] if "items" in (document or ()) else [document] for document in documents]
    names = {_name(document) for listed in lists for document in listed if document is not None}
    if not names:
        raise ValueError("nothing in it")
    return names


class _Strict(yaml.SafeLoader):
    """Refuses two objects in one, as kubectl does."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if any(keys.count(key) > 1 for key in ("apiVersion", "kind", "metadata")):
            raise ValueError("a key twice")
        return super().construct_mapping(node, deep)


def _name(document: Any) -> str:
    if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion"):
        raise ValueError("no object")
    return str(document["metadata"]["name"])


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


FAULTS: dict[str, Fault] = {
    "cut off": lambda data, n: data[: n % (len(data) + 1)],
    "a mark between documents lost": lambda data, n: data.replace(b"---\n", b"", 1 + n % 2),
    "a mark between documents indented": lambda data, n: data.replace(b"---\n", b"  ---\n", 1 + n % 2),
    "a mark between documents commented out": lambda data, n: data.replace(b"---\n", b"#---\n", 1 + n % 2),
    "the beginning lost": lambda data, n: data[n % (len(data) + 1) :],
    "half of its lines deleted": lambda data, n: b"".join(_lines(data)[: n % (len(_lines(data)) + 1)]),
    "a line deleted": lambda data, n: b"".join(line for at, line in enumerate(_lines(data)) if at != n % 7),
    "a line doubled": lambda data, n: b"".join(line * (1 + (at == n % 7)) for at, line in enumerate(_lines(data))),
    "a byte changed": lambda data, n: data[: n % len(data)] + bytes([n % 256]) + data[n % len(data) + 1 :],
    "its end never written": lambda data, n: data[: n % len(data)].ljust(len(data), b"\0"),
    "saved as UTF-16 with a mark": lambda data, n: codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le"),
    "saved as UTF-16 without a mark": lambda data, n: data.decode().encode("utf-16-be"),
    "half of UTF-16": lambda data, n: (codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le"))[: n % len(data) + 2],
    "saved with another byte order mark": lambda data, n: codecs.BOM_UTF8 + data.replace(b"\n", b"\r\n"),
    "a pointer of Git LFS": lambda data, n: LFS,
    "marks of a conflict": lambda data, n: b"<<<<<<< HEAD\n" + data + b"=======\n" + data[::2] + b">>>>>>> other\n",
    "marks of a conflict around its end": lambda data, n: (
        data[: n % len(data)] + b"\n<<<<<<< HEAD\n" + data[n % len(data) :] + b"=======\n>>>>>>> other\n"
    ),
    "packed": lambda data, n: gzip.compress(data),
    "empty": lambda data, n: b"",
    "blank": lambda data, n: b"\n \n" * (n % 3),
    "a comment": lambda data, n: b"# Copyright.\n",
    "foreign": lambda data, n: (b"replicas: 1\n", b'{"name": "web"}', b"- a\n", b"text\n")[n % 4],
    "JSON after JSON": lambda data, n: b"".join(
        json.dumps(document).encode() + b"\n" for document in yaml.safe_load_all(data.decode())
    ),
    "a link to nothing": lambda data, n: Link("gone"),
    "a submodule": lambda data, n: Submodule("c"),
    "deleted": lambda data, n: None,
}

NAMES = st.lists(st.sampled_from("pqrstuvw"), min_size=1, max_size=3, unique=True)


def _file(path: str, names: list[str]) -> bytes:
    if path.endswith(".json"):
        items = [_object(f"{path[4]}-{name}-name") for name in names]
        value = items[0] if len(items) == 1 else {"apiVersion": "v1", "kind": "List", "items": items}
        return json.dumps(value, indent=1).encode() + b"\n"
    documents = [f"# {name}\n{yaml.safe_dump(_object(f'{path[4]}-{name}-name'), sort_keys=False)}" for name in names]
    return "---\n".join(documents).encode()


def _object(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": "some value"}}


def _repository(names: Mapping[str, list[str]], end: bytes = b"\n") -> Files:
    files = {path: _file(path, chosen).rstrip() + end for path, chosen in names.items()}
    return {**files, "app/values.yaml": b"a: 1\n"}


@given(
    names=st.fixed_dictionaries(dict.fromkeys(PATHS, NAMES)),
    hit=st.sampled_from(PATHS),
    fault=st.sampled_from(sorted(FAULTS)),
    number=st.integers(0, 5000),
    end=st.sampled_from([b"\n", b"", b"\n# The end of it"]),
)
@example(names={path: ["p"] for path in PATHS}, hit="app/a.yaml", fault="cut off", number=18, end=b"\n")
@example(names={path: ["p", "q"] for path in PATHS}, hit="app/a.yaml", fault="cut off", number=107, end=b"")
@example(
    names={path: ["p", "q"] for path in PATHS},
    hit="app/a.yaml",
    fault="a mark between documents lost",
    number=0,
    end=b"",
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_object_leaves_the_render_only_by_a_file_that_was_read_whole(
    names: dict[str, list[str]], hit: str, fault: str, number: int, end: bytes
) -> None:
    before = _repository(names, end)
    assert rendered(before, before) == {f"{path[4]}-{name}-name" for path in PATHS for name in names[path]}
    good = before[hit]
    assert isinstance(good, bytes)
    after = {**before}
    changed = FAULTS[fault](good, number)
    del after[hit]
    if changed is not None:
        after[hit] = changed
    untouched = {f"{path[4]}-{name}-name" for path in PATHS if path != hit for name in names[path]}
    try:
        found = rendered(after, before)
    except RenderFailed as error:
        assert hit in str(error)
        return
    assert untouched <= found
    if changed is None or fault == "a submodule":
        assert found == untouched
    else:
        assert isinstance(changed, bytes), "a link to nothing is no deletion"
        assert found - untouched == declared(changed)
    if fault == "cut off":
        assert isinstance(changed, bytes)
        lost = good[len(changed) :].strip()
        assert (
            len(found) == sum(map(len, names.values())) or lost.startswith(b"---") or changed.strip().endswith(b"---")
        )


@given(number=st.integers(0, 3), fault=st.sampled_from(["a link to nothing", "a submodule", "deleted", "a link"]))
@settings(deadline=None)
def test_a_folder_leaves_the_render_only_when_it_is_deleted(number: int, fault: str) -> None:
    before: Files = {"app/a.yaml": _file("app/a.yaml", ["p"]), "other/x.yaml": b"a: 1\n"}
    before |= {f"app/sub/{name}.yaml": _file("app/sub/d.yaml", [name]) for name in "pqrs"[: number + 1]}
    kept: Files = {path: data for path, data in before.items() if "/sub/" not in path}
    places: dict[str, str] = {
        "a link to nothing": Link("gone"),
        "a submodule": Submodule("c"),
        "a link": Link("../other"),
    }
    if fault in places:
        kept["app/sub"] = places[fault]
    try:
        found = rendered(kept, before)
    except RenderFailed as error:
        assert "app/sub" in str(error)
        return
    assert fault == "deleted" and found == {"a-p-name"}
