"""Which folders are rendered where no Application names any."""

import pytest
from tests.support.lookalikes import JSONNET_STACK, MONITORS, OBJECT, SHOP, SKAFFOLD, WEB
from tests.support.memtree import Link, MemTree

from trueup.offline.folders import RenderableFolder, survey

A = OBJECT % "a"
COMPONENT = "kind: Component\n"
CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "a chart, whatever is in its own folders": (
        {"Chart.yaml": "", "templates/a.yaml": A, "crds/b.yaml": A, "charts/c/Chart.yaml": ""},
        [""],
    ),
    "what lies beside a chart's own folders": ({"Chart.yaml": "", "deploy/a.yaml": A}, ["", "deploy[a.yaml]"]),
    "no library, which nobody can install": ({"Chart.yaml": "type: library", "p/a.yaml": A}, ["p[a.yaml]"]),
    "the manifests of a folder, and those below": ({"a.yaml": A, "b/b.yaml": A}, ["[a.yaml]", "b[b.yaml]"]),
    "every kind of folder": (
        {"c/Chart.yaml": "", "k/a/kustomization.yml": "", "k/b/Kustomization": "", "p/q/a.json": A},
        ["c", "k/a", "k/b", "p/q[a.json]"],
    ),
    "below a file that is another tool's": ({"skaffold.yaml": SKAFFOLD, "deploy/a.yaml": A}, ["deploy[a.yaml]"]),
    "below a hidden file": ({".a.yaml": A, "deploy/a.yaml": A}, ["deploy[a.yaml]"]),
    "not hidden folders": ({".github/workflows/a.yaml": A, "p/a.yaml": A}, ["p[a.yaml]"]),
    "not other YAML": ({".pre-commit-config.yaml": "repos: []", "renovate.json": "{}", "p/a.yaml": A}, ["p[a.yaml]"]),
    "not fixtures of tests": ({"tests/a.yaml": A, "src/testdata/b/Chart.yaml": "", "p/a.yaml": A}, ["p[a.yaml]"]),
    "a stage that is called test": ({"overlays/test/kustomization.yaml": ""}, ["overlays/test"]),
    "overlays, and their base with them": (
        {
            "base/kustomization.yaml": "resources: [a.yaml]",
            "base/a.yaml": A,
            "overlays/b/kustomization.yaml": "resources: [../../base]",
            "overlays/c/kustomization.yaml": "bases: ['../../base/']",
        },
        ["overlays/b", "overlays/c"],
    ),
    "a base that only a component uses which nobody does": (
        {"base/kustomization.yaml": "", "part/kustomization.yaml": f"{COMPONENT}resources: [../base]"},
        ["base"],
    ),
    "one of a circle": (
        {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"},
        ["a"],
    ),
    "files that a kustomization elsewhere reads": (
        {
            "k/kustomization.yaml": "resources: [../p/a.yaml]\npatches: [{path: ../q/b.yaml}]",
            "p/a.yaml": A,
            "q/b.yaml": A,
        },
        ["k"],
    ),
    "what a kustomization does not name": (
        {"k/kustomization.yaml": "resources: []", "k/old.yaml": A, "k/patches/b.yaml": A, "p/a.yaml": A},
        ["k", "p[a.yaml]"],
    ),
    "beside a kustomization at the root": ({"kustomization.yaml": "", "p/a.yaml": A}, ["", "p[a.yaml]"]),
    "a kustomization that is no YAML, for its render to say so": ({"k/kustomization.yaml": "a: ["}, ["k"]),
    "not components": ({"k/kustomization.yaml": COMPONENT, "p/a.yaml": A}, ["p[a.yaml]"]),
    "a manifest that is no YAML": ({"p/a.yaml": A + "data: ["}, ["p[a.yaml]"]),
    "no template": ({"p/a.yaml": "{{ if x }}\n" + A, "q/a.yaml": OBJECT % "'${NAME}'", "q/b.yaml": A}, ["q[b.yaml]"]),
    "no link": ({"p/a.yaml": A, "q/a.yaml": Link("../p/a.yaml")}, ["p[a.yaml]"]),
    "a kind with its group mistaken": ({"p/a.yaml": WEB.replace("apps/v1", "app/v1")}, ["p[a.yaml]"]),
    "a kind that is gone": (
        {"p/a.yaml": "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: a}\n"},
        ["p[a.yaml]"],
    ),
    "a kind mistaken": ({"p/a.yaml": WEB.replace("kind: Deployment", "kind: Deploymnt")}, ["p[a.yaml]"]),
    "a kind mistaken, without a name": ({"p/a.yaml": "apiVersion: v1\nkind: Servce\nspec: {}\n"}, ["p[a.yaml]"]),
    "a kind mistaken, of a group that is gone": (
        {"p/a.yaml": "apiVersion: extensions/v1beta1\nkind: Ingres\nmetadata: {name: a}\n"},
        ["p[a.yaml]"],
    ),
    "a kind that the repository defines, without a name": (
        {"d/a.yaml": MONITORS, "p/a.yaml": "apiVersion: monitoring.example.com/v2\nkind: Monitr\nspec: {}\n"},
        ["d[a.yaml]", "p[a.yaml]"],
    ),
    "no configuration of a program of Kubernetes": (
        {
            "a.yaml": "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
            "b.yaml": "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n",
            "c.yaml": "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n",
            "d.yaml": "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n",
        },
        [],
    ),
    "no client's configuration": ({"p/a.yaml": "apiVersion: v1\nkind: Config\nclusters: []\n"}, []),
    "nothing": ({"docs/a.md": ""}, []),
    "a stack in Jsonnet": (
        JSONNET_STACK,
        ["", "examples[monitor.yaml]", "experimental/metrics[web.yaml]"],
    ),
    "a demo of microservices": (
        SHOP,
        [
            "helm-chart", "istio-manifests[gateway.yaml]", "kubernetes-manifests", "kustomize",
            "release[kubernetes-manifests.yaml]", "rights[narrow.yaml wide.yaml]",
        ],
    ),
}  # fmt: skip


def shown(folder: RenderableFolder) -> str:
    return folder.path + (f"[{' '.join(folder.files)}]" if folder.files else "")


@pytest.mark.parametrize("case", CASES)
def test_folders_that_can_be_rendered(case: str) -> None:
    files, folders = CASES[case]
    assert [shown(folder) for folder in survey(MemTree(files), "").folders] == folders


def test_the_folder_asked_for_is_what_is_searched() -> None:
    tree = MemTree({"a/x/Chart.yaml": "", "b/Chart.yaml": "", "tests/c/a.yaml": A})
    assert [shown(folder) for folder in survey(tree, "a").folders] == ["a/x"]
    assert [shown(folder) for folder in survey(tree, "tests").folders] == ["tests/c[a.yaml]"]


def test_a_base_that_is_asked_for_is_rendered() -> None:
    files = {"base/kustomization.yaml": "", "base/over/kustomization.yaml": "resources: [..]"}
    assert [folder.path for folder in survey(MemTree(files), "base").folders] == ["base", "base/over"]


def test_what_is_passed_over_is_named() -> None:
    left = {item.what: item.why for item in survey(MemTree(SHOP), "").left}
    assert set(left) == {"kustomize/components/cymbal", "kustomize/tests", "templates/app.yaml", "skaffold.yaml"}
    assert left["skaffold.yaml"] == "skaffold/v3 Config, which no cluster has: another tool's"
    assert "no kustomization here uses" in left["kustomize/components/cymbal"]


LINKS = {
    "nowhere": ("gone.yaml", "a link that leads nowhere, which an engine passes over"),
    "a folder": ("../q", "a link that leads to a folder, which an engine passes over"),
    "out of the repository": ("/etc/passwd", "a link out of the repository or in circles, which an engine refuses"),
    "itself": ("b.yaml", "a link out of the repository or in circles, which an engine refuses"),
}


@pytest.mark.parametrize("where", LINKS)
def test_a_link_by_which_nothing_is_read_is_named(where: str) -> None:
    target, why = LINKS[where]
    found = survey(MemTree({"p/a.yaml": A, "p/b.yaml": Link(target), "p/c.yaml": Link("a.yaml"), "q/x": ""}), "")
    assert [shown(folder) for folder in found.folders] == ["p[a.yaml]"]
    assert [(item.what, item.why) for item in found.left] == [("p/b.yaml", why)]


def test_files_of_one_other_tool_are_told_in_one_line() -> None:
    tree = MemTree({f"{name}/skaffold.yaml": SKAFFOLD for name in "abcd"})
    assert [item.what for item in survey(tree, "").left] == [
        "a/skaffold.yaml, b/skaffold.yaml, c/skaffold.yaml and 1 more"
    ]


@pytest.mark.parametrize(
    ("files", "include"),
    [(("a.yaml",), "a.yaml"), (("a.yaml", "b.yaml"), "{a.yaml,b.yaml}"), (("a{1},*.yaml",), r"a\{1\}\,\*.yaml")],
)
def test_files_are_told_as_a_pattern(files: tuple[str, ...], include: str) -> None:
    assert RenderableFolder("p", files).include == include
