"""Asks an API server what it would say to manifests."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError, BadRequest, DuplicateKey, NotFound, TypedPatchRefused, UndeclaredField
from trueup.kube.transport import APPLY_PATCH
from trueup.model.annotations import FIELD_MANAGER, GROUP
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.resource import SECRET, GroupKind
from trueup.offline.misfit import misfits

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
NAMESPACE = GroupKind("", "Namespace")
READY_SECONDS = 10.0
POLL_SECONDS = 0.02

_UNKNOWN = re.compile(r'((?:unknown|duplicate) field) "([^"]+)"')
_DECODED = re.compile(r"Go struct field \w+\.(\S+) of type")
_MEANINGS: dict[type[ApiError], str] = {
    UndeclaredField: "field not declared in schema",
    DuplicateKey: "duplicate entries for a key",
}
_HINTS = (
    (re.compile(r"expected numeric.*got string|unmarshal string .*of type u?int"), "write the number without quotes"),
    (re.compile(r"expected boolean.*got string|unmarshal string .*of type bool"), "write true or false without quotes"),
    (re.compile(r"expected string, got|unmarshal (?:number|bool) .*of type string"), "put the value into quotes"),
    (re.compile(r"expected list, got|of type \[\]"), "write a list: each item begins with -"),
    (re.compile(r"expected map, got"), "write fields below it, as a mapping"),
)
"""What to do about a value of another type than the field's."""
_TYPED = re.compile(r"^\s*\.(\S+?): (.+)$", re.MULTILINE)


class UnknownKind(TrueupError):
    """No API that is served has this kind.

    Attributes:
        certain: its group is known, so no definition from elsewhere will bring the kind.
    """

    def __init__(self, message: str, *, certain: bool, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.certain = certain


class TrialFault(msgspec.Struct, frozen=True):
    """One thing a server has against a manifest; ``field`` is empty where it names none."""

    field: str
    message: str
    hint: str = ""


class Trial:
    """A fresh cluster to try manifests on.

    Args:
        client: its administrator's.
    """

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client, self._discovery = client, discovery

    async def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> list[TrialFault]:
        """Make a namespace, unless it is there."""
        metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
        body = msgspec.json.encode({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        try:
            await self._apply(self._known(NAMESPACE), "", name, body, dry_run=False)
        except ApiError as error:
            return list(faults_of(error))
        return []

    async def create(self, manifest: Manifest) -> list[TrialFault]:
        """Apply a manifest for real: what others build on."""
        return await self._try(manifest, dry_run=False)

    async def ask(self, manifest: Manifest) -> list[TrialFault]:
        """What the server has against a manifest; it stores nothing.

        Raises:
            UnknownKind: it cannot say.
        """
        return await self._try(manifest, dry_run=True)

    async def serve(self, names: Iterable[str]) -> list[str]:
        """Wait until definitions are served; gives the names of those that are not."""
        type_ = self._known(DEFINITION)
        pending = list(names)
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while pending and asyncio.get_running_loop().time() < deadline:
            pending = [name for name in pending if not await self._established(type_, name)]
            await asyncio.sleep(POLL_SECONDS if pending else 0)
        await self._discovery.refresh()
        return pending

    async def _established(self, type_: ResourceType, name: str) -> bool:
        try:
            definition = (await self._client.get(type_, "", name)).object()
        except NotFound:
            return False
        conditions = (definition.get("status") or {}).get("conditions") or []
        return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

    async def _try(self, manifest: Manifest, *, dry_run: bool) -> list[TrialFault]:
        type_ = self._type(manifest)
        key = manifest.key
        try:
            if key.name:
                await self._apply(type_, key.namespace, key.name, manifest.body, dry_run=dry_run)
            else:
                await self._create(type_, key.namespace, manifest.body)
        except ApiError as error:
            found = misfits(manifest) if isinstance(error, BadRequest) else []
            return [TrialFault(each.field, each.message, each.hint) for each in found] or _once(faults_of(error))
        return []

    def _type(self, manifest: Manifest) -> ResourceType:
        group, _, version = manifest.api_version.rpartition("/")
        found = self._discovery.find(group, manifest.key.kind, version)
        if found is not None:
            return found
        other = self._discovery.find(group, manifest.key.kind)
        hint = f"it is served as {other.api_version}" if other else ""
        # Other kinds of our own group are other products'.
        served = {type_.group for type_ in self._discovery.types()} - {GROUP}
        certain = other is not None or "." not in group or group in served
        raise UnknownKind(f"no {manifest.key.kind} in {manifest.api_version}", certain=certain, hint=hint)

    def _known(self, kind: GroupKind) -> ResourceType:
        found = self._discovery.find(kind.group, kind.kind)
        assert found is not None, kind
        return found

    async def _apply(self, type_: ResourceType, namespace: str, name: str, body: bytes, *, dry_run: bool) -> None:
        await self._write("PATCH", type_, namespace, name, body, {"force": "true"}, APPLY_PATCH, dry_run=dry_run)

    async def _create(self, type_: ResourceType, namespace: str, body: bytes) -> None:
        await self._write("POST", type_, namespace, "", body, {}, "application/json", dry_run=True)

    async def _write(
        self,
        method: str,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: bytes,
        params: dict[str, str],
        content_type: str,
        *,
        dry_run: bool,
    ) -> None:
        params |= {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            params["dryRun"] = "All"
        await self._client.request(
            method,
            type_.path(namespace if type_.namespaced else "", name),
            params=params,
            body=body,
            content_type=content_type,
            repeatable=True,
            subject=_SUBJECT,
            secret=type_.group_kind == SECRET,
        )


_SUBJECT = "refused"
_REQUIRED = "Required value"


def _once(faults: Iterable[TrialFault]) -> list[TrialFault]:
    """Without what else is said of a field that is missing, and of none twice."""
    found = list(dict.fromkeys(faults))
    missing = {fault.field for fault in found if fault.message.startswith(_REQUIRED)}
    return [fault for fault in found if fault.field not in missing or fault.message.startswith(_REQUIRED)]


def faults_of(error: ApiError) -> Iterator[TrialFault]:
    """What a refusal says, one fault for each field it names."""
    text = error.message.removeprefix(f"{_SUBJECT}: ")
    causes = [cause for cause in error.causes if cause.field]
    unknown = _UNKNOWN.findall(text)
    decoded = _DECODED.search(text)
    typed = _TYPED.findall(text.partition("): ")[2]) if isinstance(error, TypedPatchRefused) else []
    if causes:
        yield from (TrialFault(cause.field, cause.message or text, error.hint) for cause in causes)
    elif unknown:
        yield from (TrialFault(field, what, error.hint) for what, field in unknown)
    elif typed:
        yield from (TrialFault(field, what, error.hint or hint_of(what)) for field, what in typed)
    elif isinstance(error, TypedPatchRefused) and error.fields:
        # Of a Secret the server's words are not shown; what its type says is no secret.
        text = _MEANINGS.get(type(error), text)
        yield from (TrialFault(field.lstrip("."), text, error.hint) for field in error.fields)
    else:
        yield TrialFault(decoded[1] if decoded else "", text, error.hint or hint_of(text))


def hint_of(text: str) -> str:
    """What to do about a value of a wrong type, by the server's words; empty where they say something else."""
    return next((hint for words, hint in _HINTS if words.search(text)), "")
