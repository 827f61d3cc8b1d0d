"""The API server beside an engine: its ports, filled with what the engine has."""

import base64
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from kubegrammar.time import format_exact_time
from trueup import __version__, policy
from trueup.engine.engine import Engine
from trueup.kube.errors import NotFound
from trueup.model.application import Application
from trueup.model.audit import Action, Actor, AuditRecord
from trueup.model.live import LiveObject, Seen
from trueup.model.resource import GroupKind
from trueup.server.api import Asked
from trueup.server.caller import Authenticator
from trueup.server.changes.log import Changes
from trueup.server.resources.application_edits import ApplicationEdits
from trueup.server.resources.application_requests import application_requests
from trueup.server.resources.application_watch import application_watch
from trueup.server.resources.applications import application_reads
from trueup.server.resources.version import version_functions
from trueup.server.serve import Listening, serving
from trueup.server.transport.certificate import context_of, self_made
from trueup.store.applications import APPLICATION, key_of
from trueup.store.edits import Edits
from trueup.store.kinds import APPLICATION as APPLICATION_TYPE
from trueup.store.requests import Requests

log = structlog.get_logger("trueup")

SECRET, TLS_SECRET = GroupKind("", "Secret"), "argocd-server-tls"


@asynccontextmanager
async def served(
    engine: Engine, listening: Listening, authenticator: Authenticator, *, insecure: bool
) -> AsyncIterator[int]:
    """Serve the API of an engine until the context is left; the port it listens on.

    Args:
        insecure: plain text, for whoever puts TLS before it.

    Raises (on entry):
        TrueupError: the address cannot be listened on, or the certificate is none.
    """
    control, clock = engine.control, engine.clock
    changes = Changes(engine.identity)

    def changed(old: Seen | None, new: Seen | None) -> None:
        live = new or old
        if isinstance(live, LiveObject) and live.group_kind == APPLICATION and live.key.namespace == control.namespace:
            # Whole, since nobody's body is dropped of our own kinds.
            changes.append(key_of(live), *(each if isinstance(each, LiveObject) else None for each in (old, new)))

    async def audit(asked: Asked) -> None:
        entry = _entry(asked, control.namespace, clock.now())
        log.info("request", method=asked.method.path, subject=asked.subject, result=entry.result)
        if asked.writes or asked.code is not None:
            await engine.journal.write(entry)

    def admit(app: Application) -> None:
        policy.admit(app, control.applications.project_of(app), engine.term.place(app))

    control.cache.subscribe(changed)
    requests = Requests(control.client, control.namespace, clock.now)
    functions = [
        version_functions(__version__, {"Platform": f"{platform.system().lower()}/{platform.machine()}"}),
        application_watch(control.applications, changes),
        application_requests(control.applications, requests),
        ApplicationEdits(control.applications, Edits(control.client, APPLICATION_TYPE), admit).functions(),
        application_reads(control.applications, changes, lambda key, hard: requests.refresh(key, hard=hard)),
    ]
    context = None if insecure else context_of(*await _certificate(engine))
    async with serving(listening, context, authenticator, functions, audit=audit, changes=[changes]) as port:
        log.info("API served", port=port.number, tls=not insecure, path=listening.root or "/")
        yield port.number


async def _certificate(engine: Engine) -> tuple[bytes, bytes]:
    """That of the Secret, where there is one."""
    control = engine.control
    kind = control.discovery.find(SECRET.group, SECRET.kind)
    try:
        if kind is not None:
            data = (await control.client.get(kind, control.namespace, TLS_SECRET)).object().get("data") or {}
            return base64.b64decode(data.get("tls.crt", "")), base64.b64decode(data.get("tls.key", ""))
    except NotFound:
        pass
    return self_made(engine.clock.now())


def _entry(asked: Asked, namespace: str, now: datetime) -> AuditRecord:
    """A request on record. One that was refused is not among what happened to an application."""
    message = asked.message
    name = message.get("name") or message.get("applicationName") or message.get("appName") or ""
    mine = asked.method.service.endswith(".ApplicationService") and isinstance(name, str) and name
    of = f"{message.get('appNamespace') or namespace}/{name}" if mine else ""
    return AuditRecord(
        at=format_exact_time(now),
        action=Action.REQUEST,
        application=of if asked.code is None else "",
        by=Actor(name=asked.subject, kind="caller"),
        result="answered" if asked.code is None else asked.code.name.lower(),
        message=f"{asked.method.key} {of}".rstrip(),
    )
