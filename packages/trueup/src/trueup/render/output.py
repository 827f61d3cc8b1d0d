"""Rendered objects → manifests: checked, cleaned, canonical. All errors are collected, not the first only."""

import base64
from typing import Any

from kubegrammar import depth, json, pattern, yaml
from trueup.model.errors import RenderFailed
from trueup.model.lent import Substitution
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey, group_of
from trueup.model.server_owned import METADATA
from trueup.render.envsubst import SubstitutionError
from trueup.render.substituting import substituted

MAX_OBJECTS = 20_000
MAX_OBJECT_BYTES = 3 * 1024 * 1024
"""What an API server takes of one request (``--max-request-bytes`` of etcd is half of it)."""
MAX_BYTES = 32 * 1024 * 1024
"""JSON of all objects of one render."""
"""Of one source."""

MAX_ERRORS_SHOWN = 20
_MAX_LIST_DEPTH = 4

_API_VERSION = pattern.compile(r"[^/\s]+(/[^/\s]+)?")


class NoManifest(ValueError):
    """One object cannot be a manifest; the text says why."""


class Objects:
    """Collects the objects of one render.

    Args:
        substitution: variables that are replaced in each object.

    Attributes:
        barren: files that were read and hold no manifest.
        remedy: what to do about errors.
    """

    def __init__(self, source_index: int = 0, substitution: Substitution | None = None) -> None:
        self.manifests: list[Manifest] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.barren: list[str] = []
        self.remedy = "correct the named files and commit"
        self._source_index = source_index
        self._substitution = substitution
        self._bytes = 0

    @property
    def taken(self) -> int:
        """Objects and errors so far."""
        return len(self.manifests) + len(self.errors)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fail(self, text: str) -> None:
        self.errors.append(text)

    def read(self, document: yaml.Document, path: str, *, note: str = "") -> None:
        """Take one document of a text, unless it is two that have lost what stood between them: the last of each
        duplicate key would win, and the first object be gone.

        Args:
            note: said of the line behind an error.
        """
        if document.glued:
            self.fail(glued_problem(document, path, note))
            return
        self.add(document.value, path if note else f"{path}:{document.line}")

    def add(self, value: Any, origin: str) -> None:
        """Take one document; lists are expanded, an empty document is nothing."""
        self._add(value, origin, 0)

    def _add(self, value: Any, origin: str, lists: int) -> None:
        if value is None or len(self.manifests) > MAX_OBJECTS or self._bytes > MAX_BYTES:
            return
        if is_list(value):
            if lists >= _MAX_LIST_DEPTH:
                self.fail(f"{origin}: lists nested more than {_MAX_LIST_DEPTH} deep")
                return
            for index, item in enumerate(value.get("items") or ()):
                self._add_item(item, value, f"{origin} items[{index}]", lists + 1)
            return
        try:
            if self._substitution is not None:
                value = substituted(value, self._substitution)
            manifest = manifest_of(value, origin, self._source_index)
            self._bytes += len(manifest.body)
            if len(manifest.body) > MAX_OBJECT_BYTES:
                raise NoManifest(
                    f"larger than the {MAX_OBJECT_BYTES >> 20} MiB that an API server takes; make it smaller"
                )
            self.manifests.append(manifest)
        except NoManifest as error:
            self.fail(f"{origin}: {error}")
        except SubstitutionError as error:
            self.fail(f"{origin}: variable substitution failed: {error}")
        except RecursionError:
            self.fail(f"{origin}: nesting too deep")

    def _add_item(self, item: Any, listed: dict[str, Any], origin: str, lists: int) -> None:
        if item is None:
            self.fail(f"{origin}: an item of a list is null; complete it or remove it")
            return
        kind = listed["kind"].removesuffix("List")
        if kind and isinstance(item, dict) and not item.get("kind"):
            # As kubectl reads ConfigMapList and its like, whose items the API server writes without their kind.
            item = {**item, "kind": kind, "apiVersion": listed.get("apiVersion")}
        self._add(item, origin, lists)

    def finish(self) -> tuple[Manifest, ...]:
        """The manifests.

        Raises:
            RenderFailed: anything was wrong; the message holds every error, up to a limit.
        """
        if len(self.manifests) > MAX_OBJECTS:
            self.fail(f"more than {MAX_OBJECTS} objects")
        if self._bytes > MAX_BYTES:
            self.fail(f"the objects are larger than {MAX_BYTES >> 20} MiB together")
        if self.errors:
            found = list(dict.fromkeys(self.errors))
            shown = found[:MAX_ERRORS_SHOWN]
            if len(found) > len(shown):
                shown.append(f"and {len(found) - len(shown)} more")
            raise RenderFailed("; ".join(shown), hint=self.remedy)
        return tuple(self.manifests)


def glued_problem(document: yaml.Document, path: str, note: str = "") -> str:
    """What to say of a document that is two objects in one."""
    return (
        f"{path}:{document.glued}: apiVersion, kind or metadata comes twice in one object{note}; put a line '---' "
        "between two objects, or remove the duplicate key"
    )


def is_list(value: Any) -> bool:
    """Whether an object is a list of objects (``List``, ``ConfigMapList``); a kind so named without items is none."""
    if not isinstance(value, dict) or "items" not in value:
        return False
    kind = value.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(value["items"], list | None)


def manifest_of(value: Any, origin: str, source_index: int = 0) -> Manifest:
    """One manifest; ``value`` is cleaned in place.

    Raises:
        Invalid: it lacks what every object has, or has it with a wrong type.
    """
    if not isinstance(value, dict):
        raise NoManifest(f"a manifest must be a mapping, got {_type_name(value)}")
    kind = _text(value, "kind")
    api_version = _text(value, "apiVersion")
    if not _API_VERSION.fullmatch(api_version):
        raise NoManifest(
            f"{kind}: apiVersion {api_version[:80]!a} must be VERSION or GROUP/VERSION, such as v1 or apps/v1"
        )
    metadata = value.get("metadata")
    if metadata is None:
        metadata = value["metadata"] = {}
    if not isinstance(metadata, dict):
        raise NoManifest(f"{kind}: metadata must be a mapping, got {_type_name(metadata)}")
    name = _optional_text(metadata, "name", kind)
    generate_name = _optional_text(metadata, "generateName", kind)
    if not name and not generate_name:
        raise NoManifest(f"{kind} has no name (metadata.name)")
    namespace = _optional_text(metadata, "namespace", kind)
    subject = f"{kind} {name or generate_name}"
    annotations = _string_map(metadata, "annotations", subject)
    labels = _string_map(metadata, "labels", subject)
    _sanitise(value, metadata)
    if kind == "Secret" and api_version == "v1" and "stringData" in value:
        _fold_string_data(value, subject)
    try:
        body = json.canonical(value)
    except (TypeError, ValueError) as error:
        raise NoManifest(f"{subject}: {error}") from error
    if depth.nests_deeper(body):
        raise NoManifest(f"{subject}: nested more than {depth.DEEPEST} levels deep")
    return Manifest(
        key=ResourceKey(group_of(api_version), kind, namespace, name),
        api_version=api_version,
        body=body,
        digest=json.digest(body),
        annotations=annotations,
        labels=labels,
        generate_name="" if name else generate_name,
        origin=origin,
        source_index=source_index,
    )


def _sanitise(value: dict[str, Any], metadata: dict[str, Any]) -> None:
    value.pop("status", None)
    for field in METADATA:
        metadata.pop(field, None)


_BOOLEAN_KEY = ", and its key: y, n, yes, no, on and off are booleans"


def _fold_string_data(value: dict[str, Any], subject: str) -> None:
    """Fold ``stringData`` into ``data`` as the server does, so that comparing and applying agree (cluster-truths 5)."""
    texts = value.pop("stringData")
    if texts is None:
        return
    data = value.get("data")
    if not isinstance(texts, dict) or not isinstance(data, dict | None):
        raise NoManifest(f"{subject}: data and stringData must be mappings")
    folded = dict(data or {})
    for key, text in texts.items():
        if not isinstance(text, str):
            also = _BOOLEAN_KEY if key in ("true", "false") else ""
            raise NoManifest(f"{subject}: stringData.{key} must be a string, got {_type_name(text)} (quote it{also})")
        folded[key] = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    value["data"] = folded


def _text(value: dict[str, Any], field: str) -> str:
    text = value.get(field)
    if text is None or text == "":
        other = value.get("kind") if field == "apiVersion" else None
        raise NoManifest(f"{other} has no {field}" if isinstance(other, str) else f"it has no {field}")
    if not isinstance(text, str):
        raise NoManifest(f"{field} must be a string, got {_type_name(text)}")
    return text


def _optional_text(metadata: dict[str, Any], field: str, kind: str) -> str:
    text = metadata.get(field)
    if text is None:
        metadata.pop(field, None)
        return ""
    if not isinstance(text, str):
        raise NoManifest(f"{kind}: metadata.{field} must be a string, got {_type_name(text)} (quote it)")
    return text


def _string_map(metadata: dict[str, Any], field: str, subject: str) -> dict[str, str]:
    values = metadata.get(field)
    if values is None:
        # ``annotations:`` with nothing below means none; the server stores no null.
        metadata.pop(field, None)
        return {}
    if not isinstance(values, dict):
        raise NoManifest(f"{subject}: metadata.{field} must be a mapping, got {_type_name(values)}")
    for key, text in values.items():
        if text is None:
            values[key] = ""
        elif not isinstance(text, str):
            raise NoManifest(f"{subject}: metadata.{field}[{key}] must be a string, got {_type_name(text)} (quote it)")
    return dict(values)


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "string", list: "list", dict: "mapping"}
    return names.get(type(value), type(value).__name__)
