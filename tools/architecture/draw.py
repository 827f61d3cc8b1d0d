"""Draws the pictures of docs/architecture.md from the code: the rooms, and the way of a pass through them.

``draw.py`` writes them, ``draw.py --check`` says whether they are true.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "packages" / "trueup" / "src" / "trueup"
PAGE = ROOT / "docs" / "architecture.md"
OPEN, CLOSE = "<!-- {} -->\n", "<!-- end of {} -->\n"
FOLLOWED = (
    ("controllers/application.py", "ApplicationReconciler"),
    ("controllers/operation.py", "Operations"),
    ("controllers/sight.py", "Sight"),
)
"""Whose methods a pass goes through; the first of the first one's is where it begins."""
BEGIN = "_pass"
ENDS = {"_delete", "_invalid", "refuse", "_without_manifests"}
"""Ways out that are passes of their own."""
FACTS = {"model", "runtime", "controllers"}
"""Rooms that a pass is in all the time."""
TOLD = {"clock", "settings", "applications"}
"""Ports that only read what is at hand."""
FILLED = {
    "observer": "observe",
    "_observer": "observe",
    "inventory": "observe",
    "cluster": "observe",
    "writes": "store",
    "perform": "apply",
    "audit": "audit",
}
"""The rooms that fill the ports which are Protocols."""


def layers() -> list[list[str]]:
    """The levels that import-linter keeps, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    levels = next(each["layers"] for each in contracts if each.get("containers") == ["trueup"])
    return [[name for each in level.split("|") if (SOURCE / (name := each.strip(" ()"))).exists()] for level in levels]


def purpose(room: str) -> str:
    """What a package says of itself, in its first line."""
    text = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text())) or ""
    return text.splitlines()[0].rstrip(".") if text else ""


def rooms() -> str:
    """The levels as a picture, and each package's own words."""
    levels = layers()
    lines = ["```mermaid", "flowchart TB"]
    for number, level in enumerate(levels):
        lines += [f"  subgraph L{len(levels) - 1 - number}[ ]", "    direction LR"]
        lines += [f"    {room}" for room in level]
        lines.append("  end")
    lines += [f"  L{number} --> L{number - 1}" for number in range(len(levels) - 1, 0, -1)]
    lines += ["```", "", "| Level | Package | What it is |", "|---|---|---|"]
    for number, level in enumerate(levels):
        lines += [f"| {len(levels) - 1 - number} | `{room}` | {purpose(room)} |" for room in level]
    return "\n".join(lines) + "\n"


class Pass:
    """The calls of a pass to other rooms, in the order of the source."""

    def __init__(self) -> None:
        self._imported: dict[str, str] = {}
        self._methods: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for path, name in (*FOLLOWED, ("controllers/ports.py", "Ports")):
            tree = ast.parse((SOURCE / path).read_text())
            self._imported |= dict(_imported(tree))
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    self._read(node)
        self._seen: set[str] = set()

    def _read(self, found: ast.ClassDef) -> None:
        for node in found.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._methods.setdefault(node.name, node)

    def calls(self, method: str) -> Iterator[tuple[str, str]]:
        """(room, what it is asked) of a method and of those it calls, each of them once."""
        if method in self._seen:
            return
        self._seen.add(method)
        calls = [node for node in ast.walk(self._methods[method]) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)):
            yield from self._call(_dotted(call.func))

    def _call(self, path: list[str]) -> Iterator[tuple[str, str]]:
        if path[:1] == ["self"]:
            path = path[1:]
        if path[:1] == ["ports"]:
            path = path[1:]
        if not path or path[-1] in ENDS:
            return
        room = FILLED.get(path[0]) or (self._imported.get(path[0], "") if len(path) == 1 else "")
        if len(path) > 1 and path[0] in self._imported:
            room = self._imported[path[0]]
        if path[0] == "write" and len(path) > 1:
            room = "store"
        if room and room not in FACTS and path[0] not in TOLD and not path[-1][0].isupper():
            yield room, path[-1]
        elif path[-1] in self._methods and path[0] in (path[-1], "_operations", "_sight"):
            yield from self.calls(path[-1])


def one_pass() -> str:
    """The way of a pass as a sequence."""
    steps = list(dict.fromkeys(Pass().calls(BEGIN)))
    order = list(dict.fromkeys(room for room, _ in steps))
    lines = ["```mermaid", "sequenceDiagram", "  participant pass"]
    lines += [f"  participant {room}" for room in order]
    lines += [f"  pass->>{room}: {what}" for room, what in steps]
    return "\n".join([*lines, "```", ""])


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The room that each imported name of ours comes from."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "trueup":
            for alias in node.names:
                parts = [*node.module.split("."), alias.name]
                yield alias.asname or alias.name, parts[1]


def _dotted(node: ast.expr) -> list[str]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def drawn(page: str) -> str:
    """The page with today's pictures."""
    for name, picture in (("rooms", rooms()), ("pass", one_pass())):
        before, opened, rest = page.partition(OPEN.format(name))
        _, closed, after = rest.partition(CLOSE.format(name))
        if not closed:
            raise SystemExit(f"{PAGE.relative_to(ROOT)}: {OPEN.format(name)!r} … {CLOSE.format(name)!r} are missing")
        page = f"{before}{opened}\n{picture}\n{closed}{after}"
    return page


def main() -> None:
    """Write the pictures, or look whether they are true."""
    page = PAGE.read_text()
    now = drawn(page)
    if "--check" not in sys.argv:
        PAGE.write_text(now)
    elif page != now:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} is not what the code is: run python tools/architecture/draw.py")


if __name__ == "__main__":
    main()
