"""Flux's variable substitution (``fluxcd/pkg/envsubst``): ``${name}`` in a text, with the operators of a shell.

What is no expression is an error, as it is there: ``$${`` stands for ``${``. A dollar without a brace is left alone,
two of them are one.
"""

from collections.abc import Callable, Mapping, Sequence

from kubegrammar import pattern

MOST_NESTED = 50
"""Expressions in defaults of expressions."""
LONGEST_TRIMMED = 4096
"""Characters of a value that ``#`` and ``%`` cut."""

_NAME = pattern.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_SPECIAL = pattern.compile(r"[^A-Za-z0-9_]")
_BAD = "bad substitution"
_DEFAULTS = frozenset(("=", ":=", ":-", ":?", ":+"))


class SubstitutionError(ValueError):
    """A text that cannot be substituted; it says why."""


def check_names(variables: Mapping[str, str]) -> None:
    """Refuse names that no expression can have.

    Raises:
        SubstitutionError: naming it.
    """
    for name in variables:
        if not _NAME.fullmatch(name):
            raise SubstitutionError(
                f"'{name[:80]}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
            )


def substitute(text: str, variables: Mapping[str, str], *, strict: bool = False) -> str:
    """The text with its expressions replaced.

    Args:
        strict: a variable that is not there, and has no default, is an error; else it is empty.

    Raises:
        SubstitutionError: something that begins as an expression is none, or a variable is missing.
    """
    return _Text(text, variables, strict).substituted()


class _Text:
    """A text, and how far it has been read."""

    def __init__(self, text: str, variables: Mapping[str, str], strict: bool) -> None:
        self._text, self._variables, self._strict = text, variables, strict
        self._at = 0

    def substituted(self) -> str:
        text, made = self._text, list[str]()
        while (dollar := text.find("$", self._at)) >= 0:
            made.append(text[self._at : dollar])
            self._at = dollar + 2
            match text[dollar + 1 : dollar + 2]:
                case "{":
                    made.append(self._expression(0))
                case "$":
                    made.append("$")
                case _:
                    made.append("$")
                    self._at = dollar + 1
        made.append(text[self._at :])
        return "".join(made)

    def _expression(self, depth: int) -> str:
        """What an expression stands for, behind its brace."""
        if depth > MOST_NESTED:
            raise SubstitutionError(f"{_BAD}: expressions nested more than {MOST_NESTED} deep")
        if self._peek() == "#":
            self._at += 1
            name = self._name(_BAD)
            self._close(_BAD)
            return self._applied(name, "#", ())
        name = self._name("unable to parse variable name")
        match self._peek():
            case ":" if self._text[self._at + 1 : self._at + 2] in ("=", "-", "?", "+"):
                return self._default(name, self._take(2), depth)
            case ":":
                return self._part(name, depth)
            case "=":
                return self._default(name, self._take(1), depth)
            case "," | "^":
                operator = self._run(",^", 2)
                self._close(_BAD)
                return self._applied(name, operator, ())
            case "/":
                return self._replacement(name, depth)
            case "#" | "%" as sign:
                operator = self._run(sign, 2)
                argument = self._argument("}", depth)
                self._close(_BAD)
                return self._applied(name, operator, (argument,))
        self._close("missing closing brace")
        return self._applied(name, "", ())

    def _default(self, name: str, operator: str, depth: int) -> str:
        arguments = []
        while self._peek() != "}":
            arguments.append(self._argument("}", depth))
        self._close(_BAD)
        return self._applied(name, operator, arguments)

    def _part(self, name: str, depth: int) -> str:
        self._at += 1
        arguments = [self._argument(":}", depth)]
        if self._peek() == ":":
            self._run(":")
            arguments.append(self._argument("}", depth))
        self._close(_BAD)
        return self._applied(name, ":", arguments)

    def _replacement(self, name: str, depth: int) -> str:
        operator = self._take(1)
        if self._peek() in ("/", "#", "%"):
            operator += self._take(1)
        arguments = ["" if self._peek() == "/" else self._argument("/", depth, escapes=True)]
        if not self._run("/"):
            raise SubstitutionError(_BAD)
        if self._peek() != "}":
            arguments.append(self._argument("}", depth, escapes=True))
        self._close(_BAD)
        return self._applied(name, operator, arguments)

    def _argument(self, ends: str, depth: int, *, escapes: bool = False) -> str:
        """An expression, or text up to the next one or one of these characters."""
        text, begin, made = self._text, self._at, list[str]()
        if text.startswith("${", begin):
            self._at += 2
            return self._expression(depth + 1)
        while self._at < len(text) and not text.startswith("${", self._at):
            pair = text[self._at : self._at + 2]
            if escapes and pair in ("$$", "\\/", "\\\\"):
                made.append(pair[1])
                self._at += 2
            elif pair[0] in ends:
                break
            else:
                made.append(self._take(1))
        if self._at == begin:
            raise SubstitutionError("unable to parse substitution within function")
        return "".join(made)

    def _applied(self, name: str, operator: str, arguments: Sequence[str]) -> str:
        value = self._variables.get(name)
        if value is None and self._strict and operator not in _DEFAULTS:
            raise SubstitutionError(f'variable not set (strict mode): "{name[:80]}"')
        return _apply(operator, value or "", arguments)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, count: int) -> str:
        self._at += count
        return self._text[self._at - count : self._at]

    def _run(self, letters: str, most: int = 0) -> str:
        """The next characters, of these alone."""
        end = self._at
        while end < len(self._text) and self._text[end] in letters and (not most or end - self._at < most):
            end += 1
        return self._take(end - self._at)

    def _name(self, problem: str) -> str:
        end = self._at
        while end < len(self._text) and ((c := self._text[end]) == "_" or c.isalpha() or c.isdecimal()):
            end += 1
        if end == self._at:
            raise SubstitutionError(problem)
        return self._take(end - self._at)

    def _close(self, problem: str) -> None:
        if self._take(1) != "}":
            raise SubstitutionError(problem)


def _apply(operator: str, value: str, arguments: Sequence[str]) -> str:
    """What an operator makes of a value. One that there is not is a default, as there."""
    match operator, arguments:
        case "#", ():
            return str(len(value.encode()))
        case ",", _:
            return value[:1].lower() + value[1:]
        case ",,", _:
            return value.lower()
        case "^", _:
            return value[:1].upper() + value[1:]
        case "^^", _:
            return value.upper()
        case ":", _:
            return _cut(value.encode(), arguments)
        case (("#" | "##" | "%" | "%%"), _):
            return _trimmed(operator, value, arguments[0])
        case (("/" | "//" | "/#" | "/%"), _):
            return _replaced(operator, value, arguments)
        case _:
            return value or "".join(arguments)


def _cut(value: bytes, arguments: Sequence[str]) -> str:
    numbers = [_integer(each) for each in arguments]
    begin = numbers[0]
    if begin is None:
        return value.decode()
    begin = begin if begin >= 0 else max(0, len(value) + begin)
    if len(numbers) == 1:
        return value[begin:].decode(errors="replace")
    length = numbers[1]
    if length is None:
        return value.decode()
    end = begin + length if length >= 0 else len(value) + length
    return value[begin : max(end, begin)].decode(errors="replace")


def _integer(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _replaced(operator: str, value: str, arguments: Sequence[str]) -> str:
    old, new = arguments[0], arguments[1] if len(arguments) > 1 else ""
    match operator:
        case "/":
            return value.replace(old, new, 1)
        case "//":
            return value.replace(old, new)
        case "/#" if len(arguments) > 1 and value.startswith(old):
            return value.replace(old, new, 1)
        case "/%" if len(arguments) > 1 and value.endswith(old):
            return value[: len(value) - len(old)] + new
    return value


def _trimmed(operator: str, value: str, glob: str) -> str:
    """Without the shortest or longest beginning, or end, that a pattern matches."""
    if len(value) > LONGEST_TRIMMED:
        raise SubstitutionError(f"{operator}: the value is longer than {LONGEST_TRIMMED} characters")
    if operator[0] == "%":
        # An end is a beginning of what is reversed; so is the pattern, letter by letter.
        return _trimmed(operator.replace("%", "#"), value[::-1], glob[::-1])[::-1]
    matches = _matcher(glob)
    if matches is None:
        return value
    lengths = range(len(value), 0, -1) if operator == "##" else range(1, len(value) + 1)
    return value[next((length for length in lengths if matches(value[:length])), 0) :]


def _matcher(glob: str) -> Callable[[str], bool] | None:
    """Whether a text is as a pattern of ``*``, ``?``, ``[…]`` and ``\\`` says; None for one that is none."""
    made, at = "", 0
    while at < len(glob):
        letter = glob[at]
        at += 1
        match letter:
            case "*":
                made += "(?s:.*)"
            case "?":
                made += "(?s:.)"
            case "[":
                read = _class(glob, at)
                if read is None:
                    return None
                members, at = read
                made += members
            case "\\":
                if at == len(glob):
                    return None
                made += _quoted(glob[at])
                at += 1
            case _:
                made += _quoted(letter)
    try:
        compiled = pattern.compile(made)
    except ValueError:
        return None
    return lambda text: compiled.fullmatch(text) is not None


def _class(glob: str, at: int) -> tuple[str, int] | None:
    """The members of a class, behind its bracket, and where it ends; None where it does not."""
    made = "^" if glob[at : at + 1] == "^" else ""
    at += len(made)
    first = at
    while at < len(glob) and (glob[at] != "]" or at == first):
        if glob[at] == "\\":
            at += 1
        if at >= len(glob) or (at == first and glob[at] == "]"):
            return None
        made += "-" if glob[at] == "-" and at != first else _quoted(glob[at])
        at += 1
    return (f"[{made}]", at + 1) if at < len(glob) else None


def _quoted(letter: str) -> str:
    return f"\\{letter}" if letter.isascii() and _SPECIAL.fullmatch(letter) else letter
