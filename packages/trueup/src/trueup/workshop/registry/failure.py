"""Refusals, as the distribution specification words them."""

from aiohttp import web
from msgspec import json

_CODES = {
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (400, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (400, "manifest references a manifest or blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown to registry"),
    "NAME_INVALID": (400, "invalid repository name"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "RANGE_INVALID": (416, "the chunk does not continue the upload"),
    "SIZE_INVALID": (413, "provided content is too large"),
    "TOOMANYREQUESTS": (429, "too many uploads"),
    "UNAUTHORIZED": (401, "authentication required"),
    "UNSUPPORTED": (405, "the operation is unsupported"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
}


class RegistryRefused(Exception):
    """An answer other than what was asked for."""

    def __init__(self, code: str, detail: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.code, self.detail, self.headers = code, detail, headers or {}

    def answer(self) -> web.Response:
        """The HTTP answer."""
        status, message = _CODES[self.code]
        body = json.encode({"errors": [{"code": self.code, "message": message, "detail": self.detail}]})
        return web.Response(status=status, body=body, content_type="application/json", headers=self.headers)
