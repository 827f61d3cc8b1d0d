"""Bad repositories and bad Helm sources: each is refused for its own cause, or read as Go reads it (reference R, H)."""

import io
import re
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.memtree import Link, MemTree, Submodule
from tests.support.tiers import everywhere

from trueup.model.application import (
    DirectorySource,
    HelmFileParameter,
    HelmParameter,
    HelmSource,
    KustomizeSource,
    Source,
)
from trueup.model.errors import TrueupError
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.workers.pool import Pool

CONTEXT = RenderContext(app_name="shop", namespace="prod", kube_version="v1.30.1", api_versions=("v1", "apps/v1"))
LONGEST = 1024
"""Bytes of an error that people read."""
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
CHART = {"app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "app/templates/c.yaml": HEAD}
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

Files = Mapping[str, str | bytes]


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(1)
    yield made
    await made.close()


async def outcome(pool: Pool, files: Files, **source: Any) -> list[dict[str, Any]]:
    """The objects that a source becomes."""
    tree = MemTree(files)
    recipe = make_recipe(Source(**{"path": "app"} | source), tree, {}, CONTEXT)
    made = await pool.render(recipe, read_inputs(recipe, tree, {}))
    return [manifest.object() for manifest in made.manifests]


def data(text: str) -> dict[str, str]:
    return {"app/c.yaml": f"{HEAD}data:\n  v: {text}\n"}


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return HEAD + "data:\n" + "".join(f"  {line}\n" for line in lines)


def helm(**options: Any) -> dict[str, Any]:
    return {"helm": HelmSource(**options)}


def templated(text: str) -> dict[str, str]:
    return {**CHART, "app/templates/c.yaml": f"{HEAD}data: {{v: '{text}'}}\n"}


def kustomized(text: str, **more: str) -> dict[str, str]:
    return {"app/kustomization.yaml": KUSTOMIZATION + text, **more}


CHAIN = {f"app/l{i}.yaml": Link(f"l{i + 1}.yaml") for i in range(60)} | {"app/l60.yaml": HEAD}

REFUSED: dict[str, tuple[Files, dict[str, Any], str]] = {
    # rule: files, source, what the error says
    "A19 a path above the repository": ({"x/c.yaml": HEAD}, {"path": "../../x"}, "app path outside root"),
    "A19 an absolute path": ({"x/c.yaml": HEAD}, {"path": "/etc"}, "app path is absolute"),
    "A19 a path above it in the middle": ({"x/c.yaml": HEAD}, {"path": "x/../../x"}, "app path outside root"),
    "A19 a path through a link": ({"x": Link("../../etc")}, {"path": "x"}, "outside"),
    "A21 a path that is a file": ({"app": HEAD}, {}, "app path is not a directory"),
    "A21 a path that is a link to a file": ({"app": Link("c.yaml"), "c.yaml": HEAD}, {}, "app path is not a directory"),
    "A39 Helm and Kustomize": (
        CHART,
        {"helm": HelmSource(release_name="r"), "kustomize": KustomizeSource(name_prefix="p-")},
        "multiple application sources defined",
    ),
    "A39 Directory and Helm": (
        CHART,
        {"helm": HelmSource(release_name="r"), "directory": DirectorySource(recurse=True)},
        "multiple application sources defined",
    ),
    "R01 a tab as indentation": ({"app/c.yaml": f"{HEAD}data:\n\tv: 1\n"}, {}, r"app/c\.yaml:5:1.*(TAB|tab|\\t)"),
    "R01 a tab behind blanks": ({"app/c.yaml": f"{HEAD}data:\n  a: 1\n \tv: 1\n"}, {}, r"app/c\.yaml:6"),
    "R03 a NUL byte": ({"app/c.yaml": HEAD.encode() + b"data: {a: '\x00'}\n"}, {}, r"app/c\.yaml"),
    "R03 bytes that are no UTF-8": ({"app/c.yaml": HEAD.encode() + b"data: {a: '\xc3\x28'}\n"}, {}, "UTF-8"),
    "R03 a lone surrogate": ({"app/c.yaml": HEAD.encode() + b"data: {a: '\xed\xa0\x80'}\n"}, {}, "UTF-8"),
    "R05 an alias bomb": ({"app/c.yaml": bomb(10)}, {}, "excessive aliasing|too many nodes"),
    "R05 an alias bomb of a few levels in many documents": (
        {f"app/{i}.yaml": bomb(7) for i in range(3)},
        {},
        "excessive aliasing|too many nodes",
    ),
    "R07 too many nodes": (
        {"app/c.yaml": HEAD + "data: [" + "{}," * 1_500_000 + "]\n"},
        {},
        "too many nodes|larger|longer",
    ),
    "R09 a file too large": ({"app/c.yaml": HEAD + "data: {a: '" + "x" * 11_000_000 + "'}\n"}, {}, "10|larger|large"),
    "R17 an integer above 2^64": (data("18446744073709551616"), {}, "out of range|64 bits"),
    "R17 an integer below -2^63": (data("-9223372036854775809"), {}, "out of range|64 bits"),
    "R19 kind is missing": ({"app/c.yaml": "apiVersion: v1\nmetadata: {name: c}\n"}, {}, r"app/c\.yaml.*kind"),
    "R19 kind is empty": ({"app/c.yaml": "apiVersion: v1\nkind: ''\nmetadata: {name: c}\n"}, {}, r"app/c\.yaml.*kind"),
    "R19 kind is a number": (
        {"app/c.yaml": "apiVersion: v1\nkind: 1\nmetadata: {name: c}\n"},
        {},
        r"app/c\.yaml.*kind",
    ),
    "R21 no name": ({"app/c.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {}\n"}, {}, r"app/c\.yaml.*no name"),
    "R21 no metadata": ({"app/c.yaml": "apiVersion: v1\nkind: Secret\n"}, {}, r"app/c\.yaml.*name"),
    "R21 a name that is a list": (
        {"app/c.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: [a]}\n"},
        {},
        r"app/c\.yaml",
    ),
    "R25 a link to itself": ({"app/c.yaml": Link("c.yaml")}, {}, "symlink nesting too deep"),
    "R25 two links to each other": (
        {"app/c.yaml": Link("d.yaml"), "app/d.yaml": Link("c.yaml")},
        {},
        "nesting too deep",
    ),
    "R25 a long chain of links": (CHAIN, {}, "symlink nesting too deep"),
    "R31 a resource above the root": (kustomized("resources: [../../../etc]\n"), {}, "outside"),
    "R31 an absolute resource": (kustomized("resources: [/etc/passwd]\n"), {}, "outside|absolute"),
    "R31 a generator's file above the root": (
        kustomized("configMapGenerator: [{name: c, files: [../../x]}]\n"),
        {},
        "outside",
    ),
    "R31 a patch above the root": (kustomized("patches: [{path: ../../p.yaml}]\n"), {}, "outside"),
    "R31 a component above the root": (kustomized("components: [../../c]\n"), {}, "outside"),
    "R33 a kustomization that names itself": (kustomized("resources: [.]\n"), {}, "cycle detected"),
    "R33 two that name each other": (
        kustomized("resources: [../b]\n", **{"b/kustomization.yaml": KUSTOMIZATION + "resources: [../app]\n"}),
        {},
        "cycle detected",
    ),
    "R35 Jsonnet": ({"app/a.jsonnet": "importstr '/etc/passwd'"}, {}, "couldn't open import '/etc/passwd'"),
    "R37 a chart named for a path": (
        CHART | {"app/Chart.yaml": "apiVersion: v2\nname: ../x\nversion: 1.0.0\n"},
        {},
        "name",
    ),
    "R37 a chart named .": (CHART | {"app/Chart.yaml": "apiVersion: v2\nname: .\nversion: 1.0.0\n"}, {}, "name"),
    "R39 an override of the repository": (
        {"app/c.yaml": HEAD, "app/.argocd-source.yaml": "repoURL: https://evil.example/x\n"},
        {},
        r"argocd-source",
    ),
    "R39 an override of the project": (
        {"app/c.yaml": HEAD, "app/.argocd-source-shop.yaml": "project: default\n"},
        {},
        r"argocd-source-shop",
    ),
    "R39 an override of the revision": (
        {"app/c.yaml": HEAD, "app/.argocd-source.yaml": "targetRevision: evil\n"},
        {},
        r"argocd-source",
    ),
    "H01 values that are a text": (CHART, helm(values='"text"'), "values must be a mapping, got string"),
    "H01 values that are a list": (CHART, helm(values="[a]"), "values must be a mapping, got list"),
    "H01 values that are a number": (CHART, helm(values="7"), "values must be a mapping"),
    "H03 values that end too soon": (CHART, helm(values="a: [1"), r"values:1:6"),
    "H05 a value file above the root": (CHART, helm(value_files=["../../s.yaml"]), "outside"),
    "H05 a value file of the machine": (
        CHART,
        helm(value_files=["/../../etc/passwd"]),
        "outside|does not exist|not found",
    ),
    "H07 a value file that is a link out": (
        CHART | {"app/v.yaml": Link("../../etc/passwd")},
        helm(value_files=["v.yaml"]),
        "outside",
    ),
    "H07 a value file through a link out": (
        CHART | {"app/d": Link("../..")},
        helm(value_files=["d/etc/passwd"]),
        "outside",
    ),
    "H09 a value file of secrets": (
        CHART,
        helm(value_files=["secrets://x"]),
        "the URL scheme 'secrets' is not allowed",
    ),
    "H09 a value file by git": (CHART, helm(value_files=["git+ssh://x"]), r"the URL scheme 'git\+ssh' is not allowed"),
    "H09 a value file of the machine by URL": (
        CHART,
        helm(value_files=["file:///etc/passwd"]),
        "'file' is not allowed",
    ),
    "H11 a value file of the network": (CHART, helm(value_files=["http://127.0.0.1/v"]), "not allowed|not supported"),
    "H13 a value file that is missing": (CHART, helm(value_files=["x.yaml"]), "x.yaml"),
    "H15 a glob over very many value files": (
        CHART | {f"app/v/{i}.yaml": "" for i in range(10_000)},
        helm(value_files=["v/**"]),
        "too many value files",
    ),
    "H17 a huge index": (CHART, helm(parameters=[HelmParameter(name="a[999999999]", value="1")]), "index"),
    "H17 a huge index behind another": (
        CHART,
        helm(parameters=[HelmParameter(name="a[0].b[99999999999999999999]", value="1")]),
        "index",
    ),
    "H21 a file parameter above the root": (
        CHART,
        helm(file_parameters=[HelmFileParameter(name="a", path="../../x")]),
        "outside",
    ),
    "H23 a release name of 54 characters": (CHART, helm(release_name="r" * 54), "release name"),
    "H29 a template that calls itself": (
        templated('{{ include "r" . }}') | {"app/templates/_r.tpl": '{{ define "r" }}{{ include "r" . }}{{ end }}'},
        {},
        "nested reference|recursion",
    ),
    "H33 env": (templated('{{ env "HOME" }}'), {}, 'function "env" not defined'),
    "H33 expandenv": (templated('{{ expandenv "$HOME" }}'), {}, 'function "expandenv" not defined'),
    "H35 values that the schema forbids": (
        CHART | {"app/values.schema.json": '{"properties": {"k": {"type": "number"}, "m": {"type": "number"}}}'},
        helm(values="k: a\nm: b"),
        r"(?s)/k.*/m|/m.*/k",
    ),
    "H37 a chart without a version": (CHART | {"app/Chart.yaml": "apiVersion: v2\nname: web\n"}, {}, "Chart.yaml"),
    "H37 a Chart.yaml that is no mapping": (CHART | {"app/Chart.yaml": "- web\n"}, {}, "Chart.yaml"),
    "H37 no Chart.yaml": ({"app/c.yaml": HEAD}, helm(release_name="r"), "Chart.yaml"),
    # Of the same classes
    "no apiVersion": ({"app/c.yaml": "kind: X\nmetadata: {name: c}\n"}, {}, r"app/c\.yaml.*no apiVersion"),
    "a number that JSON does not have": (data("-.inf"), {}, "no JSON"),
    "twenty thousand brackets": (data("[" * 20_000 + "]" * 20_000), {}, "nested too deeply"),
    "a manifest that is a link out": ({"app/c.yaml": Link("/etc/passwd")}, {}, "resolved to outside repository root"),
    "a list of objects with a number in it": (
        {"app/c.yaml": "apiVersion: v1\nkind: List\nitems: [1]\n"},
        {},
        r"items\[0\]",
    ),
    "a resource of the network": (kustomized("resources: ['https://h/x']\n"), {}, "remote"),
    "a resource of a Git server": (kustomized("resources: ['github.com/a/b//c?ref=x']\n"), {}, "remote"),
    "a chart in a kustomization": (kustomized("helmCharts: [{name: a, repo: 'https://h'}]\n"), {}, "helmCharts"),
    "a value file of a bucket": (CHART, helm(value_files=["s3://x/y"]), "the URL scheme 's3' is not allowed"),
    "a value file that is a folder": (CHART | {"app/d/x": "1"}, helm(value_files=["d"]), "d"),
    "an index below zero": (CHART, helm(parameters=[HelmParameter(name="a[-1]", value="1")]), "negative"),
    "a key nested by the dozen": (
        CHART,
        helm(parameters=[HelmParameter(name=".".join("a" * 40), value="1")]),
        "nested level",
    ),
    "a file parameter that is missing": (
        CHART,
        helm(file_parameters=[HelmFileParameter(name="a", path="nope")]),
        "nope",
    ),
    "a release named for a path": (CHART, helm(release_name="../x"), "release name"),
    "a release name with a line break": (CHART, helm(release_name="a\nb"), "release name"),
    "a version of Kubernetes that is none": (CHART, helm(kube_version="x;id"), "version"),
    "a schema of the network": (
        CHART | {"app/values.schema.json": '{"$ref": "http://127.0.0.1/x"}'},
        {},
        "not followed",
    ),
    "a schema of the machine": (
        CHART | {"app/values.schema.json": '{"$ref": "file:///etc/passwd"}'},
        {},
        "not followed",
    ),
    "a chart with a version that is none": (
        CHART | {"app/Chart.yaml": "apiVersion: v2\nname: web\nversion: latest\n"},
        {},
        "version",
    ),
    "dependencies that are not there": (
        CHART | {"app/Chart.yaml": CHART["app/Chart.yaml"] + "dependencies: [{name: x, repository: 'https://h'}]\n"},
        {},
        "dependencies missing",
    ),
}


@pytest.mark.parametrize(
    # The one with the most nodes has its limit in a unit test of the reader; here it takes half a minute.
    "rule",
    [pytest.param(rule, marks=everywhere if rule == "R07 too many nodes" else ()) for rule in REFUSED],
)
async def test_refused_for_its_own_cause(pool: Pool, rule: str) -> None:
    files, source, says = REFUSED[rule]
    with pytest.raises(TrueupError) as caught:
        await outcome(pool, files, **source)
    told = str(caught.value)
    assert re.search(says, told), told
    assert len(told) <= LONGEST and "Traceback" not in told and "/tmp" not in told and "root:" not in told


def value(text: str, becomes: object) -> tuple[Files, dict[str, Any], list[object]]:
    return data(text), {}, [becomes]


READ: dict[str, tuple[Files, dict[str, Any], list[object]]] = {
    # rule: files, source, data.v of each object
    "R11 an unknown tag": value("!foo bar", "bar"),
    "R13 a key that is a boolean": ({"app/c.yaml": HEAD + "data: {on: push, v: {no: 1}}\n"}, {}, [{"false": 1}]),
    "R15 a float without a point": value("1e3", 1000),
    "R15 an octal integer": value("0o14", 12),
    "R15 a boolean of YAML 1.1": value("y", True),
    "R15 a sexagesimal number": value("22:22", "22:22"),
    "R15 a hexadecimal number above 2^64": value("0xffffffffffffffffff", "0xffffffffffffffffff"),
    "R15 a date": value("2001-01-01", "2001-01-01"),
    "R23 comments alone": ({"app/c.yaml": "# nothing\n---\n# here\n", "app/d.yaml": HEAD + "data: {v: 1}\n"}, {}, [1]),
    "R27 file names that a shell would run": (
        {
            "app/-rf": "x",
            "app/$(id).yaml": HEAD + "data: {v: 1}\n",
            "app/a\nb.yaml": HEAD.replace("c}", "d}") + "data: {v: 2}\n",
        },
        {},
        [1, 2],
    ),
    "R29 a submodule is left out": ({"app/c.yaml": HEAD + "data: {v: 1}\n", "app/sub": Submodule("a" * 40)}, {}, [1]),
    "H13 a value file that may be missing": (
        templated("{{ .Release.Name }}"),
        helm(value_files=["x.yaml"], ignore_missing_value_files=True),
        ["shop"],
    ),
    "H19 an option as a parameter's name": (
        templated('{{ index .Values "--post-renderer" }}'),
        helm(parameters=[HelmParameter(name="--post-renderer", value="/bin/sh")]),
        ["/bin/sh"],
    ),
    "H25 an apiVersion that a shell would run": (
        templated('{{ .Capabilities.APIVersions.Has ";id" }}'),
        helm(api_versions=[";id"]),
        ["true"],
    ),
    "H31 lookup answers nothing": (templated('{{ len (lookup "v1" "Secret" "kube-system" "") }}'), {}, ["0"]),
}


@pytest.mark.parametrize("rule", READ)
async def test_read_as_go_reads_it(pool: Pool, rule: str) -> None:
    files, source, values = READ[rule]
    found = [made["data"]["v"] for made in await outcome(pool, files, **source)]
    assert sorted(found, key=str) == values


def packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A chart as a .tgz, of entries as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


SUB_CHART = (member("sub/Chart.yaml"), b"apiVersion: v2\nname: sub\nversion: 1.0.0\n")
ARCHIVES: dict[str, bytes] = {
    "advisory 25 an archive of zeros": packed(SUB_CHART, (member("sub/files/zeros"), bytes(130_000_000))),
    "advisory 58 an entry above the chart": packed(SUB_CHART, (member("../escaped"), b"x")),
    "advisory 58 an entry above it in the middle": packed(SUB_CHART, (member("sub/a/../../../escaped"), b"x")),
    "advisory 58 an absolute entry": packed(SUB_CHART, (member("/tmp/escaped"), b"x")),
    "advisory 58 a link and a file through it": packed(
        SUB_CHART, (member("sub/d", tarfile.SYMTYPE, "/tmp"), b""), (member("sub/d/escaped"), b"x")
    ),
    "advisory 58 a hard link": packed(SUB_CHART, (member("sub/d", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    "advisory 58 a pipe": packed(SUB_CHART, (member("sub/d", tarfile.FIFOTYPE), b"")),
    "advisory 57 no archive": b"not gzip at all",
    "advisory 57 an archive that is cut off": packed(SUB_CHART)[:40],
}


@pytest.mark.parametrize("what", ARCHIVES)
async def test_what_is_packed_in_a_chart_gets_nowhere(pool: Pool, what: str) -> None:
    """An error or the chart without it; the child that reads it may die, the next render is made."""
    before = set(Path("/tmp").glob("escaped*"))
    try:
        made = await outcome(pool, {**CHART, "app/charts/sub.tgz": ARCHIVES[what]})
        assert [found["metadata"]["name"] for found in made] == ["c"]
        assert "58" in what
    except TrueupError as error:
        assert len(str(error)) <= LONGEST and "root:" not in str(error)
    assert set(Path("/tmp").glob("escaped*")) == before
    assert len(await outcome(pool, CHART)) == 1


CRAFTED: dict[str, Files] = {
    "advisory 57 a schema that refers to itself": {"app/values.schema.json": '{"$ref": "#"}'},
    "advisory 57 a schema nested by the hundred": {"app/values.schema.json": '{"not":' * 100 + "{}" + "}" * 100},
    "advisory 57 a schema that is no JSON": {"app/values.schema.json": "{"},
    "advisory 57 dependencies that are null": {"app/Chart.yaml": CHART["app/Chart.yaml"] + "dependencies: [null]\n"},
    "advisory 57 maintainers that are null": {"app/Chart.yaml": CHART["app/Chart.yaml"] + "maintainers: [null]\n"},
    "advisory 57 values nested by the thousand": {"app/values.yaml": "a: " + "[" * 5000 + "]" * 5000 + "\n"},
    "advisory 56 a Chart.lock that is a link out": {"app/Chart.lock": Link("../../etc/passwd")},
    "advisory 56 a requirements.lock that is a link out": {"app/requirements.lock": Link("/etc/passwd")},
    "advisory 59 a folder of git in a chart": {"app/.git/hooks/post-checkout": "#!/bin/sh\ntouch /tmp/escaped\n"},
    "advisory 59 the same in other letters": {"app/.GIT/config": "[core]\n\thooksPath = /tmp\n"},
}


@pytest.mark.parametrize("what", CRAFTED)
async def test_a_crafted_chart_costs_its_own_render_alone(pool: Pool, what: str) -> None:
    try:
        await outcome(pool, {**CHART, **CRAFTED[what]})
    except TrueupError as error:
        assert len(str(error)) <= LONGEST and "root:" not in str(error) and "/tmp" not in str(error)
    assert not Path("/tmp/escaped").exists()
    assert len(await outcome(pool, CHART)) == 1


TAGS = [
    "!!python/object/apply:os.system ['touch /tmp/escaped']",
    "!!python/object/new:os.system [id]",
    "!!python/name:os.system ''",
    "!<tag:yaml.org,2002:python/object/apply:os.system> [id]",
]
BOUNDARIES: dict[str, tuple[str, dict[str, Any]]] = {
    # where YAML is read: what stands before the tag, source; the file is named by the first word
    "a manifest": (f"app/c.yaml {HEAD}data: ", {}),
    "a kustomization": (f"app/kustomization.yaml {KUSTOMIZATION}resources: ", {}),
    "an override": ("app/.argocd-source.yaml kustomize: ", {}),
    "values of a chart": ("app/values.yaml a: ", {}),
    "a value file": ("app/v.yaml a: ", helm(value_files=["v.yaml"])),
    "a Chart.yaml": (f"app/Chart.yaml {CHART['app/Chart.yaml']}annotations: ", {}),
}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("where", BOUNDARIES)
async def test_advisory_61_no_tag_makes_an_object_of_python(pool: Pool, where: str, tag: str) -> None:
    text, source = BOUNDARIES[where]
    file, _, text = text.partition(" ")
    charts = CHART if "chart" in where.lower() or source else {"app/c.yaml": HEAD}
    try:
        await outcome(pool, {**charts, file: f"{text}{tag}\n"}, **source)
        assert charts is CHART, "helm's own reader takes a tag for a text"
    except TrueupError as error:
        assert "/tmp" not in str(error).replace(tag, "")
    assert not Path("/tmp/escaped").exists()


async def test_advisory_31_a_tool_finds_no_credential_in_its_environment(pool: Pool) -> None:
    made = await outcome(pool, templated('{{ .Files.Get "/proc/self/environ" }}{{ .Files.Get "../../etc/passwd" }}x'))
    assert made[0]["data"] == {"v": "x"}
