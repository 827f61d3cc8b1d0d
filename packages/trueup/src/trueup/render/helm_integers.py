"""Integers of Helm parameters, kept whole on their way into the templates.

Helm's ``--set`` makes int64, values files make float64, and templates tell them apart: ``{{ .Values.tag }}`` prints
``20240611`` or ``2.0240611e+07``, ``eq .Values.n 5`` holds or fails. Values reach the engine as JSON, whose every
number Go takes for a float64. So a template that is rendered before all others puts the integers into the values,
which all templates of a chart share.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from trueup.render.strvals import SetInteger

_GLOBALS = "trueup.integers.globals"


def place(deepest: int) -> str:
    """Path, below a chart, of a template that Helm renders before those that lie up to ``deepest`` folders deep.

    Helm renders deeply nested templates first (``sortTemplates`` of its engine).
    """
    return "templates/" + "integers/" * (deepest + 1) + "first.yaml"


def template(values: dict[str, Any]) -> str:
    """A template that turns what came from parameters back into integers; empty when nothing did.

    Args:
        values: as composed, with :class:`SetInteger` where Helm has an int64.
    """
    if not _holds(values):
        return ""
    statements = ["{{- $values := .Values -}}", *_Walk().mapping(values, "$values")]
    shared = values.get("global")
    if isinstance(shared, dict) and _holds(shared):
        # Helm has copied the globals into the values of every chart below.
        statements += [
            f'{{{{- define "{_GLOBALS}" -}}}}',
            '{{- range .Subcharts -}}{{- $global := index .Values "global" -}}{{- if kindIs "map" $global -}}',
            *_Walk().mapping(shared, "$global"),
            f'{{{{- end -}}}}{{{{- template "{_GLOBALS}" . -}}}}{{{{- end -}}}}{{{{- end -}}}}',
            f'{{{{- template "{_GLOBALS}" . -}}}}',
        ]
    return "\n".join(statements) + "\n"


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds, value.values()))
    if isinstance(value, list):
        return any(map(_holds, value))
    return isinstance(value, SetInteger)


class _Walk:
    """Statements for one walk; each container on the way has a variable of its own."""

    def __init__(self) -> None:
        self._count = 0

    def mapping(self, values: dict[str, Any], name: str) -> Iterator[str]:
        """Put the integers of ``values`` into the map that the variable ``name`` holds."""
        for key, item in values.items():
            quoted = json.dumps(key, ensure_ascii=False)
            if isinstance(item, SetInteger):
                yield f"{{{{- $_ := set {name} {quoted} {_literal(item)} -}}}}"
            elif isinstance(item, dict | list) and _holds(item):
                inner = self._variable()
                yield f"{{{{- {inner} := index {name} {quoted} -}}}}"
                yield from self._container(item, inner)
                if isinstance(item, list):
                    yield f"{{{{- $_ := set {name} {quoted} {inner} -}}}}"

    def _container(self, item: dict[str, Any] | list[Any], name: str) -> Iterator[str]:
        kind = "map" if isinstance(item, dict) else "slice"
        yield f'{{{{- if kindIs "{kind}" {name} -}}}}'
        yield from self.mapping(item, name) if isinstance(item, dict) else self._sequence(item, name)
        yield "{{- end -}}"

    def _sequence(self, items: list[Any], name: str) -> Iterator[str]:
        """Build the list anew: templates cannot write into one."""
        new: dict[int, str] = {}
        for index, item in enumerate(items):
            if isinstance(item, SetInteger):
                new[index] = _literal(item)
            elif isinstance(item, dict | list) and _holds(item):
                new[index] = self._variable()
                yield f"{{{{- {new[index]} := index {name} {index} -}}}}"
                yield from self._container(item, new[index])
        runs = [
            f"(list {' '.join(new[index] for index in run)})" if changed else f"(slice {name} {run[0]} {run[-1] + 1})"
            for changed, group in groupby(range(len(items)), key=new.__contains__)
            if (run := list(group))
        ]
        yield f"{{{{- {name} = concat {' '.join(runs)} -}}}}"

    def _variable(self) -> str:
        self._count += 1
        return f"$v{self._count}"


def _literal(number: SetInteger) -> str:
    return f'(int64 "{int(number)}")'
