"""Distils the Go structs of the built-in kinds: per field its JSON name, Go type, omitempty and declared default.

OpenAPI does not say which empty values an encoder leaves out, nor the names that decoding errors give to types. The Go
sources do: ``types.go`` of k8s.io/api, k8s.io/kube-aggregator and apimachinery's meta/v1.

    python tools/schemas/omitempty.py $(go env GOMODCACHE)/k8s.io \\
      packages/pocketkube/src/pocketkube/cluster/kinds/data/structs.json.zz
"""

import argparse
import json
import re
import zlib
from pathlib import Path
from typing import Any

API, MACHINERY, AGGREGATOR = "api@v0.37.2", "apimachinery@v0.37.2", "kube-aggregator@v0.37.2"
SOURCES = {
    "meta/v1": f"{MACHINERY}/pkg/apis/meta/v1",
    "apiregistration/v1": f"{AGGREGATOR}/pkg/apis/apiregistration/v1",
}
GROUP_VERSIONS = (
    *(
        "admissionregistration/v1",
        "apps/v1",
        "authentication/v1",
        "authorization/v1",
        "autoscaling/v1",
        "autoscaling/v2",
    ),
    *("batch/v1", "certificates/v1", "coordination/v1", "core/v1", "discovery/v1", "events/v1", "flowcontrol/v1"),
    *("networking/v1", "node/v1", "policy/v1", "rbac/v1", "resource/v1", "scheduling/v1", "storage/v1"),
    "storagemigration/v1",
)
WELL_KNOWN = {
    "k8s.io/apimachinery/pkg/api/resource": "resource",
    "k8s.io/apimachinery/pkg/apis/meta/v1": "meta/v1",
    "k8s.io/apimachinery/pkg/runtime": "runtime",
    "k8s.io/apimachinery/pkg/types": "types",
    "k8s.io/apimachinery/pkg/util/intstr": "intstr",
}
HAND_CODED = {"meta/v1.Time", "meta/v1.MicroTime", "meta/v1.Duration", "meta/v1.FieldsV1"}
BASIC = {"string", "bool", "int", "int32", "int64", "uint32", "float64", "byte", "float32"}

IMPORT = re.compile(r'^\s*(?:import\s+)?(?:(\w+)\s+)?"([^"]+)"\s*$', re.M)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
ALIAS = re.compile(r"^type (\w+) =? ?((?:\[\]|map\[|\*|[a-z]\w*\.)?[\w.\]\*\[]+)\s*$", re.M)
GROUPED = re.compile(r"^\t(\w+) ((?:\[\]|map\[)?[\w.\]]+)$", re.M)
CONSTANT = re.compile(r'^\t?(?:const )?(\w+)\s+(?:\w+\s+)?= "([^"]*)"', re.M)
FIELD = re.compile(r'^\t(?:(\w+)\s+)?((?:\*|\[\]|map\[[\w.]+\])*[\w.]+)\s+`(?:[^`]*\s)?json:"([^"]*)"[^`]*`')
DEFAULT = re.compile(r"^\t// ?\+default=(.*)$")


class Package:
    """The types of one Go package, by qualified name (``core/v1.Pod``)."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.structs: dict[str, list[list[Any]]] = {}
        self.aliases: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        files = [path for path in sorted(folder.glob("*.go")) if not path.name.startswith(("zz_", "generated"))]
        texts = [path.read_text() for path in files if not path.name.endswith("_test.go")]
        for text in texts:
            self.constants.update(CONSTANT.findall(text))
        for text in texts:
            imports = {alias or path.rpartition("/")[2]: path for alias, path in IMPORT.findall(text)}
            for name_, body in STRUCT.findall(text):
                self.structs[f"{name}.{name_}"] = [field for field in self.fields(body, imports) if field]
            for name_, target in ALIAS.findall(text):
                if target not in ("struct", "interface"):
                    self.aliases[f"{name}.{name_}"] = self.qualify(target, imports)

    def fields(self, body: str, imports: dict[str, str]) -> list[list[Any]]:
        found: list[list[Any]] = []
        default: str | None = None
        for line in body.splitlines():
            if match := DEFAULT.match(line):
                default = match[1]
            if not (match := FIELD.match(line)):
                continue
            name, *options = match[3].split(",")
            inline = not name and name != "-"
            if name != "-":
                flags = ("o" if "omitempty" in options else "") + ("z" if "omitzero" in options else "")
                field: list[Any] = ["" if inline else name, self.qualify(match[2], imports), flags]
                found.append(field if default is None else [*field, self.constant(default)])
            default = None
        return found

    def constant(self, text: str) -> Any:
        reference = re.fullmatch(r"ref\((?:[\w./]*\.)?(\w+)\)", text)
        return self.constants[reference[1]] if reference else json.loads(text)

    def qualify(self, go_type: str, imports: dict[str, str]) -> str:
        prefix = re.match(r"(?:\*|\[\]|map\[[\w.]+\])*", go_type)
        assert prefix
        base = go_type[prefix.end() :]
        head = re.sub(r"map\[[\w.]+\]", "map[]", prefix[0])
        if "." not in base:
            return head + (base if base in BASIC else f"{self.name}.{base}")
        alias, name = base.split(".")
        path = imports[alias]
        package = WELL_KNOWN.get(path) or path.removeprefix("k8s.io/api/")
        return f"{head}{package}.{name}"


def reachable(types: dict[str, Any], aliases: dict[str, str], roots: list[str]) -> set[str]:
    """The types that objects of the given ones can hold."""
    seen: set[str] = set()
    todo = list(roots)
    while todo:
        name = re.sub(r"^(?:\*|\[\]|map\[\])*", "", todo.pop())
        if name in seen:
            continue
        seen.add(name)
        if name in aliases:
            todo.append(aliases[name])
        todo.extend(field[1] for field in types.get(name, ()))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", type=Path, help="the folder of k8s.io in the Go module cache")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    structs: dict[str, list[list[Any]]] = {}
    aliases: dict[str, str] = {}
    for name in ("meta/v1", "apiregistration/v1", *GROUP_VERSIONS):
        package = Package(name, arguments.modules / SOURCES.get(name, f"{API}/{name}"))
        structs |= package.structs
        aliases |= package.aliases
    for name in HAND_CODED:
        structs.pop(name, None)
    roots = [
        name
        for name, fields in structs.items()
        if any(field[1] == "meta/v1.TypeMeta" for field in fields) and not name.endswith("List")
    ]
    roots = [name for name in roots if not name.startswith("meta/v1.")]
    keep = reachable(structs, aliases, roots)
    data = {
        "roots": sorted(roots),
        "structs": {name: fields for name, fields in sorted(structs.items()) if name in keep},
        "aliases": {name: target for name, target in sorted(aliases.items()) if name in keep},
    }
    text = json.dumps(data, separators=(",", ":"), sort_keys=True)
    arguments.out.write_bytes(zlib.compress(text.encode(), 9))
    known = {*data["structs"], *data["aliases"], *BASIC, *HAND_CODED}
    unknown = sorted(name for name in keep if name not in known)
    print(
        f"{len(data['structs'])} structs, {len(roots)} kinds, {arguments.out.stat().st_size} bytes; opaque: {unknown}"
    )


if __name__ == "__main__":
    main()
