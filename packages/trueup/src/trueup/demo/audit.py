"""Reads the API server's audit log: who asked for what, in the order of the answers."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class _User(msgspec.Struct, frozen=True, rename="camel"):
    username: str = ""


class _ObjectRef(msgspec.Struct, frozen=True, rename="camel"):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    subresource: str = ""


class _Response(msgspec.Struct, frozen=True, rename="camel"):
    code: int = 0
    name: str = ""


class AuditEntry(
    msgspec.Struct,
    frozen=True,
    rename={"request_uri": "requestURI"}
    | {
        "object_ref": "objectRef",
        "user_agent": "userAgent",
        "response_status": "responseStatus",
        "request_object": "requestObject",
        "received": "requestReceivedTimestamp",
    },
):
    """One request (``audit.k8s.io/v1`` Event).

    Attributes:
        received: when the request came in, RFC 3339 with microseconds.
        request_object: the body sent, at level Request and above.
    """

    verb: str = ""
    request_uri: str = ""
    user_agent: str = ""
    user: _User = _User()
    object_ref: _ObjectRef = _ObjectRef()
    response_status: _Response = _Response()
    received: str = ""
    request_object: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def code(self) -> int:
        """HTTP status of the answer."""
        return self.response_status.code

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the request."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.request_uri).query).items()}

    @property
    def written(self) -> bool:
        """Whether the request changed what is stored, or could have: no read, no dry run, no refusal."""
        return self.verb in WRITES and "dryRun" not in self.query and self.code < 400

    @property
    def target(self) -> str:
        """``resource.group/namespace/name`` with the subresource, for comparing and for messages."""
        ref = self.object_ref
        resource = f"{ref.resource}.{ref.api_group}" if ref.api_group else ref.resource
        parts = [resource, ref.namespace, ref.name or self.response_status.name, ref.subresource]
        return "/".join(part for part in parts if part)


_decoder = msgspec.json.Decoder(AuditEntry)


def read_audit(path: Path, offset: int = 0, user: str = "") -> list[AuditEntry]:
    """Entries from a byte offset of the log on, of one user when one is named.

    The log is written before the answer is sent, so an entry is there once its answer is.
    """
    with path.open("rb") as log:
        log.seek(offset)
        data = log.read()
    # The last line may be half written.
    complete = data[: data.rfind(b"\n") + 1]
    entries = [_decoder.decode(line) for line in complete.splitlines()]
    return [entry for entry in entries if not user or entry.user.username == user]
