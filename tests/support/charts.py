"""Charts for tests, one for each thing that charts do: files by their paths, and the values of the source."""

from typing import Any, NamedTuple

CM = """apiVersion: v1
kind: ConfigMap
metadata:
  name: %s
data:
  value: %s
"""
VALUE = "{{ .Values.value | quote }}"


class ChartCase(NamedTuple):
    """A chart.

    Attributes:
        files: by path in the chart, ``Chart.yaml`` left out where it says nothing of its own.
        values: of the source.
        fails: part of Helm's error; empty where it renders.
    """

    files: dict[str, str]
    values: dict[str, Any] = {}
    fails: str = ""


def chart(name: str = "main", more: str = "") -> str:
    """A ``Chart.yaml``."""
    return f"apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: '4.5'\n{more}"


def sub(name: str, text: str = VALUE, place: str = "", more: str = "", values: str = "") -> dict[str, str]:
    """A chart in ``charts/`` with one ConfigMap."""
    folder = f"charts/{place or name}"
    made = {f"{folder}/Chart.yaml": chart(name, more), f"{folder}/templates/cm.yaml": CM % (name, text)}
    return made | ({f"{folder}/values.yaml": values} if values else {})


def depends(*items: str) -> str:
    """Dependencies of a ``Chart.yaml``."""
    return "dependencies:\n" + "".join(f"- {{{item}, version: 1.x.x}}\n" for item in items)


def one(text: str, name: str = "'{{ .Release.Name }}-a'", **files: str) -> dict[str, str]:
    """A chart of one ConfigMap."""
    return {"templates/a.yaml": CM % (name, text), **{path.replace("__", "/"): each for path, each in files.items()}}


HELPERS = '{{- define "main.name" -}}\n{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 }}\n{{- end -}}\n'
LIBRARY = '{{- define "lib.cm" -}}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .name }}}\n{{- end -}}\n'
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.x.io}
spec: {group: x.io, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: []}
"""
SCHEMA = '{"type": "object", "required": ["value"], "properties": {"value": {"type": "string"}}}'
HOOK = """apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {helm.sh/hook: %s, helm.sh/hook-weight: '%s'}}
"""
DATA = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
HAS = '{{ .Capabilities.APIVersions.Has "%s" }}'
VALUES = {"value": "x"}
SWITCH = "condition: sub.enabled"

CASES: dict[str, ChartCase] = {
    "a value": ChartCase(one(VALUE), VALUES),
    "a default value": ChartCase(one(VALUE, **{"values.yaml": "value: own\n"})),
    "a value over the default": ChartCase(one(VALUE, **{"values.yaml": "value: own\n"}), VALUES),
    "a null takes a default away": ChartCase(
        one("{{ .Values.a | toJson | quote }}", **{"values.yaml": "a: {b: 1, c: 2}\n"}), {"a": {"b": None}}
    ),
    "helpers": ChartCase(one(VALUE, '{{ include "main.name" . }}', **{"templates___helpers.tpl": HELPERS}), VALUES),
    "tpl of a value": ChartCase(one("{{ tpl .Values.value . | quote }}"), {"value": "{{ .Release.Namespace }}"}),
    "ranges and flow": ChartCase(
        {
            "templates/a.yaml": "{{ range $i, $e := .Values.list }}---\n"
            + CM % ("c-{{ $i }}", "{{ $e | quote }}")
            + "{{ end }}"
        },
        {"list": ["a", "b", "c"]},
    ),
    "whole numbers": ChartCase(one("{{ .Values.value | int64 | quote }}"), {"value": 1234567}),
    "yaml of a mapping": ChartCase(
        {
            "templates/a.yaml": DATA + "{{ toYaml .Values.m | indent 2 }}\n",
        },
        {"m": {"b": "1", "a": "two: 2\nlines"}},
    ),
    "merge and dig": ChartCase(
        one('{{ dig "a" "b" "none" (mustMergeOverwrite (dict "a" (dict "b" "1")) .Values.m) | quote }}'),
        {"m": {"a": {"b": "2"}}},
    ),
    "required": ChartCase(one('{{ required "value is needed" .Values.value }}'), fails="value is needed"),
    "fail": ChartCase(one('{{ fail "no way" }}'), fails="no way"),
    "a function that is none": ChartCase(one("{{ nope }}"), fails="nope"),
    "a file": ChartCase(one('{{ .Files.Get "conf/a.ini" | quote }}', **{"conf/a.ini": "x=1\n"})),
    "files by a pattern": ChartCase(
        {
            "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
            '{{ (.Files.Glob "conf/*.ini").AsConfig | indent 2 }}\n',
            "conf/a.ini": "a",
            "conf/b.ini": "b",
            "conf/c.txt": "c",
        }
    ),
    "files of a Secret": ChartCase(
        {
            "templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n"
            '{{ (.Files.Glob "conf/*").AsSecrets | indent 2 }}\n',
            "conf/a.key": "k",
        }
    ),
    "lines of a file": ChartCase(
        one('{{ range .Files.Lines "l.txt" }}{{ . }},{{ end }}', **{"l.txt": "a\nb\n"}),
    ),
    "a file that is ignored": ChartCase(
        one('{{ .Files.Get "x.ini" | quote }}', **{"x.ini": "x", ".helmignore": "*.ini\n"}),
    ),
    "a subchart": ChartCase({**one(VALUE), **sub("sub")}, {"value": "m", "sub": {"value": "s"}}),
    "values of a subchart": ChartCase(
        {**one(VALUE), **sub("sub", values="value: default\n"), "values.yaml": "value: m\nsub: {value: over}\n"}
    ),
    "a subchart in a subchart": ChartCase(
        {**sub("sub"), **{f"charts/sub/{path}": text for path, text in sub("deep").items()}},
        {"sub": {"value": "s", "deep": {"value": "d"}}},
    ),
    "global values": ChartCase(
        {**one("{{ .Values.global.region }}"), **sub("sub", "{{ .Values.global.region }}")},
        {"global": {"region": "north"}},
    ),
    "an alias": ChartCase(
        {"Chart.yaml": chart(more=depends("name: sub, alias: other")), **sub("sub", "{{ .Chart.Name }}")},
    ),
    "one chart by two names": ChartCase(
        {
            "Chart.yaml": chart(more=depends("name: sub, alias: one", "name: sub, alias: two")),
            **sub("sub"),
            "charts/sub/templates/cm.yaml": CM % ("{{ .Chart.Name }}", VALUE),
        },
        {"one": {"value": "1"}, "two": {"value": "2"}},
    ),
    "a condition that holds": ChartCase(
        {"Chart.yaml": chart(more=depends(f"name: sub, {SWITCH}")), **one(VALUE), **sub("sub")},
        {"value": "m", "sub": {"enabled": True, "value": "s"}},
    ),
    "a condition that does not": ChartCase(
        {"Chart.yaml": chart(more=depends(f"name: sub, {SWITCH}")), **one(VALUE), **sub("sub")},
        {"value": "m", "sub": {"enabled": False}},
    ),
    "tags that switch off": ChartCase(
        {"Chart.yaml": chart(more=depends("name: sub, tags: [extra]")), **one(VALUE), **sub("sub")},
        {"value": "m", "tags": {"extra": False}},
    ),
    "a condition over tags": ChartCase(
        {"Chart.yaml": chart(more=depends(f"name: sub, tags: [extra], {SWITCH}")), **one(VALUE), **sub("sub")},
        {"value": "m", "tags": {"extra": False}, "sub": {"enabled": True, "value": "s"}},
    ),
    "imported values": ChartCase(
        {
            "Chart.yaml": chart(more=depends("name: sub, import-values: [data]")),
            **one("{{ .Values.shared }}"),
            **sub("sub", "x", values="exports: {data: {shared: theirs}}\n"),
        }
    ),
    "imported values under a name": ChartCase(
        {
            "Chart.yaml": chart(more=depends("name: sub, import-values: [{child: a, parent: b}]")),
            **one("{{ .Values.b.c }}"),
            **sub("sub", "x", values="a: {c: theirs}\n"),
        }
    ),
    "a library": ChartCase(
        {
            "Chart.yaml": chart(more=depends("name: lib")),
            "templates/a.yaml": '{{ include "lib.cm" (dict "name" "from-lib") }}\n',
            "charts/lib/Chart.yaml": chart("lib", "type: library\n"),
            "charts/lib/templates/_lib.tpl": LIBRARY,
        }
    ),
    "a definition": ChartCase({**one(VALUE), "crds/widgets.yaml": CRD}, VALUES),
    "definitions of a subchart": ChartCase({**one(VALUE), **sub("sub", "x"), "charts/sub/crds/w.yaml": CRD}, VALUES),
    "hooks": ChartCase(
        {
            **one(VALUE),
            "templates/pre.yaml": HOOK % ("pre-install", "-5"),
            "templates/post.yaml": HOOK.replace("name: hook", "name: post") % ("post-upgrade", "1"),
        },
        VALUES,
    ),
    "a test": ChartCase({**one(VALUE), "templates/tests/t.yaml": HOOK % ("test", "0")}, VALUES),
    "notes and empty files": ChartCase(
        {**one(VALUE), "templates/NOTES.txt": "{{ .Release.Name }}", "templates/e.yaml": "\n"}, VALUES
    ),
    "a schema that holds": ChartCase({**one(VALUE), "values.schema.json": SCHEMA}, VALUES),
    "a schema that does not": ChartCase({**one(VALUE), "values.schema.json": SCHEMA}, {"value": 3}, fails="schema"),
    "a schema of a subchart": ChartCase(
        {**one(VALUE), **sub("sub"), "charts/sub/values.schema.json": SCHEMA}, {"value": "m", "sub": {}}, fails="schema"
    ),
    "a lookup, which finds nothing": ChartCase(
        one('{{ (lookup "v1" "Secret" "prod" "s").metadata | toJson | quote }}'),
    ),
    "capabilities": ChartCase(
        one(f'"{{{{ .Capabilities.KubeVersion.Version }}}} {HAS % "apps/v1"} {HAS % "x.io/v1"}"'),
    ),
    "a version of Kubernetes": ChartCase(
        {"Chart.yaml": chart(more="kubeVersion: '>=1.30.0-0'\n"), **one(VALUE)}, VALUES
    ),
    "release and chart": ChartCase(
        one('"{{ .Release.Name }} {{ .Release.Namespace }} {{ .Chart.AppVersion }} {{ .Template.Name }}"'),
    ),
    "several documents of one file": ChartCase(
        {"templates/a.yaml": CM % ("a", VALUE) + "---\n" + CM % ("b", VALUE) + "---\n# nothing\n"}, VALUES
    ),
    "a chart of version 1": ChartCase(
        {
            "Chart.yaml": "apiVersion: v1\nname: main\nversion: 1.0.0\n",
            "requirements.yaml": depends("name: sub"),
            **sub("sub"),
        },
        {"sub": {"value": "s"}},
    ),
}
