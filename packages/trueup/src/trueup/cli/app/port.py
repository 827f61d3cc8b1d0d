"""Applications as commands reach them: straight on Kubernetes, or through an API server.

One port with two fillings, :mod:`trueup.cli.app.direct` and :mod:`trueup.cli.servers.applications`; a command is
written once, against the port, and only the filling that is used is loaded.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trueup.cli.app.access import ApplicationView
from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client
from trueup.model.application import Application, Operation
from trueup.model.status import RevisionHistory

if TYPE_CHECKING:
    from pathlib import Path

    from trueup.cli.app.children import ResourceTree
    from trueup.cli.app.commits import KnownCommit
    from trueup.cli.app.inspect import Compared
    from trueup.cli.app.logs import LogWish
    from trueup.cli.app.meant import ObjectsMeant
    from trueup.cli.app.reasons import Reason
    from trueup.cli.app.sources import Here, Revisions
    from trueup.cli.servers.session import ServerSession
    from trueup.model.manifest import Manifest
    from trueup.model.resource import ResourceKey
    from trueup.policy.requests import Cascade, Ending

Body = dict[str, Any]


class ObjectActionView(NamedTuple):
    """Something that can be done to an object.

    Attributes:
        disabled: there is nothing to do.
        parameters: their names.
    """

    object: "ResourceKey"
    name: str
    disabled: bool
    parameters: tuple[str, ...] = ()


class ApplicationPort(Protocol):
    """One Application, by name.

    Raises:
        ApplicationNotFound: there is none of that name, or none that may be seen.
        TrueupError: it is refused, or nobody answers.
    """

    @property
    def name(self) -> str: ...

    async def view(self) -> ApplicationView:
        """It as it is stored."""
        ...

    async def refreshed(self, *, hard: bool, timeout: float = 60.0) -> ApplicationView:
        """Have an engine look again, and wait until it has; ``timeout`` in seconds."""
        ...

    def follow(self, timeout: float) -> AsyncIterator[ApplicationView]:
        """It now and after each change, until ``timeout`` seconds have passed (0: no limit)."""
        ...

    async def why_untouched(self, view: ApplicationView) -> str:
        """A hint for who waits for an engine to take it up."""
        ...

    async def edit(self, change: Callable[[Body], None], *, validate: bool = True) -> bool:
        """Change the whole object in place, and write what has changed; whether anything has.

        Args:
            change: asked again when somebody else has written meanwhile.
            validate: for who looks at sources when it is written.
        """
        ...

    async def look(self, app: Application) -> None:
        """Refuse what could not be deployed as it would be then, as far as that is seen from here."""
        ...

    async def admit(self, app: Application) -> None:
        """Refuse what has no place to go to, as far as that is seen from here."""
        ...

    async def patched(self, patch: bytes, kind: str, check: Callable[[Body, Body], Application]) -> ApplicationView:
        """Patch it.

        Args:
            kind: ``json`` or ``merge``.
            check: is told of the object before and after; raises where it may not become so.
        """
        ...

    async def sync(self, ask: Callable[[ApplicationView], Operation]) -> ApplicationView:
        """Ask for a sync: what ``ask`` makes of it as it is."""
        ...

    async def roll_back(
        self, choose: Callable[[ApplicationView], RevisionHistory], *, prune: bool
    ) -> tuple[ApplicationView, RevisionHistory]:
        """Ask for a sync to an earlier deployment."""
        ...

    async def terminate(self) -> "Ending":
        """Ask for the end of the operation."""
        ...

    async def delete(self, cascade: "Cascade") -> None:
        """Delete it."""
        ...

    async def confirm_deletion(self) -> datetime:
        """Let objects go that ask to be confirmed; the time that is on record."""
        ...

    async def windows(self, app: Application) -> list[tuple[str, str]]:
        """(name, value) of the lines about sync windows."""
        ...

    def page(self, view: ApplicationView) -> str:
        """Where a browser shows it; empty where no API server is asked. Pure."""
        ...

    async def tree(self, view: ApplicationView) -> "ResourceTree":
        """Its objects with what they have made."""
        ...

    async def orphans(self, view: ApplicationView) -> "ResourceTree | None":
        """Objects of its namespace that nobody declares; None where its project does not ask for them."""
        ...

    async def reasons(self, view: ApplicationView) -> "list[Reason]":
        """Why what does not work does not."""
        ...

    async def explained(self) -> Body:
        """Why it is as it is, as the API has it (``Explanation``)."""
        ...

    async def planned(self, *, prune: bool, local: "tuple[Path, ...]") -> Body:
        """What a sync would do, as the API has it (``SyncPreview``).

        Args:
            prune: objects that are not declared any more are deleted.
            local: folders below which file:// may read.
        """
        ...

    async def commits(self, view: ApplicationView, state: "Path | None") -> "dict[str, KnownCommit]":
        """The commits of its history, where they are known.

        Args:
            state: folder of the audit trail on this machine, where it is not the usual one.
        """
        ...

    async def compared(
        self, revisions: "Revisions", local: "tuple[Path, ...]", here: "Here | None" = None
    ) -> "Compared":
        """What a sync would change.

        Args:
            local: folders below which file:// may read.
            here: taken in the place of its folder.
        """
        ...

    async def brought(self, revisions: "Revisions", here: "Here | None") -> "Sequence[Manifest]":
        """Its manifests, with a folder of this disk in the place of its own where one is named."""
        ...

    async def manifests(
        self, revisions: "Revisions", local: "tuple[Path, ...]", here: "Here | None", *, live: bool
    ) -> list[Body]:
        """Its objects as they are declared, or as they are; values of Secrets are masked."""
        ...

    async def logs(self, wish: "LogWish") -> None:
        """Print what its Pods have logged."""
        ...

    async def actions(self, meant: "ObjectsMeant") -> list[ObjectActionView]:
        """What can be done to some of its objects."""
        ...

    async def act(self, key: "ResourceKey", action: str, parameters: dict[str, str]) -> None:
        """Do it."""
        ...

    async def objects(self, meant: "ObjectsMeant") -> list[Body]:
        """Some of its objects, as they are; values of Secrets are masked."""
        ...

    async def patch_object(self, key: "ResourceKey", patch: bytes, kind: str) -> None:
        """Patch one of its objects; ``kind`` is a content type, ``json``, ``merge`` or ``strategic``."""
        ...

    async def delete_object(self, key: "ResourceKey", *, orphan: bool, force: bool) -> None:
        """Delete one of its objects."""
        ...


class ApplicationsPort(Protocol):
    """All of them that may be seen."""

    def of(self, name: str, app_namespace: str = "") -> ApplicationPort:
        """One, by ``[namespace/]name``."""
        ...

    def place(self, app_namespace: str = "") -> str:
        """Where they are, in words."""
        ...

    async def list(
        self, app_namespace: str = "", selector: str = "", projects: Sequence[str] = ()
    ) -> list[ApplicationView]:
        """Those with some labels, of some projects."""
        ...

    async def look(self, app: Application) -> None:
        """Refuse one that could not be deployed, as far as that is seen before it is written."""
        ...

    async def create(self, body: Body, *, upsert: bool, validate: bool) -> str:
        """Make one; what was done, in a word.

        Args:
            upsert: replace one that is there.
        """
        ...


def applications_of(access: ClusterAccess) -> AbstractAsyncContextManager[ApplicationsPort]:
    """The applications that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """

    def served(session: "ServerSession") -> ApplicationsPort:
        from trueup.cli.servers.applications import ServedApplications

        return ServedApplications(session)

    def direct(client: Client) -> ApplicationsPort:
        from trueup.cli.app.direct import DirectApplications

        return DirectApplications(client, access)

    return filling(access, served, direct)
