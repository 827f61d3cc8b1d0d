"""Trusted servers straight on Kubernetes: by the functions that an API server has for them, with the rights of a
kubeconfig."""

import base64
from collections.abc import Sequence

from trueup.cli.cert.port import Entry
from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.server.errors import Fault
from trueup.server.request import Json, Request, Stream
from trueup.server.resources.certificates import CertificateResources
from trueup.store.credentials import CERTIFICATES, CONFIG_MAP, KNOWN_HOSTS
from trueup.store.edits import MapEdits

_HOSTS = "ssh_known_hosts"


class Everyone:
    """Whom Kubernetes tells what they may."""

    name, issued_at = "", 0

    def may(self, resource: str, action: str, of: str) -> bool:
        """It is asked when something is read or written."""
        return True


class DirectCertificates:
    """Those of a control namespace; :class:`~trueup.cli.cert.port.CertificatesPort`."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace

    async def all(self, host: str, kind: str) -> list[Entry]:
        return await self._ask("ListCertificates", {"hostNamePattern": host, "certType": kind})

    async def add(self, entries: Sequence[Entry], *, upsert: bool) -> list[Entry]:
        items = [{**each, "certData": base64.b64decode(each["certData"])} for each in entries]
        return await self._ask("CreateCertificate", {"certificates": {"items": items}, "upsert": upsert})

    async def remove(self, host: str, kind: str, key: str) -> list[Entry]:
        wanted = {"hostNamePattern": host, "certType": kind, "certSubType": key}
        return await self._ask("DeleteCertificate", wanted)

    async def _ask(self, method: str, message: Json) -> list[Entry]:
        tls, hosts = await self._data(CERTIFICATES), (await self._data(KNOWN_HOSTS)).get(_HOSTS, "")
        maps = MapEdits(self._client, self._namespace)
        functions = CertificateResources(lambda: (tls, hosts), maps.change).functions()
        try:
            answer = await functions[f"CertificateService.{method}"](Request(Everyone(), message))
        except Fault as fault:
            raise TrueupError(fault.message, hint="--upsert replaces what is there") from fault
        assert not isinstance(answer, Stream), "what is listed has an end"
        return list(answer.get("items") or [])

    async def _data(self, name: str) -> dict[str, str]:
        try:
            return (await self._client.get(CONFIG_MAP, self._namespace, name)).object().get("data") or {}
        except NotFound:
            return {}
