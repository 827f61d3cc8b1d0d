"""Entries of a project's lists. Pure."""

import string
from typing import Any

from trueup.model.errors import TrueupError

Spec = dict[str, Any]
OrphanRule = dict[str, str]
"""Objects that are not reported as orphaned: ``group``, ``kind``, and ``name`` where it is one."""


def add(spec: Spec, field: str, entry: Any) -> None:
    """One entry more.

    Raises:
        TrueupError: it is there already.
    """
    entries = spec.get(field) or []
    if entry in entries:
        raise TrueupError(f"spec.{field} has {_told(entry)} already", hint="`trueup proj get` shows them")
    spec[field] = [*entries, entry]


def remove(spec: Spec, field: str, entry: Any) -> None:
    """One entry less; a list that is empty then stays a list, for none of a kind differs from all of them.

    Raises:
        TrueupError: it is not there.
    """
    entries = spec.get(field) or []
    kept = [each for each in entries if not _is(each, entry)]
    if len(kept) == len(entries):
        raise TrueupError(f"spec.{field} has no {_told(entry)}", hint="`trueup proj get` shows what it has")
    spec[field] = kept


def destination(server: str, namespace: str, *, by_name: bool) -> dict[str, str]:
    """An entry of ``destinations``: a cluster by URL, or by name."""
    return {"name" if by_name else "server": server, "namespace": namespace}


def signature_key(text: str) -> str:
    """The id of a key: 16 hexadecimal digits, which a fingerprint ends with; of an SSH key its fingerprint.

    Raises:
        TrueupError: it is none.
    """
    plain = text.strip()
    if plain.startswith("SHA256:"):
        return plain
    if len(plain) not in (16, 40) or not set(plain) <= set(string.hexdigits):
        raise TrueupError(f"{plain[:80]!r} is no id of a key", hint="`trueup gpg list` shows those that are known")
    return plain[-16:].upper()


def parse_destination(text: str) -> dict[str, str]:
    """``SERVER,NAMESPACE``, as ``proj create -d`` takes it.

    Raises:
        TrueupError: it is of another form.
    """
    server, comma, namespace = text.rpartition(",")
    if not comma or not server:
        raise TrueupError(
            f"{text!r} is not SERVER,NAMESPACE", hint="as in https://kubernetes.default.svc,web, or in-cluster,web"
        )
    return destination(server, namespace, by_name="://" not in server and server != "*" and not server.startswith("!"))


def parse_kind(text: str) -> dict[str, str]:
    """``GROUP/KIND``, or a kind of the core group alone."""
    group, _, kind = text.rpartition("/")
    return {"group": group, "kind": kind}


def kinds_list(spec: Spec, *, namespaced: bool, allow: bool, to: str, entry: dict[str, str]) -> None:
    """Allow or deny a kind, by one of the two lists, as Argo CD's ``allow-cluster-resource`` and its like do.

    Args:
        to: ``allow`` or ``deny``: the list that is changed.

    Raises:
        TrueupError: the list has it already, or has it not.
    """
    scope = "namespace" if namespaced else "cluster"
    field = f"{scope}Resource{'Whitelist' if to == 'allow' else 'Blacklist'}"
    (add if (to == "allow") == allow else remove)(spec, field, entry)


def ignore_orphans(spec: Spec, rule: OrphanRule) -> None:
    """Do not report some objects as orphaned.

    Raises:
        TrueupError: they are not reported as it is.
    """
    watched = spec.get("orphanedResources") or {}
    rules = watched.get("ignore") or []
    if rule in rules:
        raise TrueupError(
            f"spec.orphanedResources.ignore has {_told(rule)} already", hint="`trueup proj get -o yaml` shows them"
        )
    spec["orphanedResources"] = {**watched, "ignore": [*rules, rule]}


def report_orphans(spec: Spec, rule: OrphanRule) -> None:
    """Undo that; what is watched stays so.

    Raises:
        TrueupError: there is no such rule.
    """
    watched = spec.get("orphanedResources") or {}
    rules = watched.get("ignore") or []
    kept = [each for each in rules if _plain(each) != rule]
    if len(kept) == len(rules):
        raise TrueupError(
            f"spec.orphanedResources.ignore has no {_told(rule)}", hint="`trueup proj get -o yaml` shows them"
        )
    spec["orphanedResources"] = {**watched, "ignore": kept}


def _plain(rule: OrphanRule) -> OrphanRule:
    return {name: value for name, value in rule.items() if value or name != "name"}


def _is(found: Any, entry: Any) -> bool:
    """Whether an entry is meant: fields that are left out mean any."""
    if isinstance(found, dict) and isinstance(entry, dict):
        return all(found.get(name, "") == value for name, value in entry.items())
    return bool(found == entry)


def _told(entry: Any) -> str:
    return ", ".join(map(str, entry.values())) if isinstance(entry, dict) else str(entry)
