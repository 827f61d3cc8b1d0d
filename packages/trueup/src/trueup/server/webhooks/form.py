"""A payload in a form, as GitHub sends it unless it is asked for JSON: megabytes of which each third character may be
an escape."""

import binascii
from typing import Final

from trueup.server.webhooks.news import BadDelivery

_FIELD: Final = b"payload="
_PIECE: Final = 1 << 20
"""Bytes that are decoded at a time; between two, others have their turn."""


def payload_of(form: bytes) -> bytes:
    """The value of the field ``payload``.

    Raises:
        BadDelivery: there is none.
    """
    begin = 0 if form.startswith(_FIELD) else form.find(b"&" + _FIELD) + 1
    if not begin and not form.startswith(_FIELD):
        raise BadDelivery("the form has no field payload")
    begin += len(_FIELD)
    end = form.find(b"&", begin)
    found: list[bytes] = []
    end = len(form) if end < 0 else end
    while begin < end:
        stop = min(begin + _PIECE, end)
        escape = form.rfind(b"%", max(begin, stop - 2), stop)
        if begin < escape and stop < end:
            stop = escape
        found.append(_decoded(form[begin:stop]))
        begin = stop
    return b"".join(found)


def _decoded(text: bytes) -> bytes:
    # Mail writes the same escapes behind another character, and has them decoded by C.
    return binascii.a2b_qp(text.replace(b"=", b"=3D").replace(b"+", b" ").replace(b"%", b"="))
