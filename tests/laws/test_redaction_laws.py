"""Laws of redaction: no secret survives it in any spelling, twice is as once, and the printer steers nothing."""

import base64
import json
import string

from hypothesis import assume, given
from hypothesis import strategies as st

from kubegrammar.hidden import Hidden, spellings, written
from kubegrammar.named_secrets import MASK
from kubegrammar.redact import redact, redact_url
from kubegrammar.visible import escaped, visible
from trueup.runtime import secrecy

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
SECRET = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=8, max_size=40
).filter(lambda text: text.lower() not in ("disabled", "localhost", "password", "postgres", "undefined"))
CANARY = st.text(string.ascii_letters + string.digits, min_size=12, max_size=30).map(lambda text: f"Ca4{text}")
"""What no other part of a text looks like."""
ODD = st.text("/@:?#%&=+\\\"'~!$*()[]{}|^`<>;,.-_", max_size=6)
HOST = st.sampled_from(("h", "git.example", "localhost:8080", "10.0.0.1", "[::1]:443"))
PIECES = (
    *"a@:/?#=. \"'\\\n&[]",
    "b1",
    "://",
    "password",
    "token",
    "https",
    MASK,
    "Bearer ",
    "-----BEGIN PRIVATE KEY-----",
)
SENTENCE = st.sampled_from(("", "fetch ", "unable to access '", "git: (", '{"url": "', "a\n", "=", "[1/2] "))


@given(SECRET, TEXT, TEXT, st.data())
def test_a_known_value_is_hidden_in_every_spelling(secret: str, before: str, behind: str, data: st.DataObject) -> None:
    spelling = data.draw(st.sampled_from([*spellings(secret)]))
    shown = Hidden([secret]).hide(before + spelling + behind)
    assert spelling not in shown.replace(MASK, "\0")
    assert MASK in shown


@given(CANARY, st.binary(max_size=9), st.binary(max_size=9))
def test_a_known_value_is_hidden_inside_of_encoded_data(secret: str, before: bytes, behind: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + behind).decode()
    shown = Hidden([secret]).hide(f"data: {encoded}")
    # At either end one letter may be left that also tells of what stands beside the secret.
    assert not any(encoded[at : at + 8] in shown for at in range(_begin(before), _end(before, secret) - 8))


def _begin(before: bytes) -> int:
    return (len(before) * 8 + 5) // 6


def _end(before: bytes, secret: str) -> int:
    return (len(before) + len(secret)) * 8 // 6


@given(TEXT, st.lists(SECRET, max_size=3))
def test_hiding_twice_is_as_hiding_once(text: str, secrets: list[str]) -> None:
    hidden = Hidden(secrets)
    assume(all(MASK not in secret and secret not in MASK for secret in secrets))
    once = hidden.hide(text)
    assert hidden.hide(once) == once


@given(SENTENCE, st.sampled_from(("https", "http", "ssh", "ftp", "git+https", "HTTPS")), CANARY, ODD, ODD, HOST)
def test_no_password_of_a_url_is_told(sentence: str, scheme: str, secret: str, odd: str, more: str, host: str) -> None:
    text = f"{sentence}{scheme}://user:{secret}{odd}{secret}{more}@{host}/path"
    assert secret not in redact_url(f"{scheme}://user:{odd}{secret}{more}@{host}/path")
    assert secret not in redact(text)
    assert redact(redact(text)) == redact(text)


@given(SENTENCE, CANARY, st.sampled_from(("token", "sig", "X-Amz-Signature", "a", "access_token", "")), HOST, ODD)
def test_no_value_of_a_query_is_told(sentence: str, secret: str, name: str, host: str, odd: str) -> None:
    assume(not any(char in odd for char in "\"'`"))
    query = f"{name}={secret}" if name else secret
    for text in (f"https://{host}/a?{query}", f"https://{host}/a?x=1&{query}&y", f"https://{host}/a#{query}{odd}"):
        assert secret not in redact(sentence + text)


@given(st.text(max_size=200))
def test_redacting_twice_is_as_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_what_looks_like_a_credential_is_redacted_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


NAMED = [
    "password: ",
    "password:",
    "token: ",
    "token=",
    'secret:"',
    "a b1c2d3e4f5",
    "word",
    " ",
    '"',
    "\\",
    "\n",
    "=",
    "https://u:p@h ",
]


@given(st.lists(st.sampled_from(NAMED), min_size=1, max_size=8), st.integers(1, 40))
def test_however_many_names_of_secrets_follow_each_other_they_are_masked_in_one_look(
    pieces: list[str], times: int
) -> None:
    once = redact("".join(pieces) * times)
    assert redact(once) == once


@given(
    st.from_regex(
        r"[a-z][a-z0-9-]{0,20}(/[a-z0-9-]{1,10}){0,2}|[0-9a-f]{40}|[A-Z][a-z]+ [a-z]+/[a-z]+: [a-z ]+", fullmatch=True
    )
)
def test_names_and_commits_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=60))
def test_told_text_steers_nothing(text: str) -> None:
    told = secrecy.told(text)
    assert all(char.isprintable() or char in "\n\t" for char in told)
    assert secrecy.told(told) == told
    assert visible(text, keep="").isprintable()


@given(st.text(max_size=60))
def test_escaped_json_is_seen_and_means_the_same(text: str) -> None:

    assume(not any("\ud800" <= char <= "\udfff" for char in text))
    shown = escaped(json.dumps(text, ensure_ascii=False))
    assert shown.isprintable()
    assert json.loads(shown) == text


@given(st.lists(SECRET, max_size=3), TEXT, TEXT, st.data())
def test_a_text_is_told_the_same_whatever_secrets_others_have(
    secrets: list[str], before: str, behind: str, data: st.DataObject
) -> None:
    text = before + "".join(data.draw(st.permutations(secrets))) + behind
    expected, others = secrecy.told(text), secrecy.EVERYWHERE
    try:
        secrecy.EVERYWHERE = secrecy.Keeper()
        secrecy.EVERYWHERE.learn("others", lambda: secrets)
        with secrecy.keeping():
            assert secrecy.told(text) == expected
    finally:
        secrecy.EVERYWHERE = others


@given(SECRET, TEXT, TEXT)
def test_what_its_reader_wrote_confirms_no_guess(guess: str, before: str, behind: str) -> None:
    text = f"{before}{guess}{behind}"
    assert Hidden([guess]).hide(text, written(lambda: [text])) == text


@given(CANARY, CANARY.map(lambda text: text.swapcase()[::-1]), TEXT)
def test_what_its_reader_wrote_uncovers_no_other_secret(secret: str, guess: str, text: str) -> None:
    assume(secret not in text + guess)
    shown = Hidden([secret, guess]).hide(f"{guess} {secret}", written(lambda: [text, guess]))
    assert secret not in shown
    assert shown.startswith(guess)
