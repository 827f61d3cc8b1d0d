"""Projects through an API server."""

import copy
from collections.abc import Callable

import msgspec

from trueup.cli.proj.port import Body, Spec
from trueup.cli.proj.valid import require_valid
from trueup.cli.servers.session import ServerRefused, ServerSession, escaped
from trueup.cli.servers.shape import StrangeAnswer, part, rows, word
from trueup.model.errors import TrueupError
from trueup.model.project import Project

_ALL = "/api/v1/projects"
_EXISTS = "existing project spec is different"


class ServedProjects:
    """Those that the server shows; :class:`~trueup.cli.proj.port.ProjectsPort`."""

    namespace = ""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    async def list(self) -> list[Body]:
        items = [_project(each) for each in rows(await self._session.get(_ALL), "items")]
        return sorted(items, key=lambda body: word(part(body, "metadata"), "name"))

    async def read(self, name: str) -> Body:
        try:
            return _project(await self._session.get(f"{_ALL}/{escaped(name)}"))
        except ServerRefused as error:
            if not error.missing:
                raise
            raise TrueupError(
                f"project {name} does not exist on {self._session.server.address}, or you may not see it",
                hint="`trueup proj list` shows those that you may see",
            ) from error

    async def change(self, name: str, edit: Callable[[Spec], None]) -> bool:
        before = await self.read(name)
        after = copy.deepcopy(before)
        edit(after.setdefault("spec", {}))
        require_valid(after)
        if after == before:
            return False
        await self._session.ask("PUT", f"{_ALL}/{escaped(name)}", body={"project": after})
        return True

    async def create(self, body: Body, *, upsert: bool) -> str:
        name = body["metadata"]["name"]
        try:
            before = part(await self._session.get(f"{_ALL}/{escaped(name)}"), "metadata").get("resourceVersion")
        except ServerRefused as error:
            if not error.missing:
                raise
            before = None
        try:
            made = await self._session.ask("POST", _ALL, body={"project": body, "upsert": upsert})
        except ServerRefused as error:
            if _EXISTS not in error.message:
                raise
            raise TrueupError(
                f"project {name} exists already, and is another one",
                hint="--upsert replaces it, `trueup proj set` changes it",
            ) from error
        if before is None:
            return "created"
        return "unchanged" if part(made, "metadata").get("resourceVersion") == before else "updated"

    async def delete(self, name: str) -> None:
        await self.read(name)
        await self._session.ask("DELETE", f"{_ALL}/{escaped(name)}")


def _project(body: Body) -> Body:
    """A project, as commands read it."""
    try:
        msgspec.convert(body, Project)
    except msgspec.ValidationError as error:
        raise StrangeAnswer("it", f"project ({error})") from error
    return body
