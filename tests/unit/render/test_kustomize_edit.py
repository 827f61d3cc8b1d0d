"""``kustomize edit`` on the document."""

from typing import Any

import pytest
from tests.support.memtree import MemTree

from kubegrammar import yaml
from trueup.model.application import KustomizePatch, KustomizePatchTarget, KustomizeReplica, KustomizeSource, Source
from trueup.model.errors import RenderFailed
from trueup.render.job import KustomizeJob
from trueup.render.recipe import RenderContext, make_recipe

CONTEXT = RenderContext(app_name="shop", namespace="prod")


def edited(document: str, options: KustomizeSource) -> Any:
    tree = MemTree({"a/kustomization.yaml": document, "c/kustomization.yaml": "kind: Component"})
    made = make_recipe(Source(path="a", kustomize=options), tree, {}, CONTEXT)
    assert isinstance(made.job, KustomizeJob)
    return yaml.load(made.job.written["a/kustomization.yaml"].encode(), "written")


@pytest.mark.parametrize(
    ("document", "options", "expected"),
    [
        pytest.param(
            "namePrefix: a-", KustomizeSource(name_prefix="b-"), {"namePrefix": "b-"}, id="a prefix replaces the file's"
        ),
        pytest.param("", KustomizeSource(name_suffix="-b"), {"nameSuffix": "-b"}, id="a suffix"),
        pytest.param(
            "namespace: x", KustomizeSource(namespace="y"), {"namespace": "y"}, id="a namespace replaces the file's"
        ),
        pytest.param(
            "", KustomizeSource(images=["a:1"]), {"images": [{"name": "a", "newTag": "1"}]}, id="an image's tag"
        ),
        pytest.param(
            "",
            KustomizeSource(images=["a@sha256:0"]),
            {"images": [{"name": "a", "digest": "sha256:0"}]},
            id="an image's digest",
        ),
        pytest.param(
            "",
            KustomizeSource(images=["a=r:5000/b:1"]),
            {"images": [{"name": "a", "newName": "r:5000/b", "newTag": "1"}]},
            id="an image's name and tag",
        ),
        pytest.param(
            "",
            KustomizeSource(images=["a=r:5000/b"]),
            {"images": [{"name": "a", "newName": "r:5000/b"}]},
            id="an image's name, the registry has a port",
        ),
        pytest.param(
            "images: [{name: b, newTag: '0'}, {name: a, newName: new, newTag: '0'}]",
            KustomizeSource(images=["a=*:2"]),
            {"images": [{"name": "a", "newName": "new", "newTag": "2"}, {"name": "b", "newTag": "0"}]},
            id="a star keeps the file's name; the other images stay; sorted",
        ),
        pytest.param(
            "replicas: [{name: x, count: 1}, {name: z, count: 1}]",
            KustomizeSource(replicas=[KustomizeReplica(name="x", count="3")]),
            {"replicas": [{"name": "x", "count": 3}, {"name": "z", "count": 1}]},
            id="replicas of one name replace",
        ),
        pytest.param("", KustomizeSource(common_labels={"a": "b"}), {"commonLabels": {"a": "b"}}, id="labels"),
        pytest.param(
            "commonLabels: {a: x, z: z}",
            KustomizeSource(common_labels={"a": "b"}, force_common_labels=True),
            {"commonLabels": {"a": "b", "z": "z"}},
            id="forced labels replace",
        ),
        pytest.param(
            "",
            KustomizeSource(common_labels={"a": "b"}, label_without_selector=True),
            {"labels": [{"pairs": {"a": "b"}, "includeSelectors": False, "includeTemplates": False}]},
            id="labels without selectors",
        ),
        pytest.param(
            "labels: [{pairs: {z: z}, includeTemplates: true}]",
            KustomizeSource(common_labels={"a": "b"}, label_without_selector=True, label_include_templates=True),
            {"labels": [{"pairs": {"z": "z", "a": "b"}, "includeTemplates": True}]},
            id="labels in templates join the entry of that kind",
        ),
        pytest.param(
            "",
            KustomizeSource(common_annotations={"a": "$ARGOCD_APP_NAME"}),
            {"commonAnnotations": {"a": "$ARGOCD_APP_NAME"}},
            id="annotations stay as written",
        ),
        pytest.param(
            "",
            KustomizeSource(common_annotations={"a": "$ARGOCD_APP_NAME/$$/$NOPE."}, common_annotations_envsubst=True),
            {"commonAnnotations": {"a": "shop/$/."}},
            id="annotations with variables, when asked",
        ),
        pytest.param(
            "patches: [{patch: x}]",
            KustomizeSource(patches=[KustomizePatch(patch="y", target=KustomizePatchTarget(kind="Deployment"))]),
            {"patches": [{"patch": "x"}, {"patch": "y", "target": {"kind": "Deployment"}}]},
            id="patches come after the file's",
        ),
        pytest.param("", KustomizeSource(components=["../c"]), {"components": ["../c"]}, id="components"),
        pytest.param(
            "components: [../c]", KustomizeSource(components=["../c"]), {"components": ["../c"]}, id="a component once"
        ),
        pytest.param(
            "",
            KustomizeSource(components=["../gone", "../c"], ignore_missing_components=True),
            {"components": ["../c"]},
            id="missing components left out, when asked",
        ),
    ],
)
def test_edit(document: str, options: KustomizeSource, expected: dict[str, Any]) -> None:
    assert edited(document, options) == expected


@pytest.mark.parametrize(
    ("document", "options", "says"),
    [
        pytest.param(
            "commonLabels: {a: x}",
            KustomizeSource(common_labels={"a": "b"}),
            "label a already in kustomization",
            id="a label twice",
        ),
        pytest.param(
            "commonAnnotations: {a: x}",
            KustomizeSource(common_annotations={"a": "b"}),
            "annotation a already in",
            id="an annotation twice",
        ),
        pytest.param(
            "",
            KustomizeSource(images=["nginx"]),
            "'nginx' sets neither name, tag nor digest",
            id="an image that sets nothing",
        ),
        pytest.param(
            "",
            KustomizeSource(replicas=[KustomizeReplica(name="x", count="many")]),
            "whole number, got 'many'",
            id="replicas by word",
        ),
        pytest.param(
            "",
            KustomizeSource(common_labels={"a": "b"}, label_include_templates=True),
            "needs labelWithoutSelector",
            id="templates with selectors",
        ),
        pytest.param(
            "",
            KustomizeSource(components=["../gone"]),
            r"components\[0\] '../gone': no such file",
            id="a missing component",
        ),
        pytest.param("", KustomizeSource(components=["../../x"]), "outside repository root", id="a component outside"),
        pytest.param(
            "", KustomizeSource(patches=[KustomizePatch(path="gone.yaml")]), "no such file", id="a missing patch"
        ),
        pytest.param("images: x", KustomizeSource(images=["a:1"]), "images must be a list", id="a file of wrong type"),
    ],
)
def test_edit_refuses(document: str, options: KustomizeSource, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        edited(document, options)
