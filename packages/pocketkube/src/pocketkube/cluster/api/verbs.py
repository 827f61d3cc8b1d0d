"""From a route to its verb, and from a verb's result to the answer."""

from collections.abc import Callable
from typing import Final

import msgspec

from pocketkube.cluster import catalog
from pocketkube.cluster.api import pods, reviews, scaling
from pocketkube.cluster.api.applying import server_side_apply
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.create import create
from pocketkube.cluster.api.decoding import check_size, decode
from pocketkube.cluster.api.definitions import Definitions
from pocketkube.cluster.api.deletion import delete
from pocketkube.cluster.api.errors import SCHEME, unknown_resource, wrong_method
from pocketkube.cluster.api.listing import ListedObjects, get, list_entries, list_options
from pocketkube.cluster.api.negotiation import View, view_of
from pocketkube.cluster.api.options import DeleteOptions, delete_options, write_options
from pocketkube.cluster.api.patches import APPLY_PATCH, patch, patch_type
from pocketkube.cluster.api.request import JSON, TEXT, ApiRequest, Response, StreamAnswer, respond
from pocketkube.cluster.api.reviews import Tokens
from pocketkube.cluster.api.routes import ResourceRoute
from pocketkube.cluster.api.update import replace
from pocketkube.cluster.api.views import show, show_list, show_object
from pocketkube.cluster.api.watching import Lines, stream
from pocketkube.cluster.failure import Failure, not_found
from pocketkube.cluster.resource import Resource

_VERBS: Final = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_REVIEWS: Final = (
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "subjectaccessreviews",
    "localsubjectaccessreviews",
    "selfsubjectreviews",
    "tokenreviews",
)
_CONNECT: Final = ("exec", "attach", "portforward", "proxy")


class Verbs:
    """Performs what is asked of resources."""

    def __init__(self, core: Core, tokens: Tokens, definitions: Definitions) -> None:
        self._core, self._tokens, self._definitions = core, tokens, definitions
        self._lines = Lines(core)

    def wrong_method(self) -> Failure:
        return wrong_method()

    async def perform(self, request: ApiRequest, route: ResourceRoute, warnings: list[str]) -> Response | StreamAnswer:
        """Answers a request for a resource.

        Raises:
            Failure: it is refused.
        """
        registry = self._core.registry
        resource = registry.find(route.group, route.version, route.plural)
        if resource is None or (route.beyond and route.subresource not in _CONNECT):
            if registry.is_built_in_group(route.group):
                raise unknown_resource()
            return Response(code=404, body=b"404 page not found\n", content_type=TEXT)
        self._check_place(resource, route, request.method)
        call = VerbCall(
            request=request,
            resource=resource,
            namespace=route.namespace,
            name=route.name,
            subresource=route.subresource,
            warnings=warnings,
        )
        call.warn(self._definitions.deprecation(resource))
        if route.watch:
            return await self._read_many(call, watch=True)
        if route.subresource:
            answer: Response | StreamAnswer = await self._subresource(call)
        elif route.name:
            answer = self._one(call)
        else:
            answer = await self._many(call)
        if request.method != "GET":
            await self._core.storage.durable()
        return answer

    def _check_place(self, resource: Resource, route: ResourceRoute, method: str) -> None:
        """Namespaced objects are in namespaces, others are not."""
        if not resource.namespaced:
            if route.namespace:
                raise unknown_resource()
        elif not route.namespace and not route.watch:
            if route.name:
                raise unknown_resource()
            if method != "GET":
                raise wrong_method()

    async def _many(self, call: VerbCall) -> Response | StreamAnswer:
        method, verbs = call.request.method, call.resource.verbs
        if method == "GET" and "list" in verbs:
            return await self._read_many(call)
        if method == "POST" and "create" in verbs:
            return self._create(call)
        if method == "DELETE" and "deletecollection" in verbs:
            return self._delete_many(call)
        raise wrong_method()

    async def _read_many(self, call: VerbCall, *, watch: bool = False) -> Response | StreamAnswer:
        view = view_of(call.request.headers.get("accept", ""), reads_collection=True)
        options = list_options(call.request, watch=watch)
        if not options.watch:
            found = list_entries(self._core, call, options)
            return show_list(self._core, call.request, call.resource, found, view)
        if "watch" not in call.resource.verbs:
            raise wrong_method()
        return StreamAnswer(chunks=await stream(self._core, self._lines, call, options, view))

    def _one(self, call: VerbCall) -> Response:
        method, verbs = call.request.method, call.resource.verbs
        if method not in _VERBS or _VERBS[method] not in verbs or method == "POST":
            raise wrong_method()
        view = view_of(call.request.headers.get("accept", ""))
        match method:
            case "GET":
                return show(self._core, call.request, call.resource, get(self._core, call), view)
            case "PUT":
                return self._replace(call, view)
            case "PATCH":
                return self._patch(call, view)
            case _:
                return self._delete(call, view)

    def _create(self, call: VerbCall) -> Response:
        view = view_of(call.request.headers.get("accept", ""))
        call.options = write_options(call.request, "CreateOptions")
        if call.resource.plural in _REVIEWS and call.resource.kind.endswith("Review"):
            obj = decode(call, self._core.registry)
            return respond(reviews.review(self._core, call, self._tokens, obj), 201)
        if call.resource.plural == "bindings":
            return self._bind(call)
        return self._answer(call, view, create(self._core, call, decode(call, self._core.registry)))

    def _replace(self, call: VerbCall, view: View) -> Response:
        call.options = write_options(call.request, "UpdateOptions")
        return self._answer(call, view, replace(self._core, call, decode(call, self._core.registry)))

    def _patch(self, call: VerbCall, view: View) -> Response:
        custom = self._core.registry.is_custom(call.resource)
        kind = patch_type(call.request.headers.get("content-type", ""), custom=custom)
        call.options = write_options(call.request, "PatchOptions", apply=kind == APPLY_PATCH)
        if kind == APPLY_PATCH:
            return self._answer(call, view, server_side_apply(self._core, call))
        return self._answer(call, view, patch(self._core, call, kind))

    def _delete(self, call: VerbCall, view: View) -> Response:
        code, obj = delete(self._core, call, _read_delete_options(call))
        return show_object(self._core, call.request, call.resource, obj, view, code)

    def _delete_many(self, call: VerbCall) -> Response:
        view = view_of(call.request.headers.get("accept", ""), reads_collection=True)
        options = list_options(call.request)
        wanted = _read_delete_options(call)
        found: ListedObjects = list_entries(self._core, call, options)
        for entry in found.entries:
            one = VerbCall(request=call.request, resource=call.resource, namespace=entry.namespace, name=entry.name)
            try:
                delete(self._core, one, msgspec.structs.replace(wanted))
            except Failure as failure:
                if failure.code != 404:
                    raise
        return show_list(self._core, call.request, call.resource, found, view)

    async def _subresource(self, call: VerbCall) -> Response | StreamAnswer:
        resource, method = call.resource, call.request.method
        known = resource.subresources.get(call.subresource)
        if known is None:
            if self._core.registry.is_custom(resource):
                raise not_found(resource.plural, resource.group, call.name)
            raise unknown_resource()
        if _VERBS.get(method) not in known.verbs:
            raise wrong_method()
        special = self._special(call)
        if special is not None:
            return special(call)
        return self._one_sub(call)

    def _special(self, call: VerbCall) -> Callable[[VerbCall], Response] | None:
        match (call.resource.stored_as, call.subresource):
            case ("pods", "binding"):
                return self._bind
            case ("pods", "eviction"):
                return self._evict
            case ("pods", "log"):
                return lambda call: pods.log(self._core, call)
            case ("serviceaccounts", "token"):
                return self._token
            case (_, "scale"):
                return self._scale
            case (_, name) if name in _CONNECT:
                return self._connect
        return None

    def _one_sub(self, call: VerbCall) -> Response:
        """Status, finalize and the like: the object itself, of which only a part can be written."""
        view = view_of(call.request.headers.get("accept", ""))
        match call.request.method:
            case "GET":
                return show(self._core, call.request, call.resource, get(self._core, call), view)
            case "PUT":
                return self._replace(call, view)
            case "PATCH":
                return self._patch(call, view)
        raise wrong_method()

    def _scale(self, call: VerbCall) -> Response:
        core, resource = self._core, call.resource
        match call.request.method:
            case "GET":
                return respond(scaling.scale_of(resource, core.read(resource, get(core, call))))
            case "PUT":
                call.options = write_options(call.request, "UpdateOptions")
                written = scaling.replace_scale(core, call)
            case _:
                custom = core.registry.is_custom(resource)
                kind = patch_type(call.request.headers.get("content-type", ""), custom=custom)
                call.options = write_options(call.request, "PatchOptions", apply=kind == APPLY_PATCH)
                written = scaling.patch_scale(core, call, kind)
        obj = msgspec.json.decode(written.body) if written.body else written.obj
        return respond(scaling.scale_of(resource, obj))

    def _bind(self, call: VerbCall) -> Response:
        call.options = write_options(call.request, "CreateOptions")
        if not call.name:
            found = self._core.registry.find("", "v1", "pods")
            body = catalog.read_body(call.request.body, call.request.headers.get("content-type", "")).obj
            name = (body.get("metadata") or {}).get("name") if isinstance(body, dict) else ""
            if not found or not isinstance(name, str) or not name:
                raise Failure("BadRequest", "name must be provided")
            call = msgspec.structs.replace(call, resource=found, name=name)
        return respond(pods.bind(self._core, call), 201)

    def _evict(self, call: VerbCall) -> Response:
        call.options = write_options(call.request, "CreateOptions")
        return respond(pods.evict(self._core, call), 201)

    def _token(self, call: VerbCall) -> Response:
        call.options = write_options(call.request, "CreateOptions")
        body = call.request.body
        check_size(body)
        obj = catalog.read_body(body, call.request.headers.get("content-type", "")).obj if body else {}
        if not isinstance(obj, dict) or not isinstance(obj.get("spec") or {}, dict):
            raise Failure("BadRequest", "the object provided is unrecognized (must be of type TokenRequest)")
        return respond(reviews.request_token(self._core, call, self._tokens, obj), 201)

    def _connect(self, call: VerbCall) -> Response:
        get(self._core, call)
        raise Failure("BadRequest", f"{call.subresource} needs a node, and this cluster has none")

    def _answer(self, call: VerbCall, view: View, written: WriteAnswer) -> Response:
        code = 201 if written.created else 200
        if written.body and not view:
            return Response(code=code, body=written.body)
        obj = msgspec.json.decode(written.body) if written.body else written.obj
        return show_object(self._core, call.request, call.resource, obj, view, code)


def _read_delete_options(call: VerbCall) -> DeleteOptions:
    """Raises:
    Failure: BadRequest, Invalid.
    """
    body = call.request.body
    check_size(body)
    if not body:
        return delete_options(call.request, None)
    obj = catalog.read_body(body, call.request.headers.get("content-type", "") or JSON).obj
    if isinstance(obj, dict):
        kind, version = obj.get("kind") or "DeleteOptions", obj.get("apiVersion") or "v1"
        if kind != "DeleteOptions":
            text = f'no kind "{kind}" is registered for version "{version}" in scheme "{SCHEME}"'
            raise Failure("BadRequest", text)
    return delete_options(call.request, obj)
