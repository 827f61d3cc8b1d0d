"""Distils what the embedded cluster serves from the documents of a Kubernetes release.

    python tools/schemas/build.py $(go env GOMODCACHE)/k8s.io packages/pocketkube/src/pocketkube/cluster/catalog/data

Written are ``resources.json.zz`` (discovery), ``schemas.zip`` and ``descriptions.zip`` (OpenAPI v3, one member per
group version) and ``protobuf.json.zz`` (the fields of messages by number).
"""

import argparse
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

KUBERNETES, MINOR = "kubernetes@v1.37.2", "@v0.37.2"
PROTO_MODULES = ("api", "apimachinery", "apiextensions-apiserver", "kube-aggregator")
STABLE = re.compile(r"v\d+$")
PREFERRED = {"horizontalpodautoscalers.autoscaling": "autoscaling/v2"}
SHARED = {("events.k8s.io", "events"): ("events", "v1")}
"""Resources that a second group serves from the store of the first."""
MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^  (optional|repeated) ([\w.]+) (\w+) = (\d+);$", re.M)
MAP = re.compile(r"^  map<string, ([\w.]+)> (\w+) = (\d+);$", re.M)
PACKAGE = re.compile(r"^package ([\w.]+);", re.M)
STAMP = (1980, 1, 1, 0, 0, 0)
"""Archives hold no time of their making, so that equal input makes equal files."""

Json = dict[str, Any]


def main() -> None:
    """Reads the modules, writes the data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", type=Path, help="the k8s.io folder of a Go module cache")
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    release = arguments.modules / KUBERNETES / "api"
    data: Path = arguments.data
    data.mkdir(parents=True, exist_ok=True)
    documents = openapi(release / "openapi-spec" / "v3")
    pack(data / "resources.json.zz", resources(release / "discovery"))
    archive(data / "schemas.zip", {name: document["schemas"] for name, document in documents.items()})
    archive(data / "descriptions.zip", {name: document["descriptions"] for name, document in documents.items()})
    pack(data / "protobuf.json.zz", messages(arguments.modules, documents))


def pack(path: Path, value: Any) -> None:
    """One compressed JSON value."""
    path.write_bytes(zlib.compress(json.dumps(value, separators=(",", ":"), sort_keys=True).encode(), 9))


def archive(path: Path, members: Json) -> None:
    """A member per group version, each readable without the others."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, value in sorted(members.items()):
            text = json.dumps(value, separators=(",", ":"), sort_keys=True)
            zipped.writestr(zipfile.ZipInfo(f"{name}.json", STAMP), text, zipfile.ZIP_DEFLATED, 9)


def stable(version: str) -> bool:
    """Whether a version is served by default."""
    return bool(STABLE.fullmatch(version))


# Discovery


def resources(folder: Path) -> Json:
    """Groups in the order they are served, and the resources of each version."""
    aggregated = json.loads((folder / "aggregated_v2.json").read_text())
    groups = [{"name": "", "versions": ["v1"]}]
    for item in aggregated["items"]:
        versions = [one["version"] for one in item["versions"] if stable(one["version"])]
        if versions:
            groups.append({"name": item["metadata"]["name"], "versions": versions})
    listed = []
    for group in groups:
        for version in group["versions"]:
            name = f"apis__{group['name']}__{version}.json" if group["name"] else f"api__{version}.json"
            listed += _resources(json.loads((folder / name).read_text())["resources"], str(group["name"]), version)
    return {"groups": groups, "resources": listed}


def _resources(served: list[Json], group: str, version: str) -> list[Json]:
    found: dict[str, Json] = {}
    api_version = f"{group}/{version}" if group else version
    for one in sorted(served, key=lambda resource: "/" in resource["name"]):
        name, _, sub = one["name"].partition("/")
        if sub:
            speaks = [one.get("group", group), one.get("version", version), one["kind"], one["verbs"]]
            parent = found.get(name) or found.setdefault(name, {"plural": name, "subresources": {}})
            parent["subresources"][sub] = speaks
            continue
        stored = f"{name}.{group}" if group else name
        storage = PREFERRED.get(stored, api_version)
        stored, storage = SHARED.get((group, name), (stored, storage))
        found[name] = {
            "group": group,
            "version": version,
            "kind": one["kind"],
            "plural": name,
            "singular": one["singularName"],
            "namespaced": one["namespaced"],
            "verbs": one["verbs"],
            "stored_as": stored,
            "storage_version": storage,
            "short_names": one.get("shortNames", []),
            "categories": one.get("categories", []),
            "storage_version_hash": one.get("storageVersionHash", ""),
            "subresources": {},
        }
    return list(found.values())


# OpenAPI


def openapi(folder: Path) -> dict[str, Json]:
    """Schemas and descriptions by group version, named as their documents are."""
    found = {}
    for path in sorted(folder.glob("*_openapi.json")):
        parts = path.name.removesuffix("_openapi.json").split("__")
        if not stable(parts[-1]):
            continue
        schemas = json.loads(path.read_text())["components"]["schemas"]
        descriptions = {name: _texts(schema) for name, schema in schemas.items()}
        bare = {name: _bare(schema) for name, schema in schemas.items()}
        found["/".join(parts)] = {"schemas": bare, "descriptions": descriptions}
    return found


def _texts(schema: Json) -> list[Any]:
    """The description of a schema and those of its properties."""
    texts = {
        name: inner["description"] for name, inner in schema.get("properties", {}).items() if "description" in inner
    }
    return [schema.get("description", ""), texts]


def _bare(schema: Any) -> Any:
    """A schema without descriptions; a property may have that name."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _bare(inner) for key, inner in value.items()} if name == "properties" else _bare(value)
        for name, value in schema.items()
        if name != "description"
    }


# Protocol buffers


def messages(modules: Path, documents: dict[str, Json]) -> Json:
    """Fields of every message: number → JSON name, type, and what it is (``r`` repeated, ``m`` map, ``i`` inlined).

    A field that the JSON form inlines has no name of its own there; the OpenAPI schema of the message tells which.
    """
    properties: dict[str, set[str]] = {}
    for document in documents.values():
        for name, schema in document["schemas"].items():
            properties[name] = set(schema.get("properties", {}))
    found: Json = {}
    for module in PROTO_MODULES:
        for path in sorted((modules / f"{module}{MINOR}").rglob("generated.proto")):
            text = re.sub(r"^\s*//.*\n", "", path.read_text(), flags=re.M)
            package = PACKAGE.search(text)
            assert package is not None, path
            for name, body in MESSAGE.findall(text):
                found[f"{package.group(1)}.{name}"] = _fields(body, package.group(1))
    for name, fields in found.items():
        known = properties.get(_schema_name(name))
        spelled = {each.lower(): each for each in known or ()}
        for field in fields.values():
            field[0] = spelled.get(field[0].lower(), field[0])
            if known and field[0] not in known and "." in field[1] and not field[2]:
                field[2] = "i"
            elif known and field[0] not in known:
                print(f"{name}.{field[0]}: not in the schema")
    return found


def _schema_name(message: str) -> str:
    return message.replace("k8s.io.", "io.k8s.", 1)


def _fields(body: str, package: str) -> dict[str, list[str]]:
    fields = {}
    for label, kind, name, number in FIELD.findall(body):
        fields[number] = [name, _full(kind, package), "r" if label == "repeated" else ""]
    for kind, name, number in MAP.findall(body):
        fields[number] = [name, _full(kind, package), "m"]
    assert len(fields) == body.count(";"), body
    return fields


def _full(kind: str, package: str) -> str:
    if kind.startswith("."):
        return kind[1:]
    return f"{package}.{kind}" if kind[0].isupper() else kind


if __name__ == "__main__":
    main()
