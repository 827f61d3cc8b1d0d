"""What ``argocd-rbac-cm`` says, and what of it cannot be read.

A text that cannot be read is not guessed at: what it said last stays in force, and where it never said anything it
permits nothing. A row that would allow and names what there is not is left aside with a warning, as it permits nothing
either way; one that would deny is an error.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from kubegrammar.yaml import YamlError, load
from trueup.policy.rbac.builtin import BUILT_IN
from trueup.policy.rbac.row import MatchMode, Membership, PolicyRow, Right, RowProblem, misspelt, read_rows

POLICY: Final = "policy.csv"
DEFAULT_ROLE: Final = "policy.default"
MATCH_MODE: Final = "policy.matchMode"
SCOPES: Final = "scopes"
GROUPS: Final = ("groups",)
"""Claims whose values are groups where no others are named."""


class RbacProblem(msgspec.Struct, frozen=True):
    """What is wrong with a key of the ConfigMap; ``line`` counts from 1, and is 0 for the whole of it."""

    key: str
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.key} row {self.line}" if self.line else self.key
        return f"{place}: {self.reason}"


class RbacConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Rights of an installation.

    Attributes:
        files: rows by the key that they are in, in the order in which they count.
        default_role: that everybody has who signed in, and who did not where anonymous access is on.
        mode: how resources, actions and objects are compared.
        scopes: claims of identity tokens whose values are groups.
        refused: what cannot be read; the last good of its key is in force.
        warnings: what is without effect.
    """

    files: Mapping[str, tuple[PolicyRow, ...]] = {}
    default_role: str = ""
    mode: MatchMode = "glob"
    scopes: tuple[str, ...] = GROUPS
    refused: tuple[RbacProblem, ...] = ()
    warnings: tuple[RbacProblem, ...] = ()

    @property
    def rows(self) -> Iterator[PolicyRow]:
        """All rows."""
        for rows in self.files.values():
            yield from rows


def read_config(data: Mapping[str, str], last: RbacConfig | None = None) -> RbacConfig:
    """The rights that a ConfigMap's data describes.

    Args:
        last: the configuration before, whose readable parts stay in force in place of unreadable ones.
    """
    last = last or RbacConfig()
    refused: list[RbacProblem] = []
    warnings: list[RbacProblem] = []
    mode = _mode(data.get(MATCH_MODE, ""), warnings)
    files: dict[str, tuple[PolicyRow, ...]] = {}
    for key in policy_keys(data):
        rows, wrong, odd = read_policy(key, data[key], mode)
        refused += wrong
        warnings += odd
        # Rows that were read in the other mode mean something else in this one.
        files[key] = rows if not wrong else last.files.get(key, ()) if last.mode == mode else ()
    default = data.get(DEFAULT_ROLE, "")
    config = RbacConfig(
        files=files,
        default_role=default,
        mode=mode,
        scopes=_scopes(data.get(SCOPES, ""), last.scopes, refused),
    )
    warnings += _without_effect(config)
    return msgspec.structs.replace(config, refused=tuple(refused), warnings=tuple(warnings))


def policy_keys(data: Mapping[str, str]) -> list[str]:
    """The keys that hold rows, in the order in which they count: ``policy.csv``, then ``policy.*.csv`` by name."""
    more = sorted(key for key in data if key.partition(".")[0] == "policy" and key.endswith(".csv") and key != POLICY)
    return ([POLICY] if POLICY in data else []) + more


def read_policy(
    key: str, text: str, mode: MatchMode
) -> tuple[tuple[PolicyRow, ...], list[RbacProblem], list[RbacProblem]]:
    """The rows of a text, what is wrong with it, and which rows are without effect."""
    rows: list[PolicyRow] = []
    wrong: list[RbacProblem] = []
    odd: list[RbacProblem] = []
    for line, row in read_rows(text, mode):
        if isinstance(row, RowProblem):
            wrong.append(RbacProblem(key, line, str(row)))
        elif isinstance(row, Right) and (problem := misspelt(row, mode)):
            odd.append(RbacProblem(key, line, problem))
        else:
            rows.append(row)
    return tuple(rows), wrong, odd


def _mode(text: str, warnings: list[RbacProblem]) -> MatchMode:
    if text not in ("", "glob", "regex"):
        warnings.append(RbacProblem(MATCH_MODE, 0, f"{text[:40]!r} is neither glob nor regex; glob is used"))
    return "regex" if text == "regex" else "glob"


def _scopes(text: str, last: tuple[str, ...], refused: list[RbacProblem]) -> tuple[str, ...]:
    if not text.strip():
        return GROUPS
    try:
        said: Any = load(text.encode(), SCOPES)
    except YamlError:
        said = None
    if isinstance(said, list) and all(isinstance(each, str) and each for each in said):
        return tuple(said)
    refused.append(RbacProblem(SCOPES, 0, f"not a YAML list of claims, such as [groups, email]: {text[:80]!r}"))
    return last


def _without_effect(config: RbacConfig) -> Iterator[RbacProblem]:
    """Roles that grant nothing, and those that have themselves."""
    rows = (*BUILT_IN, *config.rows)
    granted = {row.subject for row in rows if isinstance(row, Right)}
    above: dict[str, set[str]] = {}
    for row in rows:
        if isinstance(row, Membership):
            above.setdefault(row.member, set()).add(row.role)
    if config.default_role and not _reaches(config.default_role, above, granted):
        yield RbacProblem(DEFAULT_ROLE, 0, f"no row grants anything to {config.default_role[:80]!r}")
    for key, own in config.files.items():
        for row in own:
            if not isinstance(row, Membership):
                continue
            if not row.role.startswith("proj:") and not _reaches(row.role, above, granted):
                yield RbacProblem(key, 0, f"no row grants anything to {row.role[:80]!r}, which {row.member[:80]!r} has")
            if _reaches(row.role, above, {row.member}):
                yield RbacProblem(key, 0, f"{row.member[:80]!r} has itself as a role, by way of {row.role[:80]!r}")


def _reaches(start: str, above: Mapping[str, set[str]], wanted: set[str]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        at = waiting.pop()
        if at in wanted:
            return True
        for role in above.get(at, ()):
            if role not in seen:
                seen.add(role)
                waiting.append(role)
    return False
