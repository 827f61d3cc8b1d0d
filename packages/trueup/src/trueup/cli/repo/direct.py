"""Repositories straight on Kubernetes: Argo CD's Secrets."""

from collections.abc import Mapping

import msgspec

from trueup.cli.repo.port import RepositoryView
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.model.repository import same_repository
from trueup.store.credentials import LABEL, SECRET
from trueup.store.repository_secrets import kept, only, secret_name, secret_object


class DirectRepositories:
    """Those of a control namespace; :class:`~trueup.cli.repo.port.RepositoriesPort`."""

    def __init__(self, client: Client, namespace: str, kind: str) -> None:
        self._client, self._namespace, self._kind = client, namespace, kind

    async def list(self, *, refresh: bool) -> list[RepositoryView]:
        found = await kept(self._client, self._namespace, self._kind)
        return [RepositoryView(each, await self._problem(each.place) if refresh else None) for each in found]

    async def get(self, url: str, project: str | None) -> RepositoryView:
        found = await only(self._client, self._namespace, self._kind, url, project)
        return RepositoryView(found, await self._problem(found.place))

    async def add(self, data: Mapping[str, str], *, upsert: bool, validate: bool) -> str:
        client, namespace, url, project = self._client, self._namespace, data["url"], data.get("project", "")
        there = [
            each
            for each in await kept(client, namespace, self._kind)
            if same_repository(each.url, url) and each.project == project
        ]
        if there and not upsert:
            raise TrueupError(
                f"Secret {namespace}/{there[0].secret} is for this URL already", hint="--upsert replaces it"
            )
        name = there[0].secret if there else secret_name(self._kind, url, project)
        made = secret_object(namespace, self._kind, name, data)
        body = msgspec.json.encode(made)
        if validate and (problem := await self._problem(data, body)):
            raise TrueupError(problem, hint="correct the credentials; --validate=false keeps them all the same")
        if not there:
            await client.create(SECRET, namespace, body)
            return "added"
        live = (await client.get(SECRET, namespace, name)).object()
        labels = {**(live["metadata"].get("labels") or {}), LABEL: self._kind}
        changed = {**live, "metadata": {**live["metadata"], "labels": labels}, "data": made["data"]}
        await client.replace(SECRET, namespace, name, msgspec.json.encode(changed))
        return "updated"

    async def remove(self, url: str, project: str | None) -> None:
        found = await only(self._client, self._namespace, self._kind, url, project)
        await self._client.delete(SECRET, self._namespace, found.secret, propagation="Background")

    async def _problem(self, place: Mapping[str, str], secret: bytes = b"") -> str:
        # What speaks to repositories is loaded where one is asked.
        from trueup.cli.repo.connect import connection

        return await connection(self._client, self._namespace, place, secret)
