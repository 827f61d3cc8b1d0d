"""Bytes → text, by a byte order mark or as UTF-8."""

import pytest

from kubegrammar.encoding import NotText, decode, is_utf8, salvaged

TEXT = "kind: é😀\n"
ENCODINGS = {
    "UTF-8": TEXT.encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16, little end first": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "UTF-16, big end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-32, little end first": b"\xff\xfe\x00\x00" + TEXT.encode("utf-32-le"),
    "UTF-32, big end first": b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be"),
}


@pytest.mark.parametrize("data", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_reads(data: bytes) -> None:
    assert decode(data) == salvaged(data) == TEXT


@pytest.mark.parametrize(
    ("data", "says", "before"),
    [
        pytest.param(b"a: \xe9", "not valid UTF-8 at byte 3", "a: ", id="a byte of a national code page"),
        pytest.param(b"\xef\xbb\xbfa\xff", "not valid UTF-8 at byte 4", "a", id="behind a mark"),
        pytest.param(b"\xff\xfea\x00b", "not valid UTF-16 at byte 4", "a", id="half a letter of UTF-16"),
        pytest.param(b"\xfe\xff\x00a\xd8\x00\x00b", "not valid UTF-16 at byte 4", "a", id="half a surrogate pair"),
    ],
)
def test_refuses(data: bytes, says: str, before: str) -> None:
    with pytest.raises(NotText, match=says) as caught:
        decode(data)
    assert caught.value.before == before


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param("kind: a\n".encode("utf-16-le"), "kind: a\n", id="UTF-16 without a mark"),
        pytest.param(b"kind: \xe9\n", "kind: �\n", id="a national code page"),
        pytest.param(b"\xff\xfek\x00i", "k�", id="half a letter of UTF-16"),
        pytest.param(b"\x00\x00\x00", "", id="nothing but NULs"),
    ],
)
def test_salvages_what_a_person_would_recognise(data: bytes, text: str) -> None:
    assert salvaged(data) == text


def test_only_a_mark_tells_of_another_encoding() -> None:
    assert is_utf8(TEXT.encode()) and is_utf8(TEXT.encode("utf-16-le"))
    assert not is_utf8(ENCODINGS["UTF-16, big end first"])
