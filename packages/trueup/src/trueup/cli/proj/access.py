"""Reading and writing one AppProject from a command."""

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from kubegrammar.patch import merge_diff
from trueup import policy
from trueup.cli.app.access import TRIES, served
from trueup.cli.strict import WrittenObject, require_known_fields
from trueup.kube.client import Client
from trueup.kube.errors import Conflict, NotFound
from trueup.model.errors import TrueupError
from trueup.model.project import Project, SyncWindow
from trueup.runtime.clock import SystemClock
from trueup.store.kinds import PROJECT
from trueup.store.projects import with_tokens_of_roles

Spec = dict[str, Any]


async def read(client: Client, namespace: str, name: str) -> dict[str, Any]:
    """A project as it is stored.

    Raises:
        TrueupError: there is none of that name.
    """
    try:
        with served():
            return (await client.get(PROJECT, namespace, name)).object()
    except NotFound as error:
        raise TrueupError(f"project {name} does not exist", hint="`trueup proj list` shows those that do") from error


async def change(client: Client, namespace: str, name: str, edit: Callable[[Spec], None]) -> bool:
    """Change a project's specification in place; whether anything has changed.

    Raises:
        TrueupError: what the change raises; it would not be a project any more; it changes too fast.
    """
    for _ in range(TRIES):
        before = await read(client, namespace, name)
        after = copy.deepcopy(before)
        edit(after.setdefault("spec", {}))
        require_valid(after)
        patch = merge_diff(before, with_tokens_of_roles(before, after))
        if not patch:
            return False
        patch["metadata"] = {"resourceVersion": before["metadata"]["resourceVersion"]}
        with suppress(Conflict):
            await client.patch(PROJECT, namespace, name, msgspec.json.encode(patch), kind="merge")
            return True
    raise TrueupError(f"project {name} changes too fast", hint="run the command again")


def require_valid(body: dict[str, Any]) -> None:
    """Refuse what is no project, and windows that would block everything because they cannot be read. Pure but for
    the clock.

    Raises:
        TrueupError: naming the field.
    """
    require_known_fields(WrittenObject("the project", {"spec": body.get("spec")}), Project)
    try:
        project = msgspec.convert({"spec": body.get("spec") or {}}, type=Project)
    except msgspec.ValidationError as error:
        raise TrueupError(f"the project is not valid: {error}", hint="correct that field") from error
    require_windows(project.spec.sync_windows)


def require_windows(windows: list[SyncWindow]) -> None:
    """Refuse windows that cannot be read.

    Raises:
        TrueupError: naming the field.
    """
    placed = [policy.AssignedWindow(f"spec.syncWindows[{index}]", each) for index, each in enumerate(windows)]
    if fault := policy.may_sync(placed, manual=False, now=SystemClock().now()).fault:
        raise TrueupError(f"the project is not valid: {fault}", hint="a window that cannot be read blocks every sync")
