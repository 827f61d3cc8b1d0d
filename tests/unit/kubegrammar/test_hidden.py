"""Secrets are found by their value in every spelling, and honest words are left."""

import base64
import json
from urllib.parse import quote

import pytest

from kubegrammar.hidden import Hidden, secret_values, spellings

SECRET = "Can4ry/x+&<7'q\"é"

TEXTS = {
    "plain": SECRET,
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64, one byte on": base64.b64encode(b"x" + SECRET.encode()).decode(),
    "in base64, two bytes on": base64.b64encode(b"xy" + SECRET.encode() + b"z").decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "in a URL": quote(SECRET, safe=""),
    "in hexadecimals": SECRET.encode().hex(),
    "in JSON": json.dumps(SECRET),
    "in JSON beyond ASCII": json.dumps(SECRET, ensure_ascii=False),
    "in Go's JSON": json.dumps(SECRET, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c"),
    "in single quotes of YAML": SECRET.replace("'", "''"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_spelling_is_hidden(name: str) -> None:
    shown = Hidden([SECRET]).hide(f"before {TEXTS[name]} behind")
    assert shown.startswith("before ") and shown.endswith(" behind")
    assert "******" in shown
    assert not any(spelling in shown for spelling in spellings(SECRET))


def test_a_piece_is_hidden_where_it_is_long_enough_to_tell() -> None:
    secret = "0123456789abcdefghijklmnopqrstuvwxyz"
    assert Hidden([secret]).hide("cut: 56789abcdefghijklmnop…") == "cut: ******…"
    assert Hidden([secret]).hide("short: 56789abc") == "short: 56789abc"


def test_lines_of_a_value_are_hidden_one_by_one() -> None:
    hidden = Hidden(["user = ada\npassword is swordfish!\n"])
    assert hidden.hide("quoted: password is swordfish!") == "quoted: ******"


def test_names_and_short_words_are_told() -> None:
    hidden = Hidden(["admin", "my-database", "enabled", "42"], plain=["my-database"])
    assert not hidden
    assert hidden.hide("admin of my-database enabled 42") == "admin of my-database enabled 42"


def test_many_values_that_begin_alike_are_all_hidden() -> None:
    values = [f"https://host-{n:04}" for n in range(300)]
    hidden = Hidden(values)
    assert all(hidden.hide(f"to {value} from") == "to ****** from" for value in values)


def test_values_of_a_secret_whatever_its_form() -> None:
    encoded = base64.b64encode(b"plain-text").decode()
    assert set(
        secret_values({"data": {"a": encoded, "b": "not base64!", "c": None}, "stringData": {"d": 1234567}})
    ) == {encoded, "plain-text", "not base64!", "1234567"}
    assert list(secret_values({"data": "loose"})) == ["loose"]
    assert list(secret_values(None)) == []
