"""What an object or an application says that nothing will do: names and values that nobody knows. Pure.

Argo CD passes over them in silence: a mistyped hook is never applied, a mistyped option never holds.
"""

import difflib
from collections.abc import Iterator, Mapping

from trueup.model.annotations import HOOK, HOOK_DELETE_POLICY, SYNC_OPTIONS, SYNC_WAVE
from trueup.model.application import Application
from trueup.model.hooks import HookDeletePolicy, csv, hook_types, wave_is_read
from trueup.model.manifest import Manifest
from trueup.policy.options import KNOWN, option_problem

_POLICIES = tuple(policy.value for policy in HookDeletePolicy)
_SHOWN = 60


def odd_annotations(manifest: Manifest) -> list[str]:
    """A text for each annotation of a manifest whose value means nothing, naming file, object and value."""
    place = f"{manifest.origin}: {manifest.key.kind} {manifest.key.name or manifest.generate_name}"
    return [f"{place}: {text}" for text in _odd(manifest.annotations)]


def odd_options(app: Application) -> list[str]:
    """A text for each of an application's sync options of which nobody knows the name."""
    options = app.spec.sync_policy.sync_options if app.spec.sync_policy else []
    return [
        f"spec.syncPolicy.syncOptions[{index}]: {_unknown(option)}"
        for index, option in enumerate(options)
        if option.partition("=")[0] not in KNOWN
    ]


def _odd(annotations: Mapping[str, str]) -> Iterator[str]:
    if HOOK in annotations and not hook_types(annotations):
        yield f"{HOOK}: {_named(annotations[HOOK])} names no phase, so that it is never applied"
    for name in csv(annotations, HOOK_DELETE_POLICY):
        if name not in _POLICIES:
            yield f"{HOOK_DELETE_POLICY}: {_named(name)} is none of {', '.join(_POLICIES)}"
    if SYNC_WAVE in annotations and not wave_is_read(annotations[SYNC_WAVE]):
        yield f"{SYNC_WAVE}: {_named(annotations[SYNC_WAVE])} is no whole number, and counts as none"
    for option in csv(annotations, SYNC_OPTIONS):
        if option.partition("=")[0] not in KNOWN:
            yield f"{SYNC_OPTIONS}: {_unknown(option)}"
        elif problem := option_problem(option):
            yield f"{SYNC_OPTIONS}: {problem}"


def _unknown(option: str) -> str:
    name = option.partition("=")[0]
    folded = {known.lower(): known for known in KNOWN}
    near = difflib.get_close_matches(name[:_SHOWN].lower(), folded, n=1)
    meant = f" (did you mean {folded[near[0]]}?)" if near else ""
    return f"{_named(option)} is no sync option that is known, and has no effect{meant}"


def _named(text: str) -> str:
    return f'"{text[:_SHOWN]}"'
