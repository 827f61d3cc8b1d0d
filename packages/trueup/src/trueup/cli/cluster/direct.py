"""Clusters straight on Kubernetes: Argo CD's Secrets."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trueup.cli.cluster.port import Body, ClusterView
from trueup.cli.cluster.secret import ClusterSecret, config_json, kept, only, secret_name, secret_object
from trueup.cli.connect import asking, client_of
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.model.application import IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.store.credentials import SECRET
from trueup.store.kinds import APPLICATION

SECONDS = 5.0
"""In which a cluster says its version."""


class Look(msgspec.Struct, frozen=True):
    """What came of asking a cluster for its version."""

    status: str
    version: str = ""
    message: str = ""


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="gitVersion", default="")


class DirectClusters:
    """Those of a control namespace; :class:`~trueup.cli.cluster.port.ClustersPort`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace

    async def all(self, *, looks: bool) -> list[ClusterView]:
        found = await kept(self._client, self._namespace)
        if not looks:
            return [_view(each, Look("")) for each in found]
        seen = await asyncio.gather(*(look(self._client, each) for each in found))
        return [_view(*each) for each in zip(found, seen, strict=True)]

    async def get(self, named: str) -> ClusterView:
        found = await self._only(named)
        return _view(found, await look(self._client, found))

    async def require_room(self, server: str, project: str, *, upsert: bool) -> None:
        old = await self._there(server, project)
        if old is not None and not upsert:
            raise TrueupError(
                f"cluster {server} is known by Secret {self._namespace}/{old.secret}", hint="--upsert replaces it"
            )

    async def add(self, body: Body, *, upsert: bool) -> None:
        old = await self._there(body["server"], body.get("project", ""))
        metadata = {"labels": body.get("labels") or {}, "annotations": body.get("annotations") or {}}
        name = old.secret if old else secret_name(body["server"])
        if old is None and body.get("project"):
            name += f"-{body['project']}"
        made = secret_object(self._namespace, name, _values(body), metadata)
        if old is None or old.live is None:
            await self._client.create(SECRET, self._namespace, msgspec.json.encode(made))
            return
        live = old.live.object()
        for field in ("labels", "annotations"):
            made["metadata"][field] = {**(live["metadata"].get(field) or {}), **made["metadata"][field]}
        made["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        await self._client.replace(SECRET, self._namespace, name, msgspec.json.encode(made))

    async def set(self, named: str, body: Body) -> None:
        data = {"name": body["name"]} if body.get("name") else {}
        if "namespaces" in body:
            data["namespaces"] = ",".join(body["namespaces"])
        metadata = {"labels": body.get("labels") or {}, "annotations": body.get("annotations") or {}}
        await self._change(await self._only(named), data, metadata)

    async def remove(self, named: str, ask: Callable[[list[str]], None]) -> None:
        found = await self._only(named)
        if not found.secret:
            raise TrueupError(
                "the cluster that the engine runs on has no Secret to remove",
                hint="cluster.inClusterEnabled: 'false' in argocd-cm keeps applications off it",
            )
        ask(await _going_there(self._client, self._namespace, found))
        await self._client.delete(SECRET, self._namespace, found.secret, propagation="Background")

    async def rotate(self, named: str, account: str, system: str) -> str:
        # What makes tokens is loaded where one is made.
        from trueup.store.clusters.rotation import rotate

        found = await self._only(named)
        config = found.entry.config if found.entry else None
        if config is None or not config.token:
            raise TrueupError(
                f"cluster {named} has no token to renew", hint="it uses another credential, or none; see `cluster add`"
            )

        async def keep(renewed: ClusterConfig) -> None:
            await self._change(found, {"config": config_json(renewed)}, {})

        return await rotate(config, client_of, keep, account=account, system=system)

    async def _only(self, named: str) -> ClusterSecret:
        return only(await kept(self._client, self._namespace), named)

    async def _there(self, server: str, project: str) -> ClusterSecret | None:
        same = [e for e in await kept(self._client, self._namespace) if e.secret and e.server == server]
        return next((each for each in same if each.project == project), None)

    async def _change(
        self, found: ClusterSecret, data: Mapping[str, str], metadata: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Write other values and labels into a cluster's Secret; the engine's own cluster gets one."""
        if found.live is None:
            values = {"name": found.name, "server": found.server, "config": "{}", **data}
            made = secret_object(self._namespace, "cluster-in-cluster", values, metadata)
            await self._client.create(SECRET, self._namespace, msgspec.json.encode(made))
            return
        made = secret_object(self._namespace, found.secret, data, metadata)
        removed = {field: None for field, value in data.items() if not value}
        patch = {
            "metadata": {
                "labels": made["metadata"]["labels"],
                "annotations": dict(metadata.get("annotations") or {}),
                "resourceVersion": found.live.resource_version,
            },
            "data": {**made["data"], **removed},
        }
        await self._client.patch(SECRET, self._namespace, found.secret, msgspec.json.encode(patch), kind="merge")


def _values(body: Body) -> dict[str, str]:
    """The data of a Secret."""
    config, shard = body.get("config"), body.get("shard")
    return {
        "name": body.get("name", ""),
        "server": body["server"],
        "config": msgspec.json.encode(config).decode() if config else "{}",
        "namespaces": ",".join(body.get("namespaces") or []),
        "clusterResources": "true" if body.get("clusterResources") else "",
        "project": body.get("project", ""),
        "shard": "" if shard is None else str(shard),
    }


class _Named(msgspec.Struct, frozen=True):
    server: str = ""
    name: str = ""


class _Spec(msgspec.Struct, frozen=True):
    destination: _Named = _Named()


class _App(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


async def _going_there(client: Client, namespace: str, found: ClusterSecret) -> list[str]:
    names = []
    for live in (await client.list(APPLICATION, namespace)).objects:
        try:
            said = msgspec.json.decode(live.body, type=_App).spec.destination
        except msgspec.DecodeError:
            continue
        if said.name == found.name or (said.server and said.server.rstrip("/") == found.server):
            names.append(live.key.name)
    return sorted(names) if found.server != IN_CLUSTER_SERVER else []


async def look(control: Client, found: ClusterSecret) -> Look:
    """Ask a cluster for its version, with the credential that the engine uses."""
    if found.entry is None:
        return Look("Failed", message=found.problem)
    if found.entry.in_cluster:
        return await _asked(control)
    config = found.entry.config
    assert config is not None, "a cluster elsewhere has a way there"
    if config.plugin is not None:
        # A Secret's program is the engine's to run, where somebody allowed it; it is nothing for this terminal.
        return Look("Unknown", message=f"the engine runs {config.plugin.command} for its credential")
    return await look_at(config)


async def look_at(config: ClusterConfig) -> Look:
    """Ask a cluster for its version, with a credential that is in this configuration."""
    try:
        async with asking(config) as client:
            return await _asked(client)
    except TrueupError as error:
        return Look("Failed", message=error.message)


async def _asked(client: Client) -> Look:
    try:
        async with asyncio.timeout(SECONDS):
            answer = await client.request("GET", "/version", attempts=1)
        return Look("Successful", msgspec.json.decode(answer, type=_Version).version.removeprefix("v"))
    except TimeoutError:
        return Look("Failed", message=f"no answer in {SECONDS:g} s")
    except TrueupError as error:
        return Look("Failed", message=error.message)
    except msgspec.DecodeError:
        return Look("Failed", message="what it answers is no version")


def _view(found: ClusterSecret, seen: Look) -> ClusterView:
    namespaces = len(found.entry.namespaces) if found.entry else 0
    body = _data(found, seen)
    return ClusterView(
        found.server, found.name, found.project, namespaces, seen.status, seen.version, seen.message, body
    )


def _data(found: ClusterSecret, seen: Look) -> dict[str, Any]:
    """Argo CD's fields; nothing of a credential but what is no secret."""
    data: dict[str, Any] = {"server": found.server, "name": found.name}
    if entry := found.entry:
        config = entry.config
        tls: dict[str, Any] = {"insecure": bool(config and config.insecure)}
        if config and config.tls_server_name:
            tls["serverName"] = config.tls_server_name
        data["config"] = {
            "tlsClientConfig": tls,
            **({"username": config.username} if config and config.username else {}),
        }
        if config and config.plugin:
            data["config"]["execProviderConfig"] = {"command": config.plugin.command}
        if entry.namespaces:
            data |= {"namespaces": list(entry.namespaces), "clusterResources": entry.cluster_resources}
        if entry.shard is not None:
            data["shard"] = entry.shard
        data["labels"] = {key: value for key, value in entry.labels.items() if not key.endswith("/secret-type")}
        data["annotations"] = dict(entry.annotations)
    if found.project:
        data["project"] = found.project
    data["connectionState"] = {"status": seen.status, "message": seen.message}
    data["serverVersion"] = seen.version
    return data
