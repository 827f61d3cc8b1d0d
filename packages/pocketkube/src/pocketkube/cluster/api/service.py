"""The API as one object: requests are routed to their verbs, failures become ``Status`` objects."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from random import Random

import msgspec

from pocketkube.cluster import catalog
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.definitions import Definitions
from pocketkube.cluster.api.discovery import DiscoveryPages
from pocketkube.cluster.api.registry import ResourceRegistry
from pocketkube.cluster.api.request import JSON, SYSTEM, TEXT, ApiRequest, Response, StreamAnswer, encode, refuse
from pocketkube.cluster.api.reviews import Tokens
from pocketkube.cluster.api.routes import parse
from pocketkube.cluster.api.verbs import Verbs
from pocketkube.cluster.custom import crd_behaviour
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds import Kinds
from pocketkube.cluster.resource import Behaviour, Object, Resource
from pocketkube.cluster.storage import Event, Storage

_log = logging.getLogger(__name__)


class KubernetesApi:
    """A Kubernetes API on a storage.

    Args:
        tokens: whose tokens TokenReview knows and ServiceAccounts get.
        now: the time, with a time zone.
        random: where names and uids come from.
    """

    def __init__(self, storage: Storage, tokens: Tokens, *, now: Callable[[], datetime], random: Random) -> None:
        self.storage = storage
        objects = _Objects(storage)
        self._kinds = Kinds(objects, now, random)
        self.registry = ResourceRegistry(self._built_in())
        core = Core(storage, self.registry, now, random)
        self._definitions = Definitions(core)
        self._verbs = Verbs(core, tokens, self._definitions)
        self._discovery = DiscoveryPages(self.registry, self._definitions.schemas)
        storage.subscribe(self._changed)
        self._definitions.work()

    async def handle(self, request: ApiRequest) -> Response | StreamAnswer:
        """Answers a request; nothing is raised."""
        warnings: list[str] = []
        try:
            answer = await self.answer(request, warnings)
        except Failure as failure:
            answer = refuse(failure)
        except RecursionError:
            answer = refuse(Failure("BadRequest", "the object is nested too deeply"))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _log.exception("request failed: %s %s", request.method, request.path)
            answer = refuse(Failure("InternalError", f"Internal error occurred: {error}"))
        if warnings:
            answer.headers = [*answer.headers, *(("Warning", f"299 - {_quoted(text)}") for text in warnings)]
        if isinstance(answer, Response) and answer.content_type == JSON and _wants_pretty(request):
            answer.body = msgspec.json.format(answer.body, indent=2)
        return answer

    async def answer(self, request: ApiRequest, warnings: list[str]) -> Response | StreamAnswer:
        """Answers a request.

        Raises:
            Failure: it is refused.
        """
        route = parse(request.path)
        if route is not None:
            return await self._verbs.perform(request, route, warnings)
        found = self._discovery.answer(request)
        if found is None:
            return Response(code=404, body=b"404 page not found\n", content_type=TEXT)
        if request.method != "GET":
            return refuse(self._verbs.wrong_method())
        return found

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        manager: str = "",
        content_type: str = JSON,
    ) -> Object:
        """A request of the system itself, in process.

        Raises:
            Failure: it is refused.
        """
        headers = {"content-type": content_type, "user-agent": manager or "kube-controller-manager"}
        data = b"" if body is None else encode(body)
        request = ApiRequest(method=method, path=path, query=query, headers=headers, body=data, user=SYSTEM)
        answer = await self.answer(request, [])
        if not isinstance(answer, Response):
            raise Failure("BadRequest", "a stream is no object")
        if answer.content_type != JSON:
            raise Failure("NotFound" if answer.code == 404 else "InternalError", answer.body.decode().strip())
        result: Object = msgspec.json.decode(answer.body)
        if answer.code >= 400:
            raise Failure(result.get("reason") or "", result.get("message") or "", code=answer.code)
        return result

    def resources(self) -> Iterable[Resource]:
        """Every resource in every served version, now."""
        return self.registry.all()

    def _built_in(self) -> list[Resource]:
        made: list[Resource] = []
        for facts in catalog.built_in_resources():
            behaviour: Behaviour
            if facts.kind == "CustomResourceDefinition":
                behaviour = crd_behaviour()
            else:
                behaviour = self._kinds.behaviour_of(facts.group, facts.kind)
            made.append(
                Resource(
                    group=facts.group,
                    version=facts.version,
                    kind=facts.kind,
                    plural=facts.plural,
                    singular=facts.singular,
                    namespaced=facts.namespaced,
                    verbs=tuple(facts.verbs),
                    stored_as=facts.stored_as,
                    storage_version=facts.storage_version,
                    behaviour=behaviour,
                    short_names=tuple(facts.short_names),
                    categories=tuple(facts.categories),
                    subresources=facts.subresources,
                    storage_version_hash=facts.storage_version_hash,
                )
            )
        return made

    def _changed(self, stored_as: str, event: Event) -> None:
        if stored_as == "services":
            old = event.previous.object() if event.previous is not None else None
            new = None if event.type == "DELETED" else event.entry.object()
            self._kinds.stored(stored_as, old, new)
        self._definitions.changed(stored_as, event)


class _Objects:
    """The storage as the kinds look things up in it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, stored_as: str, namespace: str, name: str) -> Object | None:
        entry = self._storage.get(stored_as, namespace, name)
        return None if entry is None else entry.object()

    def every(self, stored_as: str) -> Iterable[Object]:
        return [entry.object() for entry in self._storage.list(stored_as).entries]


def _quoted(text: str) -> str:
    kept = "".join(char for char in text if char.isprintable())
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _wants_pretty(request: ApiRequest) -> bool:
    if request.query and request.first("pretty").lower() in ("1", "t", "true"):
        return True
    return request.headers.get("user-agent", "").startswith(("curl", "Wget", "Mozilla/5.0"))
