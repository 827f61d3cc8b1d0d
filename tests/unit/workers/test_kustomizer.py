"""Our own builder of kustomizations says what kubectl says, byte by byte, of outcomes and of errors."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.memtree import Link, MemTree
from tools.kustomize.build import build as built

from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.render.job import KustomizeJob
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.kustomize import KustomizeBuild, ToolOutcome, by_kubectl, in_process
from trueup.workers.kustomizer import Kustomizer, KustomizerEnded, Layout

CONTEXT = RenderContext(app_name="shop", namespace="prod")
WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {note: n}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "nginx:1", env: [{name: A, value: b}], envFrom: [{configMapRef: {name: settings}}]}
        - {name: side, image: side@sha256:aaaa}
      volumes: [{name: v, configMap: {name: settings}}, {name: s, secret: {secretName: keys}}]
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
CUSTOM = (
    "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {image: nginx:1, ref: {name: settings}}\n"
)
ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default, namespace: old}]
"""
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def overlay(text: str, **more: str) -> dict[str, str]:
    """An overlay beside a base of four objects."""
    return {
        "app/kustomization.yaml": f"resources: [../base]\n{text}",
        "base/kustomization.yaml": "resources: [web.yaml, service.yaml, map.yaml, custom.yaml, role.yaml]\n",
        "base/web.yaml": WEB,
        "base/service.yaml": SERVICE,
        "base/map.yaml": MAP,
        "base/custom.yaml": CUSTOM,
        "base/role.yaml": ROLE,
        **{f"app/{name}": content for name, content in more.items()},
    }


def alone(text: str, **more: str) -> dict[str, str]:
    return {"app/kustomization.yaml": text, **{f"app/{name}": content for name, content in more.items()}}


CASES: dict[str, dict[str, str]] = {
    "nothing but a base": overlay(""),
    "prefix and suffix": overlay("namePrefix: p-\nnameSuffix: -s\n"),
    "a namespace": overlay("namespace: other\n"),
    "common labels": overlay("commonLabels: {team: t}\n"),
    "labels without selectors": overlay("labels: [{pairs: {team: t}, includeTemplates: true}]\n"),
    "labels with selectors": overlay("labels: [{pairs: {team: t}, includeSelectors: true}]\n"),
    "labels of fields": overlay(
        "labels: [{pairs: {x: z}, fields: [{path: spec/labels, kind: Thing, create: true}]}]\n"
    ),
    "common annotations": overlay("commonAnnotations: {team: t}\n"),
    "images by tag, name and digest": overlay(
        "images: [{name: nginx, newName: registry:5000/nginx, newTag: '2'}, {name: side, digest: sha256:bbbb}]\n"
    ),
    "an image's tag suffix": overlay("images: [{name: nginx, tagSuffix: -alpine}]\n"),
    "replicas": overlay("replicas: [{name: web, count: 4}]\n"),
    "a strategic merge patch": overlay(
        "patches: [{path: p.yaml}]\n",
        **{
            "p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
            "spec: {template: {spec: {containers: "
            "[{name: web, env: [{name: B, value: c}]}, {name: side, $patch: delete}]}}}\n"
        },
    ),
    "a JSON patch inline": overlay(
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 3}\n"
    ),
    "a patch by label and annotation": overlay(
        "patches:\n- target: {labelSelector: app=web, annotationSelector: note=n}\n  patch: |-\n"
        "    - {op: add, path: /metadata/labels/x, value: y}\n"
    ),
    "a patch by a pattern of names": overlay(
        "patches:\n- target: {name: 'w.*', kind: Service}\n  patch: |-\n    - {op: remove, path: /spec/ports}\n"
    ),
    "a patch that deletes": overlay(
        "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: web}, $patch: delete}'}]\n"
    ),
    "a patch that renames": overlay(
        "patches:\n- target: {kind: Service}\n  options: {allowNameChange: true}\n  patch: |-\n"
        "    - {op: replace, path: /metadata/name, value: other}\n"
    ),
    "a JSON patch of a file": overlay(
        "patches: [{path: p.json, target: {kind: Deployment}}]\n",
        **{
            "p.json": '[{"op": "test", "path": "/spec/replicas", "value": 1}, '
            '{"op": "add", "path": "/spec/paused", "value": true}]'
        },
    ),
    "patches in the former words": overlay(
        "patchesStrategicMerge: [p.yaml]\n"
        "patchesJson6902: [{target: {version: v1, kind: Service, name: web}, path: j.yaml}]\n",
        **{
            "p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}\n",
            "j.yaml": "- {op: add, path: /metadata/labels, value: {a: b}}\n",
        },
    ),
    "a custom kind's list is replaced": overlay(
        "patches: [{patch: '{apiVersion: example.com/v1, kind: Thing, metadata: {name: web}, spec: {list: [1]}}'}]\n"
    ),
    "a config map of literals, files and variables": overlay(
        "configMapGenerator: [{name: settings, behavior: merge, literals: [x=y, \"q='1'\"], "
        "files: [f.txt, k=f.txt], envs: [e.env]}]\n",
        **{"f.txt": "text\n\n", "e.env": "# c\nA=1\nB=two words\n"},
    ),
    "a config map replaced": overlay("configMapGenerator: [{name: settings, behavior: replace, literals: [x=y]}]\n"),
    "a secret": alone("secretGenerator: [{name: keys, type: Opaque, literals: [p=q], files: [b]}]\n", b="\x01\x02"),
    "a binary file": alone("configMapGenerator: [{name: c, files: [b]}]\n", b="\u00ff\x00"),
    "options of generators": alone(
        "generatorOptions: {disableNameSuffixHash: true, labels: {a: b}, annotations: {c: d}, immutable: true}\n"
        "configMapGenerator: [{name: c, literals: [a=b]}, {name: d, literals: [a=b], options: {labels: {e: f}}}]\n"
    ),
    "names of generated maps are followed": overlay(
        "namePrefix: p-\nconfigMapGenerator: [{name: settings, behavior: merge, literals: [x=y]}]\n"
        "secretGenerator: [{name: keys, literals: [a=b]}]\n"
    ),
    "a replacement of a field": overlay(
        "replacements: [{source: {kind: ConfigMap, fieldPath: data.a}, targets: [{select: {kind: Deployment}, "
        "fieldPaths: ['spec.template.spec.containers.[name=web].env.[name=A].value']}]}]\n"
    ),
    "a replacement of a part, in a file": overlay(
        "replacements: [{path: r.yaml}]\n",
        **{
            "r.yaml": "source: {kind: Service, fieldPath: metadata.name}\ntargets:\n- select: {kind: Thing}\n"
            "  fieldPaths: [spec.image]\n  options: {delimiter: ':', index: 0}\n"
        },
    ),
    "a replacement that makes its field": overlay(
        "replacements: [{source: {kind: Service, fieldPath: spec.ports}, targets: [{select: {kind: Thing}, "
        "fieldPaths: [spec.ports], options: {create: true}}]}]\n"
    ),
    "variables in the former words": overlay(
        "vars: [{name: NAME, objref: {apiVersion: v1, kind: Service, name: web}}]\n"
        "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: "
        '{containers: [{name: web, args: ["$(NAME)"]}]}}}}\'}]\n'
    ),
    "a component": {
        **overlay("components: [../component]\n"),
        "component/kustomization.yaml": COMPONENT + "nameSuffix: -c\npatches: [{path: p.yaml}]\n",
        "component/p.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n",
    },
    "two bases, one below the other": {
        **overlay("namespace: n\n"),
        "app/kustomization.yaml": "resources: [../middle, own.yaml]\nnamePrefix: a-\n",
        "app/own.yaml": MAP.replace("settings", "own"),
        "middle/kustomization.yaml": "resources: [../base]\nnamePrefix: m-\n",
    },
    "the same base twice": {
        **overlay(""),
        "app/kustomization.yaml": "resources: [../one, ../two]\n",
        "one/kustomization.yaml": "resources: [../base]\nnamePrefix: one-\n",
        "two/kustomization.yaml": "resources: [../base]\nnamePrefix: two-\n",
    },
    "bases in the former words": {**overlay(""), "app/kustomization.yaml": "bases: [../base]\n"},
    "a kustomization by another name": {
        "app/Kustomization": "resources: [a.yaml]\n",
        "app/a.yaml": f"{MAP}---\n{SERVICE}---\n# end\n",
    },
    "a list of objects": alone(
        "resources: [l.yaml]\n",
        **{
            "l.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x}\n"
        },
    ),
    "order by kinds": overlay("sortOptions: {order: legacy}\n"),
    "an order of one's own": overlay(
        "sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service], orderLast: [ConfigMap]}}\n"
    ),
    "first in, first out": overlay("sortOptions: {order: fifo}\n"),
    "where things come from": overlay("buildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]\n"),
    "configurations of references": overlay(
        "configurations: [c.yaml]\nnamePrefix: p-\nimages: [{name: nginx, newTag: '9'}]\n",
        **{
            "c.yaml": "nameReference: [{kind: ConfigMap, fieldSpecs: [{kind: Thing, path: spec/ref/name}]}]\n"
            "images: [{kind: Thing, path: spec/image}]\n"
        },
    ),
    "definitions of a custom kind": overlay(
        "crds: [c.json]\nnamePrefix: p-\n",
        **{"c.json": '{"example.com/v1.Thing": {"Schema": {"properties": {"spec": {"$ref": "example.com/v1.Spec"}}}}}'},
    ),
    "a schema of one's own": overlay(
        "openapi: {path: o.json}\npatches: [{patch: '{apiVersion: example.com/v1, kind: Thing, metadata: {name: web}, "
        "spec: {list: [{name: b}]}}'}]\n",
        **{
            "o.json": '{"definitions": {"v1.Thing": {"properties": {"spec": {"properties": {"list": {"type": "array", '
            '"items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name", '
            '"x-kubernetes-patch-strategy": "merge"}}}}, '
            '"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}]}}}'
        },
    ),
    "transformers as files": overlay(
        "transformers: [t.yaml]\n",
        **{
            "t.yaml": "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: x}\nprefix: t-\n"
            "fieldSpecs: [{path: metadata/name}]\n"
        },
    ),
    "generators as files": overlay(
        "generators: [g.yaml]\n",
        **{"g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nliterals: [a=b]\n"},
    ),
    "anchors, long texts, odd scalars": alone(
        "resources: [a.yaml]\ncommonAnnotations: {one: '1', two: 'yes', empty: ''}\n",
        **{
            "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
            "data:\n  a: &a |\n    one\n\n    two\n  b: *a\n"
            "  c: 'null'\n  d: \"\\u00e9\\t\"\n  e: '0x10'\n"
        },
    ),
    "a link to a file and one to a folder": {
        "app/kustomization.yaml": "resources: [a.yaml, folder]\n",
        "app/a.yaml": Link("../files/a.yaml"),
        "app/folder": Link("../files/inner"),
        "files/a.yaml": MAP,
        "files/inner/kustomization.yaml": "resources: [../../files/inner/s.yaml]\n",
        "files/inner/s.yaml": SERVICE,
    },
    "error: a field that is none": overlay("namePrefixx: p\n"),
    "error: no YAML": alone("resources: [a.yaml]\n", **{"a.yaml": "a: b: c\n"}),
    "error: a patch for nothing": overlay(
        "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: none}}'}]\n"
    ),
    "error: a JSON patch that does not fit": overlay(
        "patches:\n- target: {kind: Service}\n  patch: |-\n    - {op: remove, path: /spec/none}\n"
    ),
    "error: twice the same object": {
        **overlay(""),
        "app/kustomization.yaml": "resources: [../base, a.yaml]\n",
        "app/a.yaml": MAP,
    },
    "error: a merge into nothing": alone("configMapGenerator: [{name: c, behavior: merge, literals: [a=b]}]\n"),
    "error: a literal that is none": alone("configMapGenerator: [{name: c, literals: [a]}]\n"),
    "error: a replacement from nothing": overlay(
        "replacements: [{source: {kind: None, fieldPath: a}, "
        "targets: [{select: {kind: Thing}, fieldPaths: [spec.x]}]}]\n"
    ),
    "error: a plugin that is none": alone(
        "transformers: [t.yaml]\n", **{"t.yaml": "apiVersion: other\nkind: Strange\nmetadata: {name: x}\n"}
    ),
    "error: an object without a name": alone(
        "resources: [a.yaml]\n", **{"a.yaml": "apiVersion: v1\nkind: ConfigMap\n"}
    ),
    "error: an empty kustomization": alone("# nothing\n"),
}


@pytest.fixture(scope="session")
def place() -> Path:
    return built()


def of(files: Mapping[str, str]) -> KustomizeBuild:
    tree = MemTree(files)
    recipe = make_recipe(Source(path="app"), tree, {}, CONTEXT)
    assert isinstance(recipe.job, KustomizeJob)
    written = {path: text.encode() for path, text in recipe.job.written.items()}
    return KustomizeBuild(recipe.job, recipe, read_inputs(recipe, tree, {}), written)


def said(outcome: ToolOutcome) -> tuple[bytes, str]:
    """The last error, without addresses; warnings of words that are given up come before it."""
    errors = "".join(line for line in outcome.error.splitlines() if line.startswith("error:"))
    return outcome.output, re.sub(r"0x[0-9a-f]{6,}", "0x", errors)


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same(name: str, place: Path, tmp_path: Path) -> None:
    build = of(CASES[name])
    ours, kubectls = in_process(build, place), by_kubectl(build, tmp_path)
    assert ours is not None
    assert said(ours) == said(kubectls)
    assert bool(ours.error) is name.startswith("error")


def test_what_one_leaves_the_next_does_not_find(place: Path, tmp_path: Path) -> None:
    first = in_process(of(CASES["nothing but a base"]), place)
    for name in ("a schema of one's own", "error: no YAML", "definitions of a custom kind", "a component"):
        in_process(of(CASES[name]), place)
        assert in_process(of(CASES["nothing but a base"]), place) == first
        patched = of(CASES["a custom kind's list is replaced"])
        ours = in_process(patched, place)
        assert ours is not None and said(ours) == said(by_kubectl(patched, tmp_path / name))


@contextlib.contextmanager
def started(place: Path) -> Iterator[Kustomizer]:
    made = Kustomizer(place)
    try:
        yield made
    finally:
        made.close()


MINE = {"a/kustomization.yaml": b"resources: [%s]\n"}


@pytest.mark.parametrize(
    "reference",
    ["/etc/passwd", "../../../../../../etc/passwd", "/proc/self/environ", "/dev/zero", "../..", "/", "/root"],
)
def test_nothing_of_the_machine_is_there(place: Path, reference: str) -> None:
    with started(place) as ours:
        layout = Layout({"a/kustomization.yaml": b"resources: [%s]\n" % reference.encode()}, {})
        outcome = ours.build("a", layout, restricted=False)
    assert outcome.error and not outcome.output
    assert "root:x:" not in outcome.error


def test_one_that_has_ended_is_started_again_and_says_nothing(place: Path) -> None:
    layout = Layout({"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": MAP.encode()}, {})
    with started(place) as ours:
        good = ours.build("", layout, restricted=True)
        assert b"kind: ConfigMap" in good.output
        assert ours._process is not None
        os.kill(ours._process.pid, 9)
        ours._process.wait()
        assert ours.build("", layout, restricted=True) == good
        os.kill(ours._process.pid, 19)
        os.kill(ours._process.pid, 9)
        with contextlib.suppress(KustomizerEnded):
            ours.build("", layout, restricted=True)
        assert ours.build("", layout, restricted=True) == good


def test_without_it_kubectl_builds() -> None:
    build = of(CASES["nothing but a base"])
    assert in_process(build, None) is None
    assert in_process(build, Path("/nonexistent")) is None


def test_links_that_multiply_are_refused(place: Path) -> None:
    files = {f"app/l{number}": Link("big") for number in range(9)}
    big = {
        "app/kustomization.yaml": "configMapGenerator: [{name: c, files: [big, "
        + ", ".join(f"l{n}" for n in range(9))
        + "]}]\n"
    }
    with pytest.raises(RenderFailed, match=r"links of the source stand for more than|exceed"):
        in_process(of({**files, **big, "app/big": "x" * (40 << 20)}), place)
