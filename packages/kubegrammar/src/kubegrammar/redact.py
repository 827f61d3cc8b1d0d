"""Credentials by their shape: found in any text, told as ``******``. The one redaction, used where text leaves us.

What has no shape, a password that is a plain word, is hidden by its value: :mod:`kubegrammar.hidden`.
"""

from bisect import bisect_left
from typing import Any, Final

from kubegrammar import pattern
from kubegrammar.named_secrets import MASK, NAMES, REFERENCE, any_case, is_secret_name, without_values

HARMLESS: Final = frozenset(("ref", "version", "service", "timeout", "submodules", "depth"))
"""Parameters of a query that say which tree is meant, as Git and Kustomize write them."""
_DIGESTS: Final = frozenset(("sha256", "sha384", "sha512"))
_NAME: Final = pattern.compile(r"[A-Za-z][a-z]*(?:[._-][A-Za-z]?[a-z]*)*")
_LONGEST_NAME: Final = 20
_MOST_URLS: Final = 32
"""In one word: what has more is masked up to its last ``@`` without a closer look."""
_MOST_ROUNDS: Final = 8
"""Of masking one text: a mask may stand where a host was, so that what is before it looks like a credential."""

_HARMLESS: Final[set[str]] = set()
"""Short texts that held no credential, such as names and URLs: the same are told again and again."""
_MOST_HARMLESS: Final = 4096
_SHORT: Final = 256


_WORDS = any_case(
    rf"{NAMES}|bearer|basic|PRIVATE KEY|LS0tLS1CRUdJTi|eyJ|gh[pousr]_|github_pat_|glpat-|xox|AKIA|ASIA|AIza"
)
"""One of them is in every text with a credential that has neither an ``@`` nor a URL beside it."""
_PEM = any_case(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(?:[^-]|-[^-])*-----END [A-Z0-9 ]*-----")
_PEM_CUT = any_case(r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)[A-Za-z0-9+/=\s\\](?:[A-Za-z0-9+/=\s\\:,]|-[A-Za-z0-9])*")
_ENCODED_PEM = any_case(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{8,}")
_ENCODED_CERTIFICATE: Final = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR"
_TOKENS = any_case(
    r"\b(?:eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?|gh[pousr]_[A-Za-z0-9]{16,}|"
    r"github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,})"
)
_AUTHORIZATION = any_case(r"""(authorization\\*["']?\s*[:=]\s*\\*["']?)([a-z]+ +)?([^\s"'\\,]+)""")
_SCHEME_AND_CREDENTIAL = any_case(r"\b(bearer|basic) +([A-Za-z0-9._~+/-]{8,}=*)")
_SCHEME_END = any_case(r"[a-z][a-z0-9+.-]*://")
_TOKEN_END = any_case(r"""[\s\x00-\x20]|\\*["'`][,:;}\])]|\\*["'`]+[.]?(?:\s|$)|[.,;:)\]>]+(?:\s|$)""")
_SPACE = any_case(r"[\s\x00-\x20]")
_HOST_AFTER = any_case(r"^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]*)?(?:[/?#]|$|[^A-Za-z0-9@])")
_DOTTED = any_case(r"^(?:localhost|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*)(?::[0-9]+)?(?:[/?#]|$)")
_SCP = any_case(
    r"""(^|[\s"'`=,;(<\[{/])([^\s"'`=,;(<\[{/:@]+):([^\s"']+)@([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9a-f:.]+\])([:/(])"""
)
_BEFORE_URL = any_case(r"""(^|[\s"'`=,;(<\[{])([^\s"'`=,;(<\[{]+)@([a-z][a-z0-9+.-]*://)""")
_REFUSED_VALUE = any_case(
    rf"""((?:{NAMES})[\w.\[\]"'-]*: (?:Invalid|Unsupported|Duplicate) value: )("(?:[^"\\]|\\.)*"?|[^\s:]+)"""
)


def redact(text: str) -> str:
    """A text without credentials that can be told by their shape; what has none comes back as it was.

    Masked are what stands before a host in a URL and in ``user:password@host``, values in its query, its fragment,
    private keys, tokens, what follows ``Authorization:``, and values beside a name such as ``password``. What was
    masked once stays as it is: a text goes through several sinks, and is compared with what was kept of it.
    """
    if text in _HARMLESS:
        return text
    masked = _redacted(encodable(text))
    if masked == text and len(text) <= _SHORT:
        if len(_HARMLESS) >= _MOST_HARMLESS:
            _HARMLESS.clear()
        _HARMLESS.add(text)
    return masked


def _redacted(text: str) -> str:
    if "@" not in text and "://" not in text and not _WORDS.search(text):
        return text
    for _ in range(_MOST_ROUNDS):
        masked = _masked_once(text)
        if masked == text:
            break
        text = masked
    return text


def _masked_once(text: str) -> str:
    # Most texts with a URL have nothing else: what needs a word or an "@" is not looked for without one.
    worded = bool(_WORDS.search(text))
    if worded:
        text = _PEM_CUT.sub(lambda found: found[1] + MASK, _PEM.sub(lambda found: found[1] + MASK, text))
        text = _ENCODED_PEM.sub(lambda found: found[0] if found[0].startswith(_ENCODED_CERTIFICATE) else MASK, text)
    if "@" in text:
        text = _BEFORE_URL.sub(lambda found: f"{found[1]}{_user(found[2])}{MASK}@{found[3]}", text)
    text = _urls(text)
    if "@" in text:
        text = _SCP.sub(_without_password, text)
    return _without_named(text) if worded else text


def _without_named(text: str) -> str:
    """Without what a word tells to be a credential."""
    text = _AUTHORIZATION.sub(lambda found: f"{found[1]}{found[2] or ''}{MASK}", text)
    text = _SCHEME_AND_CREDENTIAL.sub(_without_credential, text)
    text = _TOKENS.sub(MASK, text)
    text = _REFUSED_VALUE.sub(lambda found: f'{found[1]}"{MASK}"', text)
    return without_values(text)


def redact_url(url: str, *, user: bool = True) -> str:
    """A text that is one URL as a whole: all before its last ``@`` is masked, whatever it holds.

    Args:
        user: what is plainly a user's name may be told.
    """
    scheme, mark, rest = encodable(url).rpartition("://") if "://" not in url else encodable(url).partition("://")
    before, at, after = rest.rpartition("@")
    if not at or (not mark and ":" not in before) or (scheme.lower() == "ssh" and _is_user(before)):
        return redact(url)
    return redact(f"{scheme}{mark}{_user(before + '@') if user else ''}{MASK}@{after}")


def encodable(text: str) -> str:
    """A text in which half a letter, which UTF-8 cannot spell, is spelt by its code."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _urls(text: str) -> str:
    """All URLs of a text, from one to the next, each to where it ends."""
    if "://" not in text:
        return text
    ends = [*(found.start() for found in _TOKEN_END.finditer(text)), len(text)]
    spaces = [*(found.start() for found in _SPACE.finditer(text)), len(text)]
    pieces, done = [], 0
    while (mark := text.find("://", done)) >= 0:
        start = mark + 3
        end = ends[bisect_left(ends, start)]
        if _has_password(text[start:end]):
            # Quotes and brackets end a URL in a text, but stand in a password too.
            end = spaces[bisect_left(spaces, start)]
        if text.count("://", start, end) > _MOST_URLS:
            masked, used = MASK + text[max(text.rfind("@", start, end), start) : end].partition("?")[0], end - start
        else:
            masked, used = _masked(text[_scheme_start(text, done, mark) : mark].lower(), text[start:end])
        pieces += [text[done:start], masked]
        done = start + used
    return "".join((*pieces, text[done:]))


def _authority(rest: str) -> str:
    return rest[: min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))]


def _has_password(rest: str) -> bool:
    return _authority(rest).partition(":")[2][:1] not in ("", *"0123456789")


def _scheme_start(text: str, done: int, mark: int) -> int:
    while mark > done and (text[mark - 1].isalnum() or text[mark - 1] in "+.-"):
        mark -= 1
    return mark


def _masked(scheme: str, rest: str) -> tuple[str, int]:
    """What follows ``://``, masked, and how many of its characters that was."""
    kept = _userinfo_end(scheme, rest)
    head = f"{_user(rest[:kept])}{MASK}{'@' if rest[kept - 1] == '@' else ''}" if kept else ""
    if kept and _is_told_anyway(rest[: kept - 1], _authority(rest[kept:]), rest[kept:]):
        head = rest[:kept]
    path = min((place for mark in "?#" if (place := rest.find(mark, kept)) >= 0), default=len(rest))
    following = _SCHEME_END.search(rest[kept:path])
    if following or path == len(rest):
        # The next URL, behind a comma.
        end = kept + following.start() if following else len(rest)
        return head + rest[kept:end], end
    query, hashed, fragment = rest[path:].partition("#")
    shown = query[:1] + _query(query[1:]) if query.startswith("?") else query
    return f"{head}{rest[kept:path]}{shown}{hashed}{MASK if fragment else ''}", len(rest)


def _is_told_anyway(user: str, host: str, rest: str) -> bool:
    """Whether a user without a password is the owner in the path: ``https://org@dev.azure.com/org/…``."""
    owner = rest[len(host) :].split("/")[1:2]
    return _is_user(user) and [user] == owner


def _userinfo_end(scheme: str, rest: str) -> int:
    """Where the host begins; 0 where nothing stands before it. A password may hold what ends a host."""
    authority = _authority(rest)
    last = _last_host(rest)
    if "@" in authority:
        user = rest[: last - 1]
        return 0 if scheme.endswith("ssh") and _is_user(user) else last
    host, colon, port = authority.partition(":")
    if not last:
        # No port begins so: the text was cut in the middle of a password.
        return len(authority) if port[:1].isalpha() else 0
    if colon and port and not port.isdigit():
        return last
    # A port or a name without dots may be the beginning of a password; a path may hold an "@" of its own.
    doubtful = (colon and port) or "." not in host
    return last if doubtful and host != "" and _DOTTED.search(rest[last:]) and rest[last - 2] != "/" else 0


def _last_host(rest: str) -> int:
    """Behind the last ``@`` that a host may follow, else behind the last; 0 for none."""
    at = len(rest)
    while (at := rest.rfind("@", 0, at)) >= 0:
        if _HOST_AFTER.search(rest[at + 1 : at + 300]):
            return at + 1
        if at < len(rest) - 4096:
            break
    return rest.rfind("@") + 1


def _user(userinfo: str) -> str:
    """The user with its colon, where it is plainly a name; a token may stand in its place."""
    name, colon, _ = userinfo.partition(":")
    return f"{name}:" if colon and (not name or _is_name(name)) else ""


def _is_name(word: str) -> bool:
    return word == "oauth2" or (len(word) <= _LONGEST_NAME and bool(_NAME.fullmatch(word)))


def _is_user(userinfo: str) -> bool:
    return all(char.isalnum() or char in "._-" for char in userinfo)


def _query(query: str) -> str:
    shown = []
    for part in query.replace(";", "&").split("&"):
        name, equals, value = part.partition("=")
        plain = name.lower() in HARMLESS and len(value) <= 64
        shown.append(part if plain or not part else f"{name}={MASK}" if equals else MASK)
    return "&".join(shown)


def _without_password(found: Any) -> str:
    before, user, password, host, after = (found[number] for number in range(1, 6))
    if password.startswith("//") or host.lower() in _DIGESTS:
        return str(found[0])
    return f"{before}{_user(f'{user}:{password}')}{MASK}@{host}{after}"


def _without_credential(found: Any) -> str:
    word = found[2]
    telling = any(char.isdigit() for char in word) or word.endswith("=")
    return f"{found[1]} {MASK}" if telling else str(found[0])


def redact_data(value: Any) -> Any:
    """JSON-like data without credentials: in its texts, under names of secrets, and in entries ``{name, value}``."""
    match value:
        case str():
            return redact(value)
        case list() | tuple():
            return [redact_data(each) for each in value]
        case dict():
            named = is_secret_name(str(value.get("name") or "")) or is_secret_name(str(value.get("key") or ""))
            return {key: _redacted_field(key, each, named) for key, each in value.items()}
        case _:
            return value


def _redacted_field(key: Any, value: Any, named: bool) -> Any:
    secret = isinstance(key, str) and (is_secret_name(key) or (named and key == "value"))
    if secret and isinstance(value, str | int | float) and not isinstance(value, bool):
        return MASK if value and not REFERENCE.match(str(value)) else value
    return redact_data(value)
