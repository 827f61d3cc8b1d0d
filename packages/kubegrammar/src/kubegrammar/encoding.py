"""Text from bytes, as YAML 1.2 and kubectl find its encoding: by a byte order mark, else UTF-8."""

from typing import Final

_MARKS: Final = (
    # The longer first: UTF-32 begins like UTF-16 with a NUL, which no text holds.
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class NotText(ValueError):
    """Bytes that are no text of their encoding.

    Attributes:
        encoding: as it should be shown, ``UTF-8``.
        offset: of the first byte that cannot be read.
        before: the text up to there.
    """

    def __init__(self, encoding: str, offset: int, before: str) -> None:
        super().__init__(f"not valid {encoding} at byte {offset}")
        self.encoding = encoding
        self.offset = offset
        self.before = before


def decode(data: bytes) -> str:
    """The text without its byte order mark.

    Raises:
        NotText: it is none.
    """
    mark, encoding = _encoding(data)
    body = data[len(mark) :]
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(encoding, "replace")
        raise NotText(
            encoding.upper().removesuffix("-LE").removesuffix("-BE"), len(mark) + error.start, before
        ) from None


def is_utf8(data: bytes) -> bool:
    """Whether no mark tells of another encoding."""
    return _encoding(data)[1] == "utf-8"


def _encoding(data: bytes) -> tuple[bytes, str]:
    return next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), (b"", "utf-8"))


def salvaged(data: bytes) -> str:
    """What a person would make out of bytes, readable or not: for guessing what a file was meant to be.

    What cannot be read becomes U+FFFD; NULs, which stand between the letters of UTF-16 without a mark, are left out.
    """
    mark, encoding = _encoding(data)
    return data[len(mark) :].decode(encoding, "replace").replace("\0", "")
