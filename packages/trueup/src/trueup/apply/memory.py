"""What was applied last: the annotation of client-side apply, and what stands in its place where it is missing.

kubectl, Argo CD and this engine read and write the same annotation, so that an object may go from one to the other. Of
a Secret it holds digests in the place of values; what another tool left there in plain is replaced with the next apply.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kubegrammar.patch import equal
from trueup.apply.sanitise import sanitised
from trueup.diff.ownership import last_applied
from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject
from trueup.model.server_owned import fold_string_data

Object = dict[str, Any]

ANNOTATIONS_LIMIT: Final = 256 * 1024
"""Bytes that all annotations of an object may have (apimachinery ``TotalAnnotationSizeLimitB``)."""
_LONG: Final = 256
_SALT: Final = 16
_SCHEME: Final = "hmac-sha256"


def with_memory(wanted: Object, live: LiveObject | None, *, secret: bool) -> tuple[Object, bool]:
    """The object with the annotation that remembers it, as kubectl writes it, and whether there is room for it.

    What would be too long is remembered with digests in the place of its long texts, and if that is too long as well,
    not at all: kubectl fails on such objects, and the fields they have matter less than that they can be applied.
    """
    metadata = wanted.get("metadata") or {}
    declared = metadata.get("annotations")
    if declared is not None and not isinstance(declared, dict):
        return wanted, True  # for the server to refuse
    annotations = {name: text for name, text in (declared or {}).items() if name != LAST_APPLIED}
    bare = {**wanted, "metadata": {**metadata, "annotations": annotations}}
    shown = _digested(bare, _salt(live)) if secret else bare
    kept = live.annotations.get(LAST_APPLIED, "") if live else ""
    if kept and equal(_read(kept), shown):
        # Another tool's spelling of the same (kubectl escapes ``<``): an object in sync is not written for it.
        return {**bare, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: kept}}}, True
    others = {**(live.annotations if live else {}), **annotations}
    room = ANNOTATIONS_LIMIT - sum(
        len(name.encode()) + len(str(text).encode()) for name, text in others.items() if name != LAST_APPLIED
    )
    for what in (shown, _texts(shown, _shortened)):
        text = msgspec.json.encode(what, order="deterministic").decode() + "\n"
        if len(LAST_APPLIED) + len(text.encode()) <= room:
            return {**bare, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: text}}}, True
    return bare, False


def memories(live: LiveObject, *, secret: bool) -> list[Object]:
    """What is known to have been applied to an object: by its annotation, and by our record of server-side apply.

    An annotation that cannot be read tells nothing, and nothing is deleted on its account.
    """
    there = live.object()
    known: list[Object] = [{"metadata": {"annotations": {LAST_APPLIED: ""}}}]
    if memory := _read(live.annotations.get(LAST_APPLIED, "")):
        memory = sanitised(memory)
        if secret:
            fold_string_data(memory)
        known.append(memory)
    known.append(last_applied(there))
    return known


def _read(text: str) -> Object:
    try:
        memory = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(memory, dict) or not isinstance(memory.get("metadata", {}), dict):
        return {}
    return memory


def _digested(secret: Object, salt: bytes) -> Object:
    """A Secret with a digest in the place of each value.

    The digests are keyed by a salt of the object and by all that the Secret holds: a guess at a short value cannot be
    tried without knowing the others. They are base64, as every reader of a Secret's ``data`` expects.
    """
    fields = [field for field in ("data", "stringData") if secret.get(field) is not None]
    held = msgspec.json.encode({field: secret[field] for field in fields}, order="deterministic")
    key = hashlib.sha256(salt + held).digest()

    def digest(name: str, value: Any) -> str:
        said = msgspec.json.encode([name, value], order="deterministic")
        text = f"{_SCHEME}:{salt.hex()}:{hmac.new(key, said, hashlib.sha256).hexdigest()}"
        return base64.b64encode(text.encode()).decode()

    shown = dict(secret)
    for field in fields:
        values = secret[field]
        shown[field] = (
            {name: digest(str(name), value) for name, value in values.items()}
            if isinstance(values, dict)
            else digest(field, values)
        )
    return shown


def _salt(live: LiveObject | None) -> bytes:
    """The salt that an object has, so that an apply that changes nothing writes nothing; else a new one."""
    values = _read(live.annotations.get(LAST_APPLIED, "")).get("data") if live else None
    for value in values.values() if isinstance(values, dict) else ():
        try:
            scheme, salt, _ = base64.b64decode(value, validate=True).decode().split(":")
            if scheme == _SCHEME and len(salt) == 2 * _SALT:
                return bytes.fromhex(salt)
        except (ValueError, TypeError):
            continue
    return os.urandom(_SALT)


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _texts(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
