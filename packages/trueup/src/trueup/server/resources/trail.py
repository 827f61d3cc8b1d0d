"""The audit trail, to those who may see what it is about."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from kubegrammar.time import format_time, parse_time
from trueup.model.audit import Action, AuditRecord
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault
from trueup.server.gate import application_object, may
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, named
from trueup.server.resources.owned import limit_of
from trueup.store.audit.search import Filter
from trueup.store.audit.story import story

USUAL, MOST = 100, 1000
"""Entries of an answer."""
_LOOKED_AT: Final = 20_000
"""Entries that are looked through for those that the caller may see."""

Query = Callable[[Filter], Iterable[AuditRecord]]
"""The entries that a filter means, oldest first; it reads the disk."""


def trail_functions(reads: ApplicationReads, query: Query) -> Functions:
    """Timeline and Audit."""
    finding = ApplicationReading(reads)

    async def timeline(request: Request) -> Json:
        stored = finding.find(request, "get")
        limit = limit_of(request.message, USUAL, MOST)
        entries = await _seen(
            request.caller, Filter(application=stored.key, since=_time(request.message, "since")), limit
        )
        return {"lines": [msgspec.to_builtins(line) for line in story(entries[-limit:])]}

    async def audit(request: Request) -> Json:
        message, caller, limit = request.message, request.caller, limit_of(request.message, USUAL, MOST)
        action, application = message.get("action", ""), message.get("application", "")
        if action and action not in [str(each) for each in Action]:
            raise Fault(Code.INVALID_ARGUMENT, f"action: one of {', '.join(map(str, Action))}")
        if application and "/" not in application:
            application = f"{reads.control_namespace}/{application}"
        if application and not _everything(caller):
            namespace, _, name = application.partition("/")
            finding.find(Request(caller, {"name": name, "appNamespace": namespace}), "get")
        wanted = Filter(
            application=application,
            object=message.get("object", ""),
            since=_time(message, "since"),
            until=_time(message, "until"),
            by=message.get("by", ""),
            revision=message.get("revision", ""),
            action=action,
        )
        found = await _seen(caller, wanted, limit)
        return {"entries": [_told(each) for each in found[-limit:]], "more": len(found) > limit}

    async def _seen(caller: Caller, wanted: Filter, limit: int) -> list[AuditRecord]:
        """Entries that the caller may see, perhaps more than the limit."""
        everything = _everything(caller)
        wanted = msgspec.structs.replace(wanted, limit=limit + 1 if everything else _LOOKED_AT)
        found = await asyncio.to_thread(lambda: list(query(wanted)))
        if everything:
            return found
        visible = {
            (application, project): _visible(caller, application, project)
            for application, project in {(each.application, each.project) for each in found}
        }
        return [each for each in found if visible[each.application, each.project]]

    def _visible(caller: Caller, application: str, project: str) -> bool:
        """Whether they may see the application as it is, and might see what had its name then: another team may have
        called one so before, and an application moves between projects. Where the project is not on record, nobody
        knows."""
        live = reads.live(application) if application else None
        if live is None or not project:
            return False
        known = named(live, reads.control_namespace)
        then = application_object(known.namespace, known.name, project, reads.control_namespace)
        return may(caller, RESOURCE, "get", known.of) and (then == known.of or may(caller, RESOURCE, "get", then))

    return {"TrueupService.Timeline": timeline, "TrueupService.Audit": audit}


def _everything(caller: Caller) -> bool:
    """Requests, and what has to do with no application that is there, are for those who may see accounts."""
    return may(caller, "accounts", "get", "*")


def _told(entry: AuditRecord) -> Json:
    told: dict[str, Any] = msgspec.to_builtins(entry)
    return told


def _time(message: Json, name: str) -> str:
    text = message.get(name, "")
    if not text:
        return ""
    try:
        return format_time(parse_time(text))
    except ValueError:
        raise Fault(Code.INVALID_ARGUMENT, f"{name}: a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z") from None
