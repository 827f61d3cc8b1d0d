"""ConfigMaps, Secrets and ServiceAccounts."""

import base64
import json
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules
from pocketkube.cluster.resource import Object

_LARGEST: Final = 1024 * 1024
_FROZEN: Final = "field is immutable when `immutable` is set"
_REDACTED: Final = "<secret contents redacted>"
_REQUIRED: Final = {
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
"""Keys that a Secret of a type must have."""
_JSON: Final = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")


def settle_secret(obj: Object, _: str) -> None:
    """``stringData`` is a way to write ``data`` and is never stored."""
    texts = obj.pop("stringData", None)
    if texts:
        data = obj.setdefault("data", {})
        for key, text in texts.items():
            data[key] = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _config_map(obj: Object, problems: Problems) -> None:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    size = 0
    for key, value in data.items():
        problems.each(f"data[{key}]", key, names.config_key(key))
        if key in binary:
            problems.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
        size += len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    for key, value in binary.items():
        problems.each(f"binaryData[{key}]", key, names.config_key(key))
        size += _decoded_size(value)
    if size > _LARGEST:
        problems.too_long("[]", _LARGEST)


def _decoded_size(text: str) -> int:
    return len(text) // 4 * 3 - text.count("=", -2)


def _secret(obj: Object, problems: Problems) -> None:
    data, kind = obj.get("data") or {}, obj.get("type", "")
    for key in data:
        problems.each(f"data[{key}]", key, names.config_key(key))
    if sum(map(_decoded_size, data.values())) > _LARGEST:
        problems.too_long("data", _LARGEST)
    if kind == "kubernetes.io/service-account-token":
        key = "kubernetes.io/service-account.name"
        if not (obj["metadata"].get("annotations") or {}).get(key):
            problems.required(f"metadata.annotations[{key}]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        problems.required("data[username]")
        problems.required("data[password]")
    for key in _REQUIRED.get(kind, ()):
        if key not in data or (kind == "kubernetes.io/ssh-auth" and not data[key]):
            problems.required(f"data[{key}]")
        elif kind in _JSON and (wrong := _json_problem(data[key])):
            problems.invalid(f"data[{key}]", _REDACTED, wrong)


def _json_problem(encoded: str) -> str:
    text = base64.b64decode(encoded)
    if not text:
        return "unexpected end of JSON input"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        first = text.strip()[:1].decode("utf-8", "replace")
        return f"invalid character '{first}' looking for beginning of value"
    if isinstance(value, dict) or value is None:
        return ""
    shown = {str: "string", bool: "bool", list: "array"}.get(type(value), "number")
    return f"json: cannot unmarshal {shown} into Go value of type map[string]interface {{}}"


def _change(old: Object, new: Object, problems: Problems) -> None:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        problems.forbidden("immutable", _FROZEN)
    for key in ("data", "binaryData"):
        if (old.get(key) or {}) != (new.get(key) or {}):
            problems.forbidden(key, _FROZEN)


def _bare_references(_: Any, obj: Object) -> None:
    """Only the names of a ServiceAccount's secrets are kept."""
    if obj.get("secrets"):
        obj["secrets"] = [{"name": item["name"]} if item.get("name") else {} for item in obj["secrets"]]


def _secret_labels(obj: Object) -> dict[str, str]:
    return {"type": obj.get("type", "")}


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("", "ConfigMap"): KindRules(check=_config_map, change=_change),
    ("", "Secret"): KindRules(
        settle=settle_secret,
        check=_secret,
        change=_change,
        immutable=(("type",),),
        labels=_secret_labels,
    ),
    ("", "ServiceAccount"): KindRules(
        create=_bare_references,
        update=lambda cluster, _, new: _bare_references(cluster, new),
    ),
}
