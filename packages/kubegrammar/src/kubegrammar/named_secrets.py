"""Secrets that are told by the name beside them: ``password: …``, ``DB_PASSWORD=…``."""

from typing import Final, NamedTuple

from kubegrammar import pattern

MASK: Final = "******"

NAMES: Final = (
    r"passwords?|passwd|passphrase|pwd|secret|token|(?:api|access|secret|private|signing|encryption|storage|account)"
    r"[_-]?key|credentials?|auth|signature|sig"
)
_WEAK: Final = ("secret", "credential", "credentials", "auth", "signature", "sig")
_STRONG: Final = ("clientsecret", "client_secret", "client-secret", "appsecret", "app_secret", "app-secret")
_FOLDERS: Final = ("PWD", "OLDPWD")
REFERENCE: Final = pattern.compile(r"\$[({]|\{\{|<[a-z_ -]+>$")
_SAID_OF_VALUES: Final = frozenset(
    (
        *("true", "false", "null", "none", "nil", "yes", "no", "required", "invalid", "missing", "empty", "unset"),
        *("forbidden", "expired", "unknown", "unsupported", "unauthorized", "denied"),
        *("string", "integer", "number", "object", "array", "boolean"),
        *(style + keep + indent for style in "|>" for keep in ("", "+", "-") for indent in ("", *"0123456789")),
    )
)
"""What a message or a notation puts where a value stands: it is none."""
_QUOTES: Final = "\\\"'"


def any_case(text: str) -> pattern.Pattern[str]:
    """Whatever the case of its letters."""
    return pattern.compile(f"(?i){text}")


_NAMED = any_case(rf"""([A-Za-z0-9_.-]*?(?:{NAMES}))(\\*["']?\]?\s*(?:=|:)\s*)""")
_VALUE = any_case(r"""(\\+"[^"]*"|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'&,;}\]]+)""")
_USUAL_VALUE: Final = 256
_LONGEST_VALUE: Final = 16 * 1024
_WHOLE_NAME = any_case(rf"[\w./-]*(?:{NAMES})")


def without_values(text: str) -> str:
    """Without the values beside names of secrets. A name is looked for in what another one's value might be too."""
    masks: list[tuple[int, int, str]] = []
    for named in reversed(_named_values(text)):
        kept = len(masks)
        while kept and masks[kept - 1][0] < named.stop:
            kept -= 1
        after = text[named.stop : named.stop + 2]
        if kept and masks[kept - 1][0] - named.stop < len(after):
            # What follows is told as a mask itself: a second look at the text must find the same.
            after = (text[named.stop : masks[kept - 1][0]] + masks[kept - 1][2])[:2]
        if named.is_secret(after):
            del masks[kept:]
            masks.append(named.mask(len(text)))
    pieces, done = [], 0
    for begin, end, mask in reversed(masks):
        pieces += [text[done:begin], mask]
        done = end
    return "".join((*pieces, text[done:])) if pieces else text


class _Named(NamedTuple):
    """A name of a secret, and what may be its value."""

    name: str
    between: str
    value: str
    start: int

    @property
    def stop(self) -> int:
        return self.start + len(self.value)

    def depends(self, after: str) -> bool:
        """Whether it is a secret is known when what follows is told."""
        return after.startswith(" ") and "=" not in self.between and self.value[0] not in _QUOTES

    def is_secret(self, after: str) -> bool:
        return _is_secret(self.name, self.between, self.value, after)

    def mask(self, end: int) -> tuple[int, int, str]:
        """Where the value begins and ends, and what stands there; ``end``: of the text."""
        quote = self.value[: len(self.value) - len(self.value.lstrip(_QUOTES))] if self.value[0] in _QUOTES else ""
        # What is longer than it is looked at ends nowhere that is known.
        stop = self.stop if len(self.value) < _LONGEST_VALUE else end
        return self.start, stop, f"{quote}{MASK}{quote}"


def _named_values(text: str) -> list[_Named]:
    """The names that are followed by a secret, and those where that depends on what comes behind it."""
    found: list[_Named] = []
    done = word = 0
    for match in _NAMED.finditer(text):
        if match.start() < done:
            continue
        start = match.end()
        # Within a word that was looked at already: it ends where that ends.
        value = text[start:word] if start < word else _value(text, start)
        if not value:
            continue
        named = _Named(match[1], match[2], value, start)
        if value[0] not in _QUOTES and len(value) < _LONGEST_VALUE:
            word = named.stop
        after = text[named.stop : named.stop + 2]
        if named.depends(after):
            found.append(named)
        elif named.is_secret(after):
            found.append(named)
            done = named.mask(len(text))[1]
    return found


def _value(text: str, start: int) -> str:
    """The value that begins at a place, of the usual length or as long as one is looked at; empty for none."""
    found = _VALUE.match(text[start : start + _USUAL_VALUE])
    value = str(found[0]) if found else ""
    if len(value) < _USUAL_VALUE:
        return value
    found = _VALUE.match(text[start : start + _LONGEST_VALUE])
    return str(found[0]) if found else ""


def _is_secret(name: str, between: str, value: str, after: str) -> bool:
    """Whether what stands beside a name of a secret is one, and no part of a sentence or a notation."""
    bare = value.strip(_QUOTES)
    if not bare or bare.startswith(MASK) or bare.lower() in _SAID_OF_VALUES or _is_reference(bare):
        return False
    if value[0] in "{[" and "=" not in between:
        return False
    quoted = value[0] in _QUOTES
    if "=" in between:
        return True
    if not _is_weak(name.lower()):
        # A sentence goes on after one word; a value ends the line.
        return quoted or not (after.startswith(" ") and after[1:].isalpha()) or _looks_random(bare)
    spaced = between[-1] in " \t" and "/" not in bare
    return (quoted and between[0] in _QUOTES) or (spaced and _looks_random(bare))


def _is_reference(word: str) -> bool:
    return word[0] in "${<" and bool(REFERENCE.match(word))


def _is_weak(name: str) -> bool:
    """Whether a sentence may have the name before a colon: ``token: expired``, ``existingSecret: db``."""
    return name == "token" or (name.endswith(_WEAK) and not name.endswith(_STRONG))


def _looks_random(word: str) -> bool:
    return len(word) >= 8 and any(char.isdigit() for char in word) and any(char.isalpha() for char in word)


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret: ``password``, ``DB_PASSWORD``, ``api-key``, ``clientSecret``.

    Names of references to Secrets, such as ``existingSecret`` and ``secretName``, are none; nor are ``PWD`` and
    ``OLDPWD``, which a shell keeps its folder in (``pwd`` is a password).
    """
    lower = name.lower()
    if name in _FOLDERS:
        return False
    return bool(_WHOLE_NAME.fullmatch(lower)) and (not lower.endswith(_WEAK) or lower.endswith(_STRONG))


def names_secret(path: str) -> bool:
    """Whether the path of a field leads to a secret: ``spec.password``, ``spec.env[name=DB_PASSWORD].value``."""
    parts = path.removesuffix(".value").rstrip('"]').replace("[name=", ".").replace('["', ".").rsplit(".", 1)
    return is_secret_name(parts[-1])
