"""The wanted state of an application: what its sources' renderings declare, made its own."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from kubegrammar.hidden import secret_values
from kubegrammar.json import digest
from trueup import policy
from trueup.model.application import Application
from trueup.model.manifest import Manifest, Rendering
from trueup.model.resource import SECRET, names
from trueup.observe.remotes import Used
from trueup.render.stamp import stamp
from trueup.render.watched import Watched
from trueup.runtime import secrecy

SHOWN_WARNINGS = 10
"""Warnings of renders that become conditions, so that a status stays small."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The wanted state.

    Attributes:
        manifests: stamped, hooks among them, one for each key.
        content: digest of all manifests: equal for two commits that declare the same.
        revisions: a full SHA, or a chart's version, for each source.
        source_types: a renderer's name for each source.
        warnings: (condition type, message).
        unread: commits that were synced before and are not to be had: what was lost since then is not known.
        remotes: repositories elsewhere that its kustomizations name.
        elsewhere: URLs of these and of files, as the project was asked for them.
        secrets: what was encrypted of its files.
        watched: for each source, where a change of it would show.
    """

    manifests: tuple[Manifest, ...]
    content: str
    revisions: tuple[str, ...]
    source_types: tuple[str, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()
    remotes: tuple[Used, ...] = ()
    elsewhere: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    watched: tuple[Watched, ...] = ()


def target_of(
    app: Application,
    renderings: Sequence[Rendering],
    *,
    instance: str,
    namespaced: Callable[[str, str], bool | None],
    label_key: str,
) -> Target:
    """What renderings declare, made the application's."""
    stamped = stamp(
        [manifest for rendering in renderings for manifest in rendering.manifests],
        instance=instance,
        namespace=app.spec.destination.namespace,
        namespaced=namespaced,
        label_key=label_key,
    )
    warnings = [("RepeatedResourceWarning", text) for text in stamped.warnings]
    odd = [text for manifest in stamped.manifests for text in policy.odd_annotations(manifest)]
    told = [*odd, *stamped.notes, *(text for rendering in renderings for text in rendering.warnings)]
    warnings += [("RenderWarning", text) for text in told[:SHOWN_WARNINGS]]
    if len(told) > SHOWN_WARNINGS:
        warnings.append(("RenderWarning", f"and {len(told) - SHOWN_WARNINGS} warnings more"))
    return Target(
        manifests=stamped.manifests,
        content=digest("".join(sorted(manifest.digest for manifest in stamped.manifests)).encode()),
        revisions=(),
        source_types=tuple(rendering.source_type for rendering in renderings),
        warnings=tuple(warnings),
        secrets=tuple(dict.fromkeys(each for rendering in renderings for each in rendering.secrets)),
    )


def learn_secrets(target: Target, place: str = "declared") -> None:
    """The Secrets that Git declares, or that come along, are not told by the pass that meets them."""

    def values() -> Iterator[str]:
        yield from target.secrets
        for manifest in target.manifests:
            if manifest.group_kind == SECRET:
                yield from secret_values(manifest.object())

    def words() -> Iterator[str]:
        for manifest in target.manifests:
            yield manifest.origin
            if manifest.group_kind != SECRET:
                yield manifest.body.decode("utf-8", "replace")

    secrecy.wrote(place, words)
    secrecy.learn(place, values, lambda: names(manifest.key for manifest in target.manifests))
