"""What Argo CD does for a field or setting and this engine does not yet: automation stops, and the field is named.

A difference that nobody sees is worse than a sync that somebody has to ask for. What changes nothing in the cluster
(remarks, roles of a user interface, how things are shown) stops nothing.
"""

import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from kubegrammar.glob import glob_match
from trueup.model.application import Application, Operation, Source
from trueup.model.project import Project
from trueup.model.resource import ResourceKey

CONDITION = "UnsupportedFieldError"
"""Type of the condition; ours, for Argo CD has no such case."""
_SHOWN = 20


class Unbuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A field that is not acted on, and whom it concerns.

    Attributes:
        field: where it is written.
        reason: what does not happen.
        group, kind: globs of the objects it is about; it concerns an application that has one.
        tool: renderer it is about, such as ``Kustomize``; empty for all.
        declared: a top-level field of manifests it is about; empty for all.
        selector: labels that a project must have, as a Kubernetes label selector; None for all.
    """

    field: str
    reason: str
    group: str = "*"
    kind: str = "*"
    tool: str = ""
    declared: str = ""
    selector: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class Subject(msgspec.Struct, frozen=True):
    """An application as settings may concern it.

    Attributes:
        keys: of its objects.
        tools: renderers of its sources.
        declared: top-level fields of its manifests.
    """

    project: Project
    keys: Collection[ResourceKey] = ()
    tools: Collection[str] = ()
    declared: Collection[str] = ()


def unbuilt_fields(app: Application, project: Project) -> list[Unbuilt]:
    """The fields of an application and of its project that are not acted on."""
    found = list(_of_sources(app))
    policy = app.spec.sync_policy
    if policy and policy.retry and policy.retry.refresh:
        found.append(
            Unbuilt(
                field="spec.syncPolicy.retry.refresh",
                reason="a retry takes the revision that failed, not a newer one",
            )
        )
    return found + list(_of_project(project))


def unbuilt_operation(operation: Operation) -> str:
    """Why an operation cannot be carried out as it is asked for; empty when it can."""
    if operation.retry is not None and operation.retry.refresh:
        return "operation.retry.refresh: a retry with a newer revision is not supported"
    return ""


def concerning(settings: Iterable[Unbuilt], subject: Subject) -> list[Unbuilt]:
    """Of the settings that are not acted on, those that concern an application."""
    return [setting for setting in settings if _concerns(setting, subject)]


def messages(found: Iterable[Unbuilt]) -> list[tuple[str, str]]:
    """Conditions as (type, message)."""
    texts = sorted(str(each) for each in found)
    told = [f"{text}; automated sync and self-heal are off for this application" for text in texts[:_SHOWN]]
    if len(texts) > _SHOWN:
        told.append(f"and {len(texts) - _SHOWN} fields more")
    return [(CONDITION, text) for text in told]


def unknown_fields(raw: Any, type_: Any, place: str) -> list[str]:
    """The places of fields in an object that its type does not have: of a newer version, or slips.

    Args:
        raw: as decoded from JSON.
        type_: what it is read as. Free-form values (``Any``) hold no unknown fields.
    """
    return list(_unknown(raw, type_, place))


def _of_sources(app: Application) -> Iterator[Unbuilt]:
    for index, source in enumerate(app.spec.all_sources()):
        place = f"spec.sources[{index}]" if app.spec.sources else "spec.source"
        yield from _of_source(source, place)


def _of_source(source: Source, place: str) -> Iterator[Unbuilt]:
    if source.kustomize and source.kustomize.version:
        yield Unbuilt(field=f"{place}.kustomize.version", reason="there is one version of kustomize alone")


def _of_project(project: Project) -> Iterator[Unbuilt]:
    spec, place = project.spec, f"project {project.metadata.name}: spec"
    if spec.source_integrity and spec.source_integrity.get("helm"):
        yield Unbuilt(field=f"{place}.sourceIntegrity.helm", reason="provenance of charts is not checked")


def _concerns(setting: Unbuilt, subject: Subject) -> bool:
    if setting.tool and setting.tool not in subject.tools:
        return False
    if setting.declared and setting.declared not in subject.declared:
        return False
    if setting.selector is not None and not _selected(setting.selector, subject.project.metadata.labels):
        return False
    if (setting.group, setting.kind) == ("*", "*"):
        return True
    return any(glob_match(setting.group, key.group) and glob_match(setting.kind, key.kind) for key in subject.keys)


def _selected(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels may be selected; what cannot be read selects everything."""
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    if not isinstance(wanted, dict) or not isinstance(expressions, list):
        return True
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _expressed(each, labels) for each in expressions
    )


def _expressed(expression: Any, labels: Mapping[str, str]) -> bool:
    if not isinstance(expression, dict):
        return True
    value, values = labels.get(str(expression.get("key"))), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return True


@cache
def _fields(type_: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Types of fields by their names in JSON. Each version of each application is asked for them."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(type_)}


def _unknown(raw: Any, type_: Any, place: str) -> Iterator[str]:
    if isinstance(type_, types.UnionType) or typing.get_origin(type_) is typing.Union:
        for option in typing.get_args(type_):
            yield from _unknown(raw, option, place)
    elif typing.get_origin(type_) is list and isinstance(raw, list):
        (item,) = typing.get_args(type_)
        for index, value in enumerate(raw):
            yield from _unknown(value, item, f"{place}[{index}]")
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(raw, dict):
        fields = _fields(type_)
        for name, value in raw.items():
            if name not in fields:
                yield f"{place}.{name}"
            else:
                yield from _unknown(value, fields[name], f"{place}.{name}")
