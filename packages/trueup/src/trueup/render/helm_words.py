"""The functions that a chart's text calls, and the same text with other answers to them.

Whether the outcome of a chart depends on the clock, on chance or on the cluster is seen by rendering it again; a text
that merely names such a function (in an unused helper, in notes) says nothing about it.
"""

from collections.abc import Callable, Iterator

from kubegrammar import pattern

LOOKUP = "lookup"
CHANGING = frozenset(
    (
        *(f"rand{kind}" for kind in ("AlphaNum", "Alpha", "Numeric", "Ascii", "Bytes", "Int")),
        *("genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert"),
        *("genSignedCertWithKey", "uuidv4", "now", "ago", "htpasswd", "bcrypt", "shuffle", "encryptAES", LOOKUP),
    )
)
"""Functions of Helm whose answer is another the next time, and the one that asks the cluster."""

# Backquotes: the word may stand within a text in double ones, as in a comment that is printed.
_LATER = {b"now": b"(dateModify `-9000h` now)", b"ago": b"htmlDate"}
_ANSWERED = {LOOKUP.encode(): b"dict"}
_TOKEN = pattern.compile(rb'"(?:[^"\\]|\\.)*"|`[^`]*`|[$.\w]+')


def called(data: bytes) -> set[str]:
    """Which of :data:`CHANGING` a text calls."""
    if b"{{" not in data:
        return set()
    words = {match[0] for action in _actions(data) for match in _TOKEN.finditer(action)}
    return {word.decode("ascii", "replace") for word in words} & CHANGING


def at_another_time(data: bytes) -> bytes:
    """The text as it would answer a year ago."""
    return _with(data, _LATER)


def with_answers(data: bytes) -> bytes:
    """The text as if the cluster had an object for each of its questions: a mapping of what was asked."""
    return _with(data, _ANSWERED)


def _with(data: bytes, others: dict[bytes, bytes]) -> bytes:
    if not any(word in data for word in others):
        return data
    replace: Callable[[pattern.Match[bytes]], bytes] = lambda match: others.get(match[0], match[0])  # noqa: E731
    parts = []
    for index, part in enumerate(_parts(data)):
        parts.append(_TOKEN.sub(replace, part) if index % 2 and not _is_comment(part) else part)
    return b"".join(parts)


def _actions(data: bytes) -> Iterator[bytes]:
    return (part for index, part in enumerate(_parts(data)) if index % 2 and not _is_comment(part))


def _parts(data: bytes) -> Iterator[bytes]:
    """Text and action in turn; together they are the data."""
    place = 0
    while True:
        begin = data.find(b"{{", place)
        end = data.find(b"}}", begin) if begin >= 0 else -1
        if end < 0:
            yield data[place:]
            return
        yield data[place:begin]
        yield data[begin : end + 2]
        place = end + 2


def _is_comment(action: bytes) -> bool:
    return action[2:].lstrip(b"- \t\r\n").startswith(b"/*")
