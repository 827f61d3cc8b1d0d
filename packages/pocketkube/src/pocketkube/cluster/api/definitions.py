"""CustomResourceDefinitions at work: kinds are served, and go with them (apiextensions-apiserver's controllers)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.deletion import delete
from pocketkube.cluster.api.options import DeleteOptions
from pocketkube.cluster.api.request import ApiRequest
from pocketkube.cluster.custom import (
    FINALIZER,
    CustomResources,
    cleaned_up,
    deleting_instances,
    deprecation_warning,
    settle,
)
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import Event

STORED_AS: Final = "customresourcedefinitions.apiextensions.k8s.io"
_DEPRECATED: Final = {
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}
_CONTROLLER: Final = ApiRequest(method="DELETE", path="/")


class Definitions:
    """Follows the definitions in the storage; what they define is served from the moment they are established."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[str, Object] = {}
        self._due: set[str] = set()
        self._custom = CustomResources()
        for entry in core.storage.list(STORED_AS).entries:
            self._known[entry.name] = entry.object()
            self._due.add(entry.name)
        if self._known:
            self._serve()

    def schemas(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """OpenAPI v3 schemas of custom kinds by (apiVersion, kind)."""
        return self._custom.custom_schemas()

    def deprecation(self, resource: Resource) -> str:
        """The warning that comes with a deprecated version; empty where it is none."""
        if resource.columns is None:
            return _DEPRECATED.get(resource.stored_as, "")
        definition = self._known.get(resource.stored_as)
        return (deprecation_warning(definition, resource.version) if definition else None) or ""

    def changed(self, stored_as: str, event: Event) -> None:
        """Takes a change of the storage. What follows from it is done once the change is over."""
        name = event.entry.name if stored_as == STORED_AS else stored_as
        if stored_as == STORED_AS:
            if event.type == "DELETED":
                self._known.pop(name, None)
                self._core.storage.forget(name)
            else:
                self._known[name] = event.entry.object()
            self._serve()
        elif event.type != "DELETED" or stored_as not in self._known:
            return
        self._due.add(name)
        asyncio.get_running_loop().call_soon(self.work)

    def work(self) -> None:
        """Does what is due: names are accepted, definitions that go take their objects along."""
        while self._due:
            name = self._due.pop()
            definition = self._known.get(name)
            if definition is None:
                continue
            metadata = definition["metadata"]
            if metadata.get("deletionTimestamp"):
                if FINALIZER in (metadata.get("finalizers") or ()):
                    self._empty(name, definition)
                continue
            others = [other for key, other in self._known.items() if key != name]
            self._store(definition, settle(definition, others, self._core.now_text()))

    def _serve(self) -> None:
        self._custom.replace(self._known.values())
        self._core.registry.serve_custom(self._custom.resources())

    def _empty(self, name: str, definition: Object) -> None:
        """Deletes what a definition's kinds have; it goes when nothing is left."""
        storage, resource = self._core.storage, self._core.registry.in_storage(name)
        entries = storage.list(name).entries
        if entries and resource is not None:
            self._store(definition, deleting_instances(definition, self._core.now_text()))
            self._delete_all(resource, [(entry.namespace, entry.name) for entry in entries])
        if storage.list(name).entries:
            return
        current = storage.get(STORED_AS, "", name)
        if current is None:
            return
        done = cleaned_up(current.object(), self._core.now_text())
        if done["metadata"].get("finalizers"):
            storage.update(STORED_AS, "", name, done, current.revision)
        else:
            storage.delete(STORED_AS, "", name, current.revision)

    def _delete_all(self, resource: Resource, places: Iterable[tuple[str, str]]) -> None:
        for namespace, name in places:
            call = VerbCall(request=_CONTROLLER, resource=resource, namespace=namespace, name=name)
            try:
                delete(self._core, call, DeleteOptions())
            except Failure as failure:
                if failure.code != 404:
                    raise

    def _store(self, definition: Object, changed: Object | None) -> None:
        if changed is None:
            return
        name, revision = definition["metadata"]["name"], int(definition["metadata"]["resourceVersion"])
        current = self._core.storage.get(STORED_AS, "", name)
        if current is not None and current.revision == revision:
            self._core.storage.update(STORED_AS, "", name, changed, revision)
