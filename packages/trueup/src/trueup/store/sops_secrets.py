"""Secrets with the private keys that encrypted files are opened by, and which project may have them used."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trueup.model.annotations import SOPS_KEYS
from trueup.model.seal import NO_KEYS, SopsKeys

if TYPE_CHECKING:
    # Commands that read Secrets need no projects for it.
    from trueup.model.project import Project

AGE, PGP = ".agekey", ".asc"
"""How the fields of a Secret end that hold keys, as in Flux."""
_MOST = 64
_LONGEST = 64 * 1024


class SopsSecrets:
    """What is known of them, of the control namespace alone. A project has the keys used that its annotation names.

    Attributes:
        version: grows with each change.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._data: dict[str, Mapping[str, str]] = {}
        self._named: dict[str, SopsKeys] = {}
        self.version = 0

    def clear(self) -> None:
        """All of them are read anew."""
        self._data.clear()
        self._forget()

    def put(self, name: str, data: Mapping[str, str] | None) -> None:
        """Know a Secret, or that there is none."""
        if data is None and name not in self._data:
            return
        self._data.pop(name, None)
        if data is not None:
            self._data[name] = data
        self._forget()

    def confidential(self) -> Iterator[str]:
        """The values that nobody may be told."""
        for data in self._data.values():
            for text in data.values():
                yield text
                yield from (line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))

    def name_for(self, project: "Project") -> str:
        """Names the keys of a project; empty where it has none, and encrypted files are read as they are."""
        names = [each.strip() for each in project.metadata.annotations.get(SOPS_KEYS, "").split(",") if each.strip()]
        if not names:
            return ""
        keys = self._keys(names, project.metadata.name)
        self._named[keys.name] = keys
        return keys.name

    def keys(self, name: str) -> SopsKeys:
        """Keys by the name that :meth:`name_for` gave them; none where they have changed since then."""
        return self._named.get(name, NO_KEYS)

    def _keys(self, names: list[str], project: str) -> SopsKeys:
        fields = [
            (field, text)
            for name in names[:_MOST]
            for field, text in sorted(self._data.get(name, {}).items())
            if len(text) <= _LONGEST
        ]
        shown = ", ".join(f"{self._namespace}/{name[:80]}" for name in names[:_MOST])
        return SopsKeys(
            tuple(text for field, text in fields if field.endswith(AGE))[:_MOST],
            tuple(text for field, text in fields if field.endswith(PGP))[:_MOST],
            f"Secret {shown} (project {project})",
        )

    def _forget(self) -> None:
        self._named.clear()
        self.version += 1
