"""Get and list (k8s.io/apiserver ``endpoints/handlers/get.go``, ``storage/continue.go``)."""

import base64
import binascii
from typing import Any, Final

import msgspec

from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.errors import internal
from pocketkube.cluster.api.options import META, flag, integer
from pocketkube.cluster.api.request import ApiRequest
from pocketkube.cluster.api.selecting import Selection, select
from pocketkube.cluster.failure import Failure, FieldCause, invalid, not_found
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.storage import Expired, StoredObject

_CONTINUE_VERSION: Final = "meta.k8s.io/v1"
_MATCHES: Final = ("Exact", "NotOlderThan")


class ListOptions(msgspec.Struct, frozen=True):
    """Of list and watch; revisions are numbers, -1 where none is given."""

    watch: bool
    revision: int
    match: str
    limit: int
    token: str
    timeout: int | None
    bookmarks: bool
    initial_events: bool | None


class ListedObjects(msgspec.Struct, frozen=True):
    """What a list answers with.

    Attributes:
        token: continues the list; empty at its end.
        remaining: how many more there are; None where that is not known.
    """

    entries: list[StoredObject]
    revision: int
    token: str = ""
    remaining: int | None = None

    def metadata(self, *, custom: bool = False) -> dict[str, Any]:
        """As ``metadata`` of the list; that of a custom resource names the token even where there is none."""
        metadata: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if custom:
            metadata["continue"] = ""
        if self.token:
            metadata["continue"] = self.token
            if self.remaining is not None:
                metadata["remainingItemCount"] = self.remaining
        return metadata


def list_options(request: ApiRequest, *, watch: bool = False) -> ListOptions:
    """Raises:
    Failure: Invalid (``ValidateListOptions``) or BadRequest.
    """
    if not request.query and not watch:
        return ListOptions(False, -1, "", 0, "", None, False, None)
    watch = watch or bool(flag(request, "watch"))
    match, token = request.first("resourceVersionMatch"), request.first("continue")
    text = request.first("resourceVersion")
    initial = flag(request, "sendInitialEvents")
    limit, timeout = integer(request, "limit") or 0, integer(request, "timeoutSeconds")
    problems = Problems()
    if watch:
        _check_watch(match, token, initial, problems)
    else:
        _check_list(match, token, text, initial, problems)
    if problems:
        raise invalid("ListOptions", META, "", problems)
    if not text:
        revision = -1
    elif text.isascii() and text.isdigit() and len(text) < 20:
        revision = int(text)
    else:
        raise _bad_revision(text, watch=watch)
    bookmarks = bool(flag(request, "allowWatchBookmarks"))
    return ListOptions(watch, revision, match, max(limit, 0), token, timeout, bookmarks, initial)


def get(core: Core, call: VerbCall) -> StoredObject:
    """Raises:
    Failure: NotFound, Timeout where a later revision is asked for than there is.
    """
    text = call.request.first("resourceVersion")
    if text:
        if not (text.isascii() and text.isdigit()):
            raise _bad_revision(text, watch=True)
        check_reached(core, int(text))
    resource = call.resource
    entry = core.storage.get(resource.stored_as, call.namespace, call.name)
    if entry is None:
        raise not_found(resource.plural, resource.group, call.name)
    return entry


def list_entries(core: Core, call: VerbCall, options: ListOptions) -> ListedObjects:
    """Raises:
    Failure: BadRequest, Expired, Timeout.
    """
    selection = select(call)
    revision, after, limit = 0, None, options.limit
    if options.token:
        if options.revision > 0:
            text = "specifying resource version is not allowed when using continue"
            raise Failure("BadRequest", text)
        revision, after = read_token(options.token, call.namespace)
    elif options.revision > 0:
        check_reached(core, options.revision)
        if options.match == "Exact" or (limit and not options.match):
            revision = options.revision
    elif options.revision == 0:
        # What the watch cache answers has no pages.
        limit = 0
    try:
        return _collect(core, call, selection, revision, after, limit)
    except Expired:
        if options.token:
            raise Failure("Expired", _CONTINUE_EXPIRED) from None
        raise Failure("Expired", f"The resourceVersion for the provided list is too old: {options.revision}") from None


def _collect(
    core: Core, call: VerbCall, selection: Selection, revision: int, after: tuple[str, str] | None, limit: int
) -> ListedObjects:
    storage, stored_as, keep = core.storage, call.resource.stored_as, selection.keep
    if selection.name and selection.namespace and not revision and not after:
        entry = storage.get(stored_as, selection.namespace, selection.name)
        there = [entry] if entry is not None and (keep is None or keep(entry)) else []
        return ListedObjects(there, storage.revision)
    if keep is None or not limit:
        page = storage.list(stored_as, selection.namespace, revision=revision, limit=limit, after=after)
        entries = list(page.entries if keep is None else filter(keep, page.entries))
        if page.after is None:
            return ListedObjects(entries, page.revision)
        return ListedObjects(entries, page.revision, _token(page.revision, page.after, call.namespace), page.remaining)
    page = storage.list(stored_as, selection.namespace, revision=revision, after=after)
    found: list[StoredObject] = []
    for entry in page.entries:
        if len(found) == limit:
            # Whether any that follows is meant is not known until it is asked for.
            last = found[-1]
            return ListedObjects(
                found, page.revision, _token(page.revision, (last.namespace, last.name), call.namespace)
            )
        if keep(entry):
            found.append(entry)
    return ListedObjects(found, page.revision)


def check_reached(core: Core, revision: int) -> None:
    """Raises:
    Failure: Timeout; the server has not come so far.
    """
    if revision > core.storage.revision:
        text = f"Timeout: Too large resource version: {revision}, current: {core.storage.revision}"
        cause = FieldCause("ResourceVersionTooLarge", "Too large resource version", "")
        raise Failure("Timeout", text, causes=[cause], retry_after=1)


def read_token(token: str, namespace: str) -> tuple[int, tuple[str, str]]:
    """The revision and the last object of a continue token.

    Raises:
        Failure: BadRequest.
    """
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise _bad_token("illegal base64 data at input byte 0") from None
    try:
        value = msgspec.json.decode(data)
        start, revision = value["start"], value["rv"]
        version = value["v"]
        if not isinstance(start, str) or not isinstance(revision, int) or revision <= 0:
            raise TypeError
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        shown = data[:1].decode("latin-1") or "EOF"
        raise _bad_token(f"invalid character '{shown}' looking for beginning of value") from None
    if version != _CONTINUE_VERSION:
        raise _bad_token(f'server does not recognize this encoded version "{version}"', "continue key is not valid: ")
    path = start.strip("/").removesuffix("\0")
    if namespace:
        return revision, (namespace, path)
    first, _, second = path.partition("/")
    return revision, (first, second) if second else ("", first)


_CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def _token(revision: int, after: tuple[str, str], namespace: str) -> str:
    place, name = after
    start = f"/{name}\0" if namespace or not place else f"/{place}/{name}\0"
    value = msgspec.json.encode({"v": _CONTINUE_VERSION, "rv": revision, "start": start})
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bad_token(why: str, words: str = "continue key is not valid: ") -> Failure:
    return Failure("BadRequest", f"invalid continue token: {words}{why}")


def _bad_revision(text: str, *, watch: bool) -> Failure:
    words = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    return internal(words) if watch else Failure("BadRequest", f"invalid resource version: {words}")


def _check_list(match: str, token: str, revision: str, initial: bool | None, problems: Problems) -> None:
    field = "resourceVersionMatch"
    if match:
        if not revision:
            problems.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if token:
            problems.forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
        if match not in _MATCHES:
            problems.unsupported(field, match, (*_MATCHES, ""))
        if match == "Exact" and revision == "0":
            problems.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if initial is not None:
        problems.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _check_watch(match: str, token: str, initial: bool | None, problems: Problems) -> None:
    field = "resourceVersionMatch"
    if initial is not None and match != "NotOlderThan":
        problems.forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if match:
        if initial is None:
            problems.forbidden(
                field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            )
        if match != "NotOlderThan":
            problems.unsupported(field, match, ("NotOlderThan",))
        if token:
            problems.forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
