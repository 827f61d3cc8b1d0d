"""Which manifests are hooks, when they run, and which wave an object belongs to: the annotations of Argo CD and Helm.

Rules: Argo CD ``gitops-engine/pkg/sync/hook`` and ``syncwaves``.
"""

from collections.abc import Mapping
from enum import StrEnum

from trueup.model.annotations import (
    HELM_HOOK,
    HELM_HOOK_DELETE_POLICY,
    HELM_HOOK_WEIGHT,
    HOOK,
    HOOK_DELETE_POLICY,
    SYNC_WAVE,
)
from trueup.model.status import SyncPhase

_ARGO_TYPES = frozenset({"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"})
_HELM_TYPES = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "pre-delete": "PreDelete",
    "post-delete": "PostDelete",
}
_MOST_DIGITS = 18


class DeletePhase(StrEnum):
    """When a hook runs as its application is deleted: before its objects are, or after."""

    PRE_DELETE = "PreDelete"
    POST_DELETE = "PostDelete"


class HookDeletePolicy(StrEnum):
    """When the object of a hook is deleted."""

    HOOK_SUCCEEDED = "HookSucceeded"
    HOOK_FAILED = "HookFailed"
    BEFORE_HOOK_CREATION = "BeforeHookCreation"


_HELM_POLICIES = {
    "hook-succeeded": HookDeletePolicy.HOOK_SUCCEEDED,
    "hook-failed": HookDeletePolicy.HOOK_FAILED,
    "before-hook-creation": HookDeletePolicy.BEFORE_HOOK_CREATION,
}


def csv(annotations: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The comma-separated values of an annotation, trimmed, without empty ones."""
    return tuple(item for part in annotations.get(name, "").split(",") if (item := part.strip()))


def hook_types(annotations: Mapping[str, str]) -> frozenset[str]:
    """Argo CD's hook types of an object, Helm's translated.

    A valid Argo CD value switches the object's Helm hook off; an invalid one falls back to it. Helm's rollback and
    test hooks have no counterpart.
    """
    if own := frozenset(csv(annotations, HOOK)) & _ARGO_TYPES:
        return own
    return frozenset(_HELM_TYPES[name] for name in csv(annotations, HELM_HOOK) if name in _HELM_TYPES)


def is_hook(annotations: Mapping[str, str]) -> bool:
    """Whether an object is a hook rather than declared state: the annotation's presence decides, not its value.

    Helm's ``crd-install`` is a plain object.
    """
    if HOOK in annotations:
        return True
    helm = csv(annotations, HELM_HOOK)
    return bool(helm) and "crd-install" not in helm


def sync_phases(annotations: Mapping[str, str]) -> tuple[SyncPhase, ...]:
    """The phases of a sync a hook runs in, in order; empty for Skip, delete hooks and invalid values.

    ``Skip`` counts only as the sole value.
    """
    types = hook_types(annotations)
    return tuple(phase for phase in SyncPhase if phase.value in types)


def delete_phases(annotations: Mapping[str, str]) -> tuple[DeletePhase, ...]:
    """The phases of a deletion a hook runs in, in order."""
    types = hook_types(annotations)
    return tuple(phase for phase in DeletePhase if phase.value in types)


def delete_policies(annotations: Mapping[str, str]) -> frozenset[HookDeletePolicy]:
    """The delete policies of a hook, Argo CD's and Helm's united; BeforeHookCreation when it names none."""
    known = {policy.value for policy in HookDeletePolicy}
    named = {HookDeletePolicy(name) for name in csv(annotations, HOOK_DELETE_POLICY) if name in known}
    helm = csv(annotations, HELM_HOOK_DELETE_POLICY)
    named |= {_HELM_POLICIES[name] for name in helm if name in _HELM_POLICIES}
    return frozenset(named) or frozenset({HookDeletePolicy.BEFORE_HOOK_CREATION})


def wave_is_read(text: str) -> bool:
    """Whether a sync wave is an integer; another one counts as absent."""
    digits = text[1:] if text.startswith(("+", "-")) else text
    return digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS


def wave_of(annotations: Mapping[str, str]) -> int:
    """The sync wave; Helm's hook weight where it is absent or no integer, else 0."""
    for name in (SYNC_WAVE, HELM_HOOK_WEIGHT):
        text = annotations.get(name, "")
        if wave_is_read(text):
            return int(text)
    return 0
