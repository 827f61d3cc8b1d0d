"""Templates of commit messages and branches: the part of Go's language that Argo CD Image Updater's own ones use.

``{{ .Field }}``, ``{{ range .List }}…{{ end }}``, ``{{ if .Field }}…{{ end }}``, and ``-`` at either brace to trim.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kubegrammar import pattern
from trueup.model.errors import InvalidSpec

MESSAGE = """build: automatic update of {{ .AppName }}

{{ range .AppChanges -}}
updates image {{ .Image }} tag '{{ .OldTag }}' to '{{ .NewTag }}'
{{ end -}}
"""
"""Image Updater's default commit message."""

_ACTION = pattern.compile(r"(?s)\{\{(-?)\s*(.*?)\s*(-?)\}\}")
_BLOCK = pattern.compile(r"(range|if)\s+\.(\w+)")
_FIELD = pattern.compile(r"\.(\w*)")
_LONGEST = 10_000
_DEEPEST = 10

Values = Mapping[str, Any]
_Node = str | tuple[str, str, list[Any]]


def render(template: str, values: Values, origin: str) -> str:
    """A text with its fields filled in.

    Raises:
        InvalidSpec: the template says something that is not understood; ``origin`` names it.
    """
    if len(template) > _LONGEST:
        raise InvalidSpec(f"{origin}: the template is too long", hint="shorten it")
    nodes, rest = _parse(_tokens(template)[::-1], origin, 0)
    if rest:
        raise InvalidSpec(f"{origin}: an end without a beginning", hint="remove one {{ end }}")
    return "".join(_written(nodes, values, origin))


def _tokens(template: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, trim = 0, False
    for action in _ACTION.finditer(template):
        text = template[at : action.start()]
        text = text.lstrip() if trim else text
        found.append(("text", text.rstrip() if action[1] else text))
        found.append(("action", action[2]))
        at, trim = action.end(), bool(action[3])
    last = template[at:]
    return [*found, ("text", last.lstrip() if trim else last)]


def _parse(tokens: list[tuple[str, str]], origin: str, depth: int) -> tuple[list[_Node], list[tuple[str, str]]]:
    """The nodes, and what is left. The last of ``tokens``, which are used up, comes first."""
    nodes: list[_Node] = []
    while tokens:
        kind, text = tokens.pop()
        if kind == "text":
            nodes.append(text)
        elif text == "end":
            if depth == 0:
                return nodes, [*tokens, (kind, text)]
            return nodes, tokens
        elif match := _BLOCK.fullmatch(text):
            if depth > _DEEPEST:
                raise InvalidSpec(f"{origin}: nested too deeply", hint="shorten the template")
            body, tokens = _parse(tokens, origin, depth + 1)
            nodes.append((match[1], match[2], body))
        elif match := _FIELD.fullmatch(text):
            nodes.append(("field", match[1], []))
        else:
            raise InvalidSpec(
                f"{origin}: {{{{ {text[:60]} }}}} is not understood", hint="use fields, range, if and end alone"
            )
    if depth:
        raise InvalidSpec(f"{origin}: a range or if without an end", hint="write {{ end }}")
    return nodes, []


def _written(nodes: Sequence[_Node], values: Any, origin: str) -> list[str]:
    found: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            found.append(node)
            continue
        kind, name, body = node
        value = _value(values, name, origin)
        if kind == "field":
            found.append(str(value))
        elif kind == "if":
            found += _written(body, values, origin) if value else []
        else:
            for item in value:
                found += _written(body, item, origin)
    return found


def _value(values: Any, name: str, origin: str) -> Any:
    if not name:
        return values
    if not isinstance(values, Mapping) or name not in values:
        known = ", ".join(f".{key}" for key in values) if isinstance(values, Mapping) else ""
        raise InvalidSpec(f"{origin}: there is no field .{name}", hint=f"there are {known}" if known else "use {{ . }}")
    return values[name]
