"""Whether a project is one."""

from typing import Any

import msgspec

from trueup import policy
from trueup.cli.strict import WrittenObject, require_known_fields
from trueup.model.errors import TrueupError
from trueup.model.project import Project, SyncWindow
from trueup.runtime.clock import SystemClock


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
