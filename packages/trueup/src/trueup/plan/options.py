"""Sync options: exact strings, on the application, the operation or one object."""

from collections.abc import Mapping

import msgspec

from trueup.model.annotations import HELM_RESOURCE_POLICY, SYNC_OPTIONS
from trueup.model.hooks import csv

CREATE_NAMESPACE = "CreateNamespace=true"
PRUNE_LAST = "PruneLast=true"
PRUNE_FALSE = "Prune=false"
PRUNE_CONFIRM = "Prune=confirm"
DELETE_FALSE = "Delete=false"
DELETE_CONFIRM = "Delete=confirm"
REPLACE = "Replace=true"
FORCE = "Force=true"
SERVER_SIDE_APPLY = "ServerSideApply=true"
CLIENT_SIDE_APPLY = "ServerSideApply=false"
NO_MIGRATION = "ClientSideApplyMigration=false"
OUT_OF_SYNC_ONLY = "ApplyOutOfSyncOnly=true"
FAIL_ON_SHARED = "FailOnSharedResource=true"
RESPECT_IGNORED = "RespectIgnoreDifferences=true"
SKIP_MISSING_KIND = "SkipDryRunOnMissingResource=true"
NO_VALIDATION = "Validate=false"

_PROPAGATION = "PrunePropagationPolicy="
_PROPAGATIONS = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}


class Options(msgspec.Struct, frozen=True):
    """Options of a whole sync: ``spec.syncPolicy.syncOptions``, or the operation's own when it brings any."""

    texts: frozenset[str] = frozenset()

    def on(self, option: str, annotations: Mapping[str, str]) -> bool:
        """Whether an option holds for one object: its own annotation or the application's, added up."""
        return option in self.texts or option in csv(annotations, SYNC_OPTIONS)

    @property
    def propagation(self) -> str:
        """How pruning treats dependants: ``Foreground`` (default), ``Background`` or ``Orphan``."""
        for text in sorted(self.texts):
            if text.startswith(_PROPAGATION):
                return _PROPAGATIONS.get(text.removeprefix(_PROPAGATION), "Foreground")
        return "Foreground"

    def server_side(self, annotations: Mapping[str, str]) -> str:
        """How an object is applied: ``asked`` or ``off`` where somebody said so, else ``default``.

        ``ServerSideApply=false`` on an object overrides the application's option (Argo CD).
        """
        own = csv(annotations, SYNC_OPTIONS)
        if CLIENT_SIDE_APPLY in own:
            return "off"
        if SERVER_SIDE_APPLY in own or SERVER_SIDE_APPLY in self.texts:
            return "asked"
        return "off" if CLIENT_SIDE_APPLY in self.texts else "default"

    def prune(self, live: Mapping[str, str]) -> str:
        """``false``, ``confirm`` or empty, from the live object's annotations, else from the application."""
        return self._choice("Prune", live)

    def delete(self, live: Mapping[str, str]) -> str:
        """As :meth:`prune` for the deletion of the application; Helm's ``keep`` counts as ``false``."""
        if live.get(HELM_RESOURCE_POLICY, "").strip() == "keep":
            return "false"
        return self._choice("Delete", live)

    def _choice(self, name: str, live: Mapping[str, str]) -> str:
        own = csv(live, SYNC_OPTIONS)
        named = any(option.startswith(f"{name}=") for option in own)
        said = frozenset(own) if named else self.texts
        for value in ("false", "confirm"):
            if f"{name}={value}" in said:
                return value
        return ""
