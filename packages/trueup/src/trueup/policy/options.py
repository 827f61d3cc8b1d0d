"""The sync options there are, and their values."""

_SWITCH = ("true", "false")
KNOWN = {
    "ApplyOutOfSyncOnly": _SWITCH,
    "ClientSideApplyMigration": _SWITCH,
    "CreateNamespace": _SWITCH,
    "Delete": (*_SWITCH, "confirm"),
    "FailOnSharedResource": _SWITCH,
    "Force": _SWITCH,
    "Prune": (*_SWITCH, "confirm"),
    "PruneLast": _SWITCH,
    "PrunePropagationPolicy": ("foreground", "background", "orphan"),
    "Replace": _SWITCH,
    "RespectIgnoreDifferences": _SWITCH,
    "ServerSideApply": _SWITCH,
    "SkipDryRunOnMissingResource": _SWITCH,
    "Validate": _SWITCH,
}


def option_problem(option: str) -> str:
    """What is wrong with a sync option; empty when nothing is.

    Options are compared as exact texts: ``Prune=False`` would silently mean nothing. A name nobody knows is let
    through, as in Argo CD, where a newer version may know it.
    """
    name, separator, value = option.partition("=")
    values = KNOWN.get(name)
    if values is None or value in values:
        return ""
    shown = f'"{value[:40]}"' if separator else "without a value"
    return f"unknown value for sync option {name}: {shown}; use {' or '.join(values)}"
