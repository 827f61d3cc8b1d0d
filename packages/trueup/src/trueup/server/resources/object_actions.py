"""What can be done to single objects by name: Argo CD's actions that are a change of a field or two, by kind."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from kubegrammar.time import format_time
from trueup.server.errors import Code, Fault
from trueup.server.request import Json

MOST_REPLICAS = 100_000


class ObjectChanges(msgspec.Struct, frozen=True):
    """What an action changes.

    Attributes:
        patch: a merge patch of the object; empty for none.
        status: a merge patch of its status, which is written apart.
        made: another object that is made; empty for none.
    """

    patch: Json = {}
    status: Json = {}
    made: Json = {}


class ObjectAction(msgspec.Struct, frozen=True):
    """Something that can be done to an object.

    Attributes:
        change: what it changes, from the object, the parameters and the time.
        parameters: their names.
        idle: whether there is nothing to do, by the object.
        creates: group and kind of what it makes.
    """

    change: Callable[[Json, Mapping[str, str], datetime], ObjectChanges]
    parameters: tuple[str, ...] = ()
    idle: Callable[[Json], bool] = lambda _: False
    creates: tuple[str, str] = ("", "")


def part(value: Any, *names: str) -> Json:
    """A mapping in a mapping; an empty one where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _restart(body: Json, _: Mapping[str, str], now: datetime) -> ObjectChanges:
    annotations = {"kubectl.kubernetes.io/restartedAt": format_time(now)}
    return ObjectChanges({"spec": {"template": {"metadata": {"annotations": annotations}}}})


def _setting(field: str, value: bool) -> ObjectAction:
    return ObjectAction(
        lambda *_: ObjectChanges({"spec": {field: value}}),
        idle=lambda body: bool(part(body, "spec").get(field, False)) is value,
    )


def _scale(body: Json, parameters: Mapping[str, str], _: datetime) -> ObjectChanges:
    text = parameters.get("replicas", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= MOST_REPLICAS):
        raise Fault(Code.INVALID_ARGUMENT, "replicas has to be a whole number")
    return ObjectChanges({"spec": {"replicas": int(text)}})


def _create_job(body: Json, _: Mapping[str, str], now: datetime) -> ObjectChanges:
    """A Job of a CronJob's template, as its controller makes one."""
    metadata, template = part(body, "metadata"), part(body, "spec", "jobTemplate")
    owner = {
        "apiVersion": body.get("apiVersion", "batch/v1"),
        "kind": "CronJob",
        "name": metadata.get("name", ""),
        "uid": metadata.get("uid", ""),
    }
    annotations = {**part(template, "metadata", "annotations"), "cronjob.kubernetes.io/instantiate": "manual"}
    made = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            # A Job's name has 63 letters at most.
            "name": f"{str(metadata.get('name', ''))[:50]}-{now:%Y%m%d%H%M}",
            "namespace": metadata.get("namespace", ""),
            "labels": part(template, "metadata", "labels"),
            "annotations": annotations,
            "ownerReferences": [owner],
        },
        "spec": part(template, "spec"),
    }
    return ObjectChanges(made=made)


def _ended(body: Json) -> bool:
    conditions = part(body, "status").get("conditions")
    found = conditions if isinstance(conditions, list) else []
    return any(
        part(each).get("type") in ("Complete", "Failed") and part(each).get("status") == "True" for each in found
    )


def _stop(*_: Any) -> ObjectChanges:
    return ObjectChanges({"spec": {"activeDeadlineSeconds": 1}})


# --- Argo Rollouts: what its own command line writes ------------------------------------------------------------------


def _paused(body: Json) -> bool:
    return bool(part(body, "spec").get("paused") or part(body, "status").get("pauseConditions"))


def _aborted(body: Json) -> bool:
    return bool(part(body, "status").get("abort"))


def _fully(body: Json) -> bool:
    status = part(body, "status")
    return bool(status.get("promoteFull")) or status.get("currentPodHash", "") == status.get("stableRS", "")


def _resume_rollout(*_: Any) -> ObjectChanges:
    return ObjectChanges({"spec": {"paused": False}}, {"status": {"pauseConditions": None}})


def _steps(body: Json) -> tuple[int, int]:
    """The step that a canary is at, and how many it has."""
    steps, index = (
        part(body, "spec", "strategy", "canary").get("steps"),
        part(body, "status").get("currentStepIndex"),
    )
    return index if isinstance(index, int) else 0, len(steps) if isinstance(steps, list) else 0


def _skip_step(body: Json, _: Mapping[str, str], __: datetime) -> ObjectChanges:
    at, count = _steps(body)
    return ObjectChanges(status={"status": {"pauseConditions": None, "currentStepIndex": min(at + 1, count)}})


def _restart_rollout(body: Json, _: Mapping[str, str], now: datetime) -> ObjectChanges:
    return ObjectChanges({"spec": {"restartAt": format_time(now)}})


_ROLLOUT = {
    "abort": ObjectAction(lambda *_: ObjectChanges(status={"status": {"abort": True}}), idle=_aborted),
    "pause": ObjectAction(lambda *_: ObjectChanges({"spec": {"paused": True}}), idle=_paused),
    "promote-full": ObjectAction(lambda *_: ObjectChanges(status={"status": {"promoteFull": True}}), idle=_fully),
    "restart": ObjectAction(_restart_rollout),
    "resume": ObjectAction(_resume_rollout, idle=lambda body: not _paused(body)),
    "retry": ObjectAction(
        lambda *_: ObjectChanges(status={"status": {"abort": False}}), idle=lambda body: not _aborted(body)
    ),
    "skip-current-step": ObjectAction(_skip_step, idle=lambda body: _steps(body)[0] >= _steps(body)[1]),
}


# --- Applications, Flux, External Secrets ----------------------------------------------------------------------------


def _automated(body: Json) -> bool:
    policy = part(body, "spec", "syncPolicy").get("automated")
    return isinstance(policy, dict) and policy.get("enabled") is not False


def _toggle(body: Json, _: Mapping[str, str], __: datetime) -> ObjectChanges:
    return ObjectChanges({"spec": {"syncPolicy": {"automated": {"enabled": not _automated(body)}}}})


def _noting(annotation: str, *, exact: bool = False) -> ObjectAction:
    """An annotation with the time, which its controller takes for a wish."""

    def change(body: Json, _: Mapping[str, str], now: datetime) -> ObjectChanges:
        text = now.isoformat() if exact else format_time(now)
        return ObjectChanges({"metadata": {"annotations": {annotation: text}}})

    return ObjectAction(change)


_SUSPEND = {"suspend": _setting("suspend", True), "resume": _setting("suspend", False)}
_FLUX = {"reconcile": _noting("reconcile.fluxcd.io/requestedAt", exact=True), **_SUSPEND}
_RESTART, _SCALE = ObjectAction(_restart), ObjectAction(_scale, ("replicas",))
BUILT: Mapping[tuple[str, str], Mapping[str, ObjectAction]] = {
    ("apps", "DaemonSet"): {"restart": _RESTART},
    ("apps", "Deployment"): {
        "restart": _RESTART,
        "pause": _setting("paused", True),
        "resume": _setting("paused", False),
        "scale": _SCALE,
    },
    ("apps", "StatefulSet"): {"restart": _RESTART, "scale": _SCALE},
    ("argoproj.io", "Application"): {"toggle-auto-sync": ObjectAction(_toggle)},
    ("argoproj.io", "Rollout"): _ROLLOUT,
    ("batch", "CronJob"): {"create-job": ObjectAction(_create_job, creates=("batch", "Job")), **_SUSPEND},
    ("batch", "Job"): {"terminate": ObjectAction(_stop, idle=_ended), **_SUSPEND},
    ("external-secrets.io", "ExternalSecret"): {"refresh": _noting("force-sync")},
    ("external-secrets.io", "PushSecret"): {"push": _noting("force-sync")},
    **{
        (group, kind): _FLUX
        for group, kinds in (
            ("source.toolkit.fluxcd.io", ("Bucket", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository")),
            ("kustomize.toolkit.fluxcd.io", ("Kustomization",)),
            ("helm.toolkit.fluxcd.io", ("HelmRelease",)),
            ("image.toolkit.fluxcd.io", ("ImageRepository", "ImageUpdateAutomation")),
            ("notification.toolkit.fluxcd.io", ("Receiver",)),
        )
        for kind in kinds
    },
}
"""By group and kind, and by name."""
