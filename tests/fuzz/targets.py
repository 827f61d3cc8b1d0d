"""What is fuzzed: each target takes any bytes, swallows the errors that are right, and fails on what must not be.

A target is the same for the coverage-guided fuzzer (``make fuzz``) and for the tests, which replay its seeds and what a
fixed generator makes of them.
"""

import json
import posixpath
from collections.abc import Callable, Mapping
from typing import Any
from unicodedata import category

from tests.support.memtree import Link, MemTree

from kubegrammar import yaml
from kubegrammar.image import parse_image
from kubegrammar.json_patch import JsonPatchError as JsonPatchError
from kubegrammar.json_patch import apply_json_patch
from kubegrammar.merge import Merging, PatchError, strategic_merge, three_way
from kubegrammar.patch import equal, merge_diff, merge_patch
from kubegrammar.redact import redact
from pocketkube.cluster.catalog import type_of
from trueup.model.application import HelmSource, KustomizeSource, Source
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.render import strvals
from trueup.render.closure import files_below, follow
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.sources.url import admit

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.30.1")
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
CANARY = "c4n4ry"
MOST_GROWTH = 4_000_000
"""Bytes of JSON that a small YAML text may become."""


def yaml_reader(data: bytes) -> None:
    """Only JSON comes out, and not boundlessly more than went in."""
    try:
        loaded = yaml.load_all(data, "f.yaml")
    except yaml.YamlError as error:
        assert len(str(error)) < 2000
        return
    size = 0
    for document in loaded.documents:
        size += len(json.dumps(document.value, allow_nan=False))
    assert size <= MOST_GROWTH + 20 * len(data)


def tree_walk(data: bytes) -> None:
    """Whatever the links, nothing outside the tree is found, and the walk ends."""
    names = [b"a", b"b", b"s", b"..", b".", b"c.yaml", b"", b"/"]
    files: dict[str, str | bytes] = {}
    for line in data.split(b"\n")[:24]:
        start, arrow, target = line.partition(b">")
        text = "/".join(names[byte % 4 if byte < 128 else 5].decode() for byte in start[:5])
        parts = [part for part in text.split("/") if part not in ("", ".", "..")]
        if not parts:
            continue
        place = "/".join(parts)
        if any(known == place or known.startswith(f"{place}/") or place.startswith(f"{known}/") for known in files):
            continue
        link = "/".join(names[byte % len(names)].decode() for byte in target[:6])
        files[place] = Link(link or "a") if arrow else HEAD
    tree = MemTree(files)
    for path in [*files, "a/b", "s/../a", "a/s/c.yaml"]:
        try:
            located = follow(tree, posixpath.normpath(path), "path")
            found = [name for name, _ in files_below(tree, posixpath.normpath(path), "path")] if located else []
        except TrueupError:
            continue
        if located is not None:
            assert tree.entry(located.path) is not None or located.path == ""
        assert not any(name.startswith(("/", "../")) or "/../" in name for name in found)


def recipe_making(data: bytes) -> None:
    """A kustomization, values and an override of any bytes: only files of the tree are inputs."""
    parts = data.split(b"\0", 2)
    secret = {"secret/s.yaml": CANARY.encode()}
    charts = {"app/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 1.0.0\n", "app/templates/c.yaml": HEAD.encode()}
    plain: Mapping[str, bytes] = {"app/c.yaml": HEAD.encode(), "base/kustomization.yaml": b"resources: [c.yaml]\n"}
    override = {"app/.argocd-source.yaml": parts[1]} if len(parts) > 1 else {}
    text = parts[0].decode(errors="replace")
    for files, source in (
        ({**plain, **override, "app/kustomization.yaml": parts[0]}, Source(path="app")),
        ({**plain, "app/kustomization.yaml": b"{}"}, Source(path="app", kustomize=KustomizeSource(components=[text]))),
        ({**charts, **override}, Source(path="app", helm=HelmSource(value_files=[text, "v.yaml"], values=text))),
        (plain, Source(path=text or ".")),
    ):
        tree = MemTree({**files, **secret})
        try:
            made = make_recipe(source, tree, {}, CONTEXT)
        except TrueupError as error:
            assert CANARY not in str(error)
            continue
        for file in made.inputs:
            assert tree.entry(file.entry.path) is not None
            assert not file.path.startswith(("/", "../")) and "/../" not in file.path
        read_inputs(made, tree, {})


def helm_settings(data: bytes) -> None:
    """``--set`` of any text: an error, or values that are no larger than the limits let them be."""
    for strings in (False, True):
        values: dict[str, Any] = {"a": {"b": [1]}, "c": "d"}
        try:
            strvals.parse_into(data.decode(errors="replace"), values, strings=strings)
        except strvals.StrvalsError:
            continue
        assert len(json.dumps(values)) < 10 * (strvals.MAX_INDEX + 1) * (1 + data.count(b"["))


def urls(data: bytes) -> None:
    """A URL is refused, or git is given no option, no control character and no password; nobody is shown one."""
    text = data.decode(errors="replace")
    secret = f"https://u:{CANARY}@{text}"
    for url in (text, secret):
        try:
            remote = admit(url, ())
        except InvalidSpec as error:
            assert CANARY not in str(error)
            continue
        assert not remote.address.startswith("-") and not any(category(char) == "Cc" for char in remote.address)
        assert CANARY not in remote.address + remote.shown + repr(remote)
    assert CANARY not in redact(secret)
    masked = redact(text)
    assert redact(masked) == masked


def patches(data: bytes) -> None:
    """Patches of any JSON: an error, or the law of each."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return
    document, change = (found[0], found[1]) if isinstance(found, list) and len(found) > 1 else (found, found)
    merge_patch(document, change)
    if isinstance(document, dict) and isinstance(change, dict):
        wanted = merge_patch({}, change)
        assert equal(merge_patch(document, merge_diff(document, wanted)), wanted)
        for type_ in (type_of("v1", "Pod"), type_of("apps/v1", "Deployment")):
            try:
                strategic_merge(document, change, type_)
                three_way((), change, document, Merging(type_, strategic=True))
            except (PatchError, ValueError):
                continue
    if isinstance(change, list):
        try:
            apply_json_patch(json.loads(json.dumps(document)), change)
        except JsonPatchError:
            return


def image_references(data: bytes) -> None:
    """A name is refused, or its parts make the same name again."""
    try:
        image = parse_image(data.decode(errors="replace"))
    except ValueError as error:
        assert len(str(error)) <= 1024
        return
    assert parse_image(str(image)) == image
    assert image.registry and image.repository and str(image).isprintable()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "yaml": yaml_reader,
    "tree": tree_walk,
    "recipe": recipe_making,
    "strvals": helm_settings,
    "urls": urls,
    "patches": patches,
    "images": image_references,
}
