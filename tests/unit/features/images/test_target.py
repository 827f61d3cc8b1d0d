"""Where an image goes: the bytes of the value change, and a file that cannot take it is named."""

from typing import Any

import pytest
from tests.support.memtree import MemTree

from kubegrammar.image import Image, parse_image
from trueup.features.images.direct import read_setting, set_images
from trueup.features.images.marked import find_markers, write_markers
from trueup.features.images.rule import ImageRule, TargetKind, Update, WriteBack
from trueup.features.images.target import Editor, WriteBackFailed, write_images
from trueup.model.application import Source
from trueup.model.errors import InvalidSpec

SHA = "sha256:" + "a" * 64


def update(new: str, *, name: str = "", **rule: Any) -> Update:
    image = parse_image(new)
    wanted = Image(name or image.name)
    return Update(rule=ImageRule(alias="web", image=wanted, origin="t", **rule), old=wanted, new=image)


def edited(
    files: dict[str, str], back: WriteBack, *updates: Update, path: str = "app", **source: Any
) -> dict[str, str]:
    editor = Editor(MemTree({name: text.encode() for name, text in files.items()}))
    write_images(editor, Source(path=path, **source), "web", back, updates)
    return {name: data.decode() for name, data in editor.files.items()}


KUSTOMIZATION = WriteBack(target=TargetKind.KUSTOMIZATION)
VALUES = WriteBack(target=TargetKind.HELM_VALUES)
CASES: dict[str, tuple[dict[str, str], WriteBack, Update, dict[str, str]]] = {
    "a tag in a kustomization": (
        {"app/kustomization.yaml": "images: # ours\n  - name: web # keep\n    newTag: '1.0' # me\nr: [a]\n"},
        KUSTOMIZATION,
        update("web:1.1"),
        {"app/kustomization.yaml": "images: # ours\n  - name: web # keep\n    newTag: '1.1' # me\nr: [a]\n"},
    ),
    "a kustomization in another folder": (
        {"base/kustomization.yml": "images:\n- name: web\n  newTag: v1\n"},
        WriteBack(target=TargetKind.KUSTOMIZATION, path="../base"),
        update("web:v2"),
        {"base/kustomization.yml": "images:\n- name: web\n  newTag: v2\n"},
    ),
    "a kustomization that has not named the image": (
        {"app/kustomization.yaml": "resources:\n- a.yaml\n"},
        KUSTOMIZATION,
        update("web:v2"),
        {"app/kustomization.yaml": "resources:\n- a.yaml\nimages:\n- name: web\n  newTag: v2\n"},
    ),
    "an image under another name": (
        {"app/kustomization.yaml": "images:\n- name: web\n  newTag: v1\n"},
        KUSTOMIZATION,
        update("reg:5000/team/web:v2", kustomize_name="web"),
        {"app/kustomization.yaml": "images:\n- name: web\n  newTag: v2\n  newName: reg:5000/team/web\n"},
    ),
    "a digest in a kustomization": (
        {"app/kustomization.yaml": f"images:\n- name: web\n  digest: {SHA.replace('a', 'b')}\n"},
        KUSTOMIZATION,
        update(f"web:v1@{SHA}"),
        {"app/kustomization.yaml": f"images:\n- name: web\n  digest: {SHA}\n"},
    ),
    "Helm values by the usual paths": (
        {"app/values.yaml": "image:\n  name: web\n  tag: 1.0.0 # here\n"},
        VALUES,
        update("web:1.1.0"),
        {"app/values.yaml": "image:\n  name: web\n  tag: 1.1.0 # here\n"},
    ),
    "Helm values by paths of their own": (
        {"app/values.yaml": "web:\n  images:\n  - {t: v1}\n"},
        VALUES,
        update("web:v2", helm_tag="web.images[0].t"),
        {"app/values.yaml": "web:\n  images:\n  - {t: v2}\n"},
    ),
    "a whole image in Helm values": (
        {"envs/prod.yaml": 'a.b: "x"\nspec: web:v1\n'},
        WriteBack(target=TargetKind.HELM_VALUES, path="/envs/prod.yaml"),
        update("web:v2", helm_spec="spec"),
        {"envs/prod.yaml": 'a.b: "x"\nspec: web:v2\n'},
    ),
    "a valuesObject of an Application in Git": (
        {"apps/web.yaml": "spec:\n  source:\n    helm:\n      valuesObject: {image: {tag: v1}} # x\n"},
        WriteBack(target=TargetKind.HELM_VALUES, path="/apps/web.yaml"),
        update("web:v2", helm_tag="spec.source.helm.valuesObject.image.tag"),
        {"apps/web.yaml": "spec:\n  source:\n    helm:\n      valuesObject: {image: {tag: v2}} # x\n"},
    ),
    "a key with dots": (
        {"app/values.yaml": "image.tag: v1\n"},
        VALUES,
        update("web:v2", helm_tag="image.tag"),
        {"app/values.yaml": "image.tag: v2\n"},
    ),
    "an override of a chart": (
        {"app/Chart.yaml": "name: a\n"},
        WriteBack(),
        update("web:1.10", helm_tag="tag"),
        {
            "app/.argocd-source-web.yaml": (
                'helm:\n  parameters:\n  - forceString: true\n    name: tag\n    value: "1.10"\n'
            )
        },
    ),
    "an override of a kustomization that has one": (
        {
            "app/kustomization.yaml": "resources: []\n",
            "app/.argocd-source-web.yaml": "kustomize:\n  images:\n  - other:1\n  - web:v1 # mine\n",
        },
        WriteBack(),
        update("web:v2"),
        {"app/.argocd-source-web.yaml": "kustomize:\n  images:\n  - other:1\n  - web:v2 # mine\n"},
    ),
    "nothing new": (
        {"app/kustomization.yaml": "images:\n- name: web\n  newTag: v2\n"},
        KUSTOMIZATION,
        update("web:v2"),
        {},
    ),
}


@pytest.mark.parametrize("place", CASES)
def test_written(place: str) -> None:
    files, back, wanted, expected = CASES[place]
    assert edited(files, back, wanted) == expected


REFUSED: dict[str, tuple[dict[str, str], WriteBack, Update, str]] = {
    "two entries for one image": (
        {"app/kustomization.yaml": "images:\n- name: web\n- name: docker.io/library/web\n"},
        KUSTOMIZATION,
        update("web:v2"),
        "app/kustomization.yaml: images has 2 entries",
    ),
    "a digest beside the tag": (
        {"app/kustomization.yaml": f"images:\n- name: web\n  newTag: v1\n  digest: {SHA}\n"},
        KUSTOMIZATION,
        update("web:v2"),
        "digest, which wins",
    ),
    "no kustomization": ({"app/a.yaml": "a: 1\n"}, KUSTOMIZATION, update("web:v2"), "app has no kustomization"),
    "no values": ({"app/Chart.yaml": "a: 1\n"}, VALUES, update("web:v2"), "app/values.yaml is not there"),
    "a broken file": ({"app/values.yaml": "a: [\n"}, VALUES, update("web:v2"), "app/values.yaml:1"),
    "images that are no list": (
        {"app/kustomization.yaml": "images: web\n"},
        KUSTOMIZATION,
        update("web:v2"),
        "images is not a list",
    ),
    "a value under an anchor": (
        {"app/values.yaml": "image: {name: &n web, tag: v1}\nother: *n\nagain: {tag: v1}\n"},
        VALUES,
        update("reg/web:v2"),
        "anchor",
    ),
    "a path out of the repository": (
        {"app/values.yaml": "a: 1\n"},
        WriteBack(target=TargetKind.HELM_VALUES, path="../../etc/x"),
        update("web:v2"),
        "leads out",
    ),
    "plain manifests": ({"app/a.yaml": "a: 1\n"}, WriteBack(), update("web:v2"), "neither a kustomization nor a chart"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str) -> None:
    files, back, wanted, why = REFUSED[rule]
    with pytest.raises(WriteBackFailed, match=why) as caught:
        edited(files, back, wanted)
    assert caught.value.hint


MARKED = """\
# the web
image: reg:5000/web:v1 # {"$imagepolicy": "f:web"}
tag: 'v1' # {"$imagepolicy": "f:web:tag"}
name: reg:5000/web # {"$imagepolicy": "f:web:name"}
other: v1 # {"$imagepolicy": "f:other:tag"}
"""


def test_marked_fields_get_their_part() -> None:
    editor = Editor(MemTree({"app/d.yaml": MARKED.encode(), "app/e.yaml": b"tag: v1\n", "z/f.yaml": MARKED.encode()}))
    assert find_markers(editor, "app") == ({("f", "web"), ("f", "other")}, [])
    write_markers(editor, "app", {("f", "web"): parse_image("reg:5000/web:v2")})
    assert editor.files == {"app/d.yaml": MARKED.replace("web:v1", "web:v2").replace("'v1'", "'v2'").encode()}
    assert [change.place for change in editor.changes] == ["app/d.yaml:2 image", "app/d.yaml:3 tag"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('a: v1 # {"$imagepolicy": "web"}\n', "app/d.yaml:1: the marker is broken"),
        ('a: {  # {"$imagepolicy": "f:web"}\n', "app/d.yaml"),
        ('a: v1 # {"$imagepolicy": "f:web:digest"}\n', "asks for a digest"),
        ('a: |  \n  x # {"$imagepolicy": "f:web"}\nb: v1 # {"$imagepolicy": "oops"}\n', "app/d.yaml:3"),
    ],
)
def test_a_broken_marker_is_named_with_its_line(text: str, why: str) -> None:
    editor = Editor(MemTree({"app/d.yaml": text.encode()}))
    with pytest.raises(WriteBackFailed, match=why):
        write_markers(editor, "app", {("f", "web"): parse_image("web:v2")})
    assert editor.files == {}


DIRECT: dict[str, tuple[dict[str, str], str, dict[str, str]]] = {
    "a kustomization": (
        {"app/kustomization.yaml": "images:\n- name: web\n  newTag: v1\n"},
        "web=reg:5000/web:v2",
        {"app/kustomization.yaml": "images:\n- name: web\n  newTag: v2\n  newName: reg:5000/web\n"},
    ),
    "a plain manifest": (
        {"app/d.yaml": "spec:\n  containers:\n  - image: web:v1 # x\n  - image: sidecar:v1\n"},
        "web=:v2",
        {"app/d.yaml": "spec:\n  containers:\n  - image: web:v2 # x\n  - image: sidecar:v1\n"},
    ),
    "a chart's values": (
        {"app/Chart.yaml": "name: a\n", "app/values.yaml": "image:\n  repository: reg/web\n  tag: v1\n"},
        "reg/web:v2",
        {"app/values.yaml": "image:\n  repository: reg/web\n  tag: v2\n"},
    ),
}


@pytest.mark.parametrize("place", DIRECT)
def test_set_by_a_pipeline(place: str) -> None:
    files, setting, expected = DIRECT[place]
    editor = Editor(MemTree({name: text.encode() for name, text in files.items()}))
    set_images(editor, "app", [read_setting(setting)], helm_keys=(), every=False)
    assert {name: data.decode() for name, data in editor.files.items()} == expected


def test_two_candidates_are_named_and_changed_only_when_asked() -> None:
    files = {"app/a.yaml": b"image: web:v1\n", "app/b.yaml": b"- image: web:v1\n- image: web:v0\n"}
    with pytest.raises(WriteBackFailed, match=r"3 fields.*app/a\.yaml:1, app/b\.yaml:1, app/b\.yaml:2.*--every"):
        set_images(Editor(MemTree(files)), "app", [read_setting("web=:v2")], helm_keys=(), every=False)
    editor = Editor(MemTree(files))
    set_images(editor, "app", [read_setting("web=:v2")], helm_keys=(), every=True)
    assert editor.files == {"app/a.yaml": b"image: web:v2\n", "app/b.yaml": b"- image: web:v2\n- image: web:v2\n"}


def test_no_candidate_is_an_error_with_a_remedy() -> None:
    with pytest.raises(WriteBackFailed, match="no file below app names the image"):
        set_images(
            Editor(MemTree({"app/a.yaml": b"image: other:v1\n"})),
            "app",
            [read_setting("web:v2")],
            helm_keys=(),
            every=False,
        )


@pytest.mark.parametrize("text", ["", "web", "web=", "web=Web:1", "=web:1", "web=reg:5000/web"])
def test_a_setting_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec, match="--image"):
        read_setting(text)
