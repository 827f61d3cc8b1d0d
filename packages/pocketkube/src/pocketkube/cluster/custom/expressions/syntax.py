"""Parses the Common Expression Language into a tree of small structs.

The CEL library has a parser too, but shows no tree, knows no optional fields and no macros of two variables, and
overflows the stack on long expressions: what it is given comes from here, and is bounded.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

LARGEST: Final = 1_500
"""Nodes of an expression."""
DEEPEST: Final = 60
"""Nodes within nodes. The library's own recursion stays far from the end of its stack."""

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<text>(?:[rR]?[bB]?|[bB][rR])
        (?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[^`\n]*`)
  | (?P<sign>\.\?|\[\?|&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.ASCII,
)
_RAW_TEXT: Final = re.compile(r"""([rR]?[bB]?[rR]?)(\"\"\"|'''|"|')(.*)\2""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BINARY: Final = (
    {"||": "_||_"},
    {"&&": "_&&_"},
    {"<": "_<_", "<=": "_<=_", ">": "_>_", ">=": "_>=_", "==": "_==_", "!=": "_!=_", "in": "@in"},
    {"+": "_+_", "-": "_-_"},
    {"*": "_*_", "/": "_/_", "%": "_%_"},
)


class Unreadable(ValueError):
    """No expression, or one too large."""


class Literal(msgspec.Struct, frozen=True):
    """A value in the source; ``type`` is int, uint, double, string, bytes, bool or null."""

    at: int
    type: str
    value: str | bytes | int | float | bool | None


class Name(msgspec.Struct, frozen=True):
    at: int
    name: str


class Select(msgspec.Struct, frozen=True):
    """``target.field``, or ``target.?field``."""

    at: int
    target: "Tree"
    field: str
    optional: bool = False


class Call(msgspec.Struct, frozen=True):
    """A function, method, macro or operator; operators have names such as ``_+_``."""

    at: int
    function: str
    target: "Tree | None"
    args: "tuple[Tree, ...]"


class Items(msgspec.Struct, frozen=True):
    """A list, with the indexes of optional elements."""

    at: int
    items: "tuple[Tree, ...]"
    optional: tuple[int, ...] = ()


class Entries(msgspec.Struct, frozen=True):
    """A map, with the indexes of optional entries."""

    at: int
    entries: "tuple[tuple[Tree, Tree], ...]"
    optional: tuple[int, ...] = ()


Tree = Literal | Name | Select | Call | Items | Entries


def parse(source: str) -> Tree:
    """
    Raises:
        Unreadable: see there.
    """
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._at = 0
        self._depth = 0
        self._made = 0

    def whole(self) -> Tree:
        tree = self._expression()
        if self._kind() != "end":
            raise Unreadable(f"unexpected {self._text()!r}")
        return tree

    def _expression(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable(f"expression is nested deeper than {DEEPEST} levels")
        tree = self._binary(0)
        if self._is("?"):
            at = self._take()
            first = self._binary(0)
            self._expect(":")
            tree = self._make(Call(at, "_?_:_", None, (tree, first, self._expression())))
        self._depth -= 1
        return tree

    def _binary(self, level: int) -> Tree:
        if level == len(_BINARY):
            return self._unary()
        operators = _BINARY[level]
        tree = self._binary(level + 1)
        while self._kind() in ("sign", "name") and self._text() in operators:
            function = operators[self._text()]
            at = self._take()
            tree = self._make(Call(at, function, None, (tree, self._binary(level + 1))))
        return tree

    def _unary(self) -> Tree:
        signs = []
        while self._is("!") or self._is("-"):
            signs.append((self._text(), self._take()))
        if len(signs) > DEEPEST:
            raise Unreadable("too many signs")
        if signs and signs[-1][0] == "-" and self._kind() == "number":
            sign, at = signs.pop()
            tree = self._negative(at)
        else:
            tree = self._member()
        for sign, at in reversed(signs):
            tree = self._make(Call(at, "!_" if sign == "!" else "-_", None, (tree,)))
        return tree

    def _negative(self, at: int) -> Tree:
        literal = _number(at, self._text())
        self._take()
        assert isinstance(literal.value, int | float)
        return self._chain(Literal(at, literal.type, -literal.value))

    def _member(self) -> Tree:
        return self._chain(self._primary())

    def _chain(self, tree: Tree) -> Tree:
        links = 0
        while True:
            links += 1
            if links > DEEPEST:
                raise Unreadable(f"expression is nested deeper than {DEEPEST} levels")
            if self._is(".") or self._is(".?"):
                optional = self._text() == ".?"
                at = self._take()
                name = self._field()
                if self._is("(") and not optional:
                    opening = self._take()
                    tree = self._make(Call(opening, name, tree, self._arguments(")")))
                else:
                    tree = self._make(Select(at, tree, name, optional))
            elif self._is("[") or self._is("[?"):
                function = "_[_]" if self._text() == "[" else "_[?_]"
                at = self._take()
                index = self._expression()
                self._expect("]")
                tree = self._make(Call(at, function, None, (tree, index)))
            else:
                return tree

    def _primary(self) -> Tree:
        kind, text, at = self._tokens[self._at]
        match kind, text:
            case "number", _:
                self._take()
                return self._make(_number(at, text))
            case "text", _:
                self._take()
                return self._make(_text(at, text))
            case "name", "true" | "false" | "null":
                self._take()
                return self._make(
                    Literal(at, "null" if text == "null" else "bool", {"true": True, "false": False}.get(text))
                )
            case "name", "in":
                raise Unreadable("unexpected 'in'")
            case "name", _:
                self._take()
                if self._is("("):
                    opening = self._take()
                    return self._make(Call(opening, text, None, self._arguments(")")))
                return self._make(Name(at, text))
            case "sign", "(":
                self._take()
                tree = self._expression()
                self._expect(")")
                return tree
            case "sign", "[" | "[?":
                return self._list()
            case "sign", "{":
                return self._map()
            case "sign", ".":
                self._take()
                return self._primary()
        raise Unreadable(f"unexpected {text!r}" if text else "unexpected end")

    def _list(self) -> Tree:
        # "[?" is one token, also at the start of a list whose first element is optional.
        first_optional = self._text() == "[?"
        at = self._take()
        items: list[Tree] = []
        optional = [0] if first_optional else []
        while not self._is("]"):
            if self._is("?"):
                self._take()
                optional.append(len(items))
            items.append(self._expression())
            if not self._is(","):
                break
            self._take()
        self._expect("]")
        return self._make(Items(at, tuple(items), tuple(optional)))

    def _map(self) -> Tree:
        at = self._take()
        entries: list[tuple[Tree, Tree]] = []
        optional = []
        while not self._is("}"):
            if self._is("?"):
                self._take()
                optional.append(len(entries))
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if not self._is(","):
                break
            self._take()
        self._expect("}")
        return self._make(Entries(at, tuple(entries), tuple(optional)))

    def _arguments(self, end: str) -> tuple[Tree, ...]:
        args: list[Tree] = []
        while not self._is(end):
            args.append(self._expression())
            if not self._is(","):
                break
            self._take()
        self._expect(end)
        return tuple(args)

    def _field(self) -> str:
        kind, text, _ = self._tokens[self._at]
        if kind not in ("name", "quoted"):
            raise Unreadable(f"unexpected {text!r}")
        self._take()
        return text.strip("`")

    def _make(self, tree: Tree) -> Tree:
        self._made += 1
        if self._made > LARGEST:
            raise Unreadable(f"expression has more than {LARGEST} parts")
        return tree

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _text(self) -> str:
        return self._tokens[self._at][1]

    def _is(self, sign: str) -> bool:
        kind, text, _ = self._tokens[self._at]
        return kind == "sign" and text == sign

    def _take(self) -> int:
        at = self._tokens[self._at][2]
        self._at += 1
        return at

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise Unreadable(f"expected {sign!r}, found {self._text()!r}")
        self._take()


def _tokens(source: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise Unreadable(f"unexpected {source[at]!r}")
        assert found.lastgroup
        if found.lastgroup != "space":
            yield found.lastgroup, found[0], at
        at = found.end()
    yield "end", "", at


def _number(at: int, text: str) -> Literal:
    lower = text.lower()
    unsigned = lower.endswith("u")
    digits = lower.removesuffix("u")
    if digits.startswith("0x"):
        return Literal(at, "uint" if unsigned else "int", int(digits, 16))
    if "." in digits or "e" in digits:
        return Literal(at, "double", float(digits))
    if len(digits) > 20:
        raise Unreadable("invalid int literal")
    return Literal(at, "uint" if unsigned else "int", int(digits))


def _text(at: int, text: str) -> Literal:
    found = _RAW_TEXT.fullmatch(text)
    assert found
    prefix, body = found[1].lower(), found[3]
    if "r" not in prefix:
        body = _ESCAPE.sub(_unescaped, body)
    if "b" in prefix:
        return Literal(at, "bytes", body.encode())
    return Literal(at, "string", body)


def _unescaped(escape: "re.Match[str]") -> str:
    body = escape[1]
    if body[0] in "xuU" and len(body) > 1:
        code = int(body[1:], 16)
        if code > 0x10FFFF:
            raise Unreadable("invalid unicode code point")
        return chr(code)
    if body[0] in "0123" and len(body) == 3:
        return chr(int(body, 8))
    return _ESCAPES.get(body, body)
