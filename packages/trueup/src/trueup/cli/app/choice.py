"""``--resource``: which objects of an application are meant. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec

from trueup.cli.app.access import ApplicationView
from trueup.model.errors import TrueupError
from trueup.model.hooks import is_hook
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import ResourceStatus

resource_option = click.option(
    "--resource",
    "resource",
    multiple=True,
    metavar="GROUP:KIND:[NS/]NAME",
    help="Only these resources, or with ! before it all others; * matches anything. Repeatable.",
)


class ResourcePattern(msgspec.Struct, frozen=True):
    """One ``--resource``; an empty field or ``*`` matches anything, but an empty group is the core group."""

    text: str
    excludes: bool
    group: str
    kind: str
    namespace: str
    name: str

    def matches(self, resource: ResourceStatus) -> bool:
        """Whether a resource is meant."""
        pairs = (
            (self.group, resource.group),
            (self.kind or "*", resource.kind),
            (self.namespace or "*", resource.namespace),
            (self.name or "*", resource.name),
        )
        return all(wanted in ("*", found) for wanted, found in pairs)


def pattern(text: str) -> ResourcePattern:
    """Read ``[!]GROUP:KIND:[NAMESPACE/]NAME``.

    Raises:
        click.UsageError: it is not of that form.
    """
    parts = text.removeprefix("!").split(":")
    if len(parts) != 3:
        raise click.UsageError(f"{text!r} is not GROUP:KIND:NAME (the core group is empty: ':Service:web')")
    namespace, _, name = parts[2].rpartition("/")
    return ResourcePattern(text, text.startswith("!"), parts[0], parts[1], namespace, name)


def labelled(manifests: Iterable[Manifest], labels: Mapping[str, str]) -> list[dict[str, str]]:
    """The ``resources`` of an operation for the objects that have one of some labels, hooks aside: those do not run
    in such a sync.

    Raises:
        TrueupError: no object has one.
    """
    found = [
        resource_of(manifest.key)
        for manifest in manifests
        if not is_hook(manifest.annotations) and labels.items() & manifest.labels.items()
    ]
    if not found:
        shown = ", ".join(f"{name}={value}" for name, value in labels.items())
        raise TrueupError(
            f"No matching resources found for labels: {shown}", hint="`trueup app manifests` shows what they have"
        )
    return found


def resource_of(each: ResourceKey | ResourceStatus) -> dict[str, str]:
    """An object as an operation names it."""
    return {"group": each.group, "kind": each.kind, "namespace": each.namespace, "name": each.name}


def meant(view: ApplicationView, patterns: Sequence[ResourcePattern]) -> list[ResourceStatus]:
    """The resources of an application that patterns mean; all without patterns."""
    wanted = [p for p in patterns if not p.excludes]
    unwanted = [p for p in patterns if p.excludes]
    return [
        resource
        for resource in view.status.resources
        if (not wanted or any(p.matches(resource) for p in wanted)) and not any(p.matches(resource) for p in unwanted)
    ]


def chosen(view: ApplicationView, patterns: Sequence[ResourcePattern]) -> dict[str, Any]:
    """The ``resources`` of an operation; nothing without patterns.

    Raises:
        TrueupError: the application has no such resource.
    """
    if not patterns:
        return {}
    wanted = [p for p in patterns if not p.excludes]
    for each in wanted:
        if not any(each.matches(resource) for resource in view.status.resources):
            raise TrueupError(
                f"application '{view.app.metadata.name}' has no resource {each.text}",
                hint=f"`trueup app get {view.app.metadata.name}` lists them",
            )
    found = list(map(resource_of, meant(view, patterns)))
    if not found:
        raise TrueupError(
            "--resource leaves nothing to sync", hint=f"`trueup app get {view.app.metadata.name}` lists the resources"
        )
    return {"resources": found}
