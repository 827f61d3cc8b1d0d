"""Projects straight on Kubernetes."""

import copy
from collections.abc import Callable
from contextlib import suppress

import msgspec

from kubegrammar.patch import merge_diff
from trueup.cli.app.access import TRIES, list_applications, readable, served
from trueup.cli.proj.port import Body, Spec
from trueup.cli.proj.valid import require_valid
from trueup.kube.client import Client
from trueup.kube.errors import AlreadyExists, Conflict, Forbidden, NotFound
from trueup.model.errors import TrueupError
from trueup.store.kinds import PROJECT
from trueup.store.projects import with_tokens_of_roles


class DirectProjects:
    """Those of a control namespace; :class:`~trueup.cli.proj.port.ProjectsPort`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self.namespace = client, namespace

    async def list(self) -> list[Body]:
        with served():
            found = [live.object() for live in (await self._client.list(PROJECT, self.namespace)).objects]
        return sorted(found, key=lambda body: str(body["metadata"]["name"]))

    async def read(self, name: str) -> Body:
        try:
            with served():
                return (await self._client.get(PROJECT, self.namespace, name)).object()
        except NotFound as error:
            raise TrueupError(
                f"project {name} does not exist", hint="`trueup proj list` shows those that do"
            ) from error

    async def change(self, name: str, edit: Callable[[Spec], None]) -> bool:
        for _ in range(TRIES):
            before = await self.read(name)
            after = copy.deepcopy(before)
            edit(after.setdefault("spec", {}))
            require_valid(after)
            patch = merge_diff(before, with_tokens_of_roles(before, after))
            if not patch:
                return False
            patch["metadata"] = {"resourceVersion": before["metadata"]["resourceVersion"]}
            with suppress(Conflict):
                await self._client.patch(PROJECT, self.namespace, name, msgspec.json.encode(patch), kind="merge")
                return True
        raise TrueupError(f"project {name} changes too fast", hint="run the command again")

    async def create(self, body: Body, *, upsert: bool) -> str:
        name = body["metadata"]["name"]

        def replace(spec: Spec) -> None:
            spec.clear()
            spec.update(body["spec"])

        try:
            with served():
                await self._client.create(PROJECT, self.namespace, msgspec.json.encode(body))
            return "created"
        except AlreadyExists as error:
            if not upsert:
                raise TrueupError(
                    f"project {name} exists already", hint="--upsert replaces it, `trueup proj set` changes it"
                ) from error
        return "updated" if await self.change(name, replace) else "unchanged"

    async def delete(self, name: str) -> None:
        await self.read(name)
        try:
            bodies = await list_applications(self._client, "")
        except Forbidden:
            bodies = await list_applications(self._client, self.namespace)
        views = map(readable, bodies)
        users = [v.app.metadata.name for v in views if (v.app.spec.project or "default") == name]
        if users:
            more = f" and {len(users) - 5} more" if len(users) > 5 else ""
            raise TrueupError(
                f"project {name} is used by {', '.join(sorted(users)[:5])}{more}",
                hint=f"`trueup app set APP --project OTHER` moves them, `trueup app list -p {name}` lists them",
            )
        await self._client.delete(PROJECT, self.namespace, name, propagation="Background")
