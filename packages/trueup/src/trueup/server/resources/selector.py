"""Label selectors as clients write them: ``app=web,tier in (front,back),!old``."""

from collections.abc import Callable, Iterator, Mapping

from trueup.server.errors import Code, Fault

Test = Callable[[Mapping[str, str]], bool]
LONGEST = 4096
"""Characters of a selector."""


def selector(text: str) -> Test:
    """Whether labels are meant.

    Raises:
        Fault: the text is no selector.
    """
    if len(text) > LONGEST:
        raise Fault(Code.INVALID_ARGUMENT, f"the selector is longer than {LONGEST} characters")
    tests = [_test(part.strip(), text) for part in _parts(text) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


def _parts(text: str) -> Iterator[str]:
    """Split at commas outside of brackets."""
    begin = depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _test(part: str, text: str) -> Test:
    if part.startswith("!"):
        key = _name(part[1:].strip(), text)
        return lambda labels: key not in labels
    words = part.split(None, 1)
    if len(words) == 2 and words[1].split("(")[0].strip() in ("in", "notin"):
        return _among(words[0], words[1], text)
    for sign in ("!=", "==", "="):
        key, found, value = part.partition(sign)
        if found:
            key, value = _name(key.strip(), text), value.strip()
            if sign == "!=":
                return lambda labels: labels.get(key) != value
            return lambda labels: labels.get(key) == value
    key = _name(part, text)
    return lambda labels: key in labels


def _among(key: str, rest: str, text: str) -> Test:
    word, bracket, values = rest.partition("(")
    if not bracket or not values.endswith(")"):
        raise _wrong(text)
    wanted = frozenset(each.strip() for each in values[:-1].split(","))
    _name(key, text)
    if word.strip() == "in":
        return lambda labels: labels.get(key) in wanted
    return lambda labels: labels.get(key) not in wanted


def _name(key: str, text: str) -> str:
    if not key or not all(letter.isalnum() or letter in "-_./" for letter in key):
        raise _wrong(text)
    return key


def _wrong(text: str) -> Fault:
    return Fault(Code.INVALID_ARGUMENT, f"unable to parse the selector {text[:80]!r}")
