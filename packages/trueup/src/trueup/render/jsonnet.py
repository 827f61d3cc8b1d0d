"""Jsonnet: the files that a program may import, found in its text, and where each import leads.

An import names its file by a literal, so a text says all that it may ask for. What stands in a comment counts too: it
costs a file more in the closure, and a reader of comments could miss one. An import is looked up beside the file that
has it, then in the last library, and so on to the first, then in the source's own folder (Argo CD's order); a library
is a folder of the repository, and nothing else is ever opened.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kubegrammar import pattern
from kubegrammar.encoding import salvaged
from trueup.model.application import JsonnetSource, JsonnetVar
from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode, Tree
from trueup.render.closure import follow, inside, refuse_outside
from trueup.render.environment import Environment
from trueup.render.job import Input, JsonnetArgument, JsonnetJob

EXTENSION = ".jsonnet"
VERSION = "gojsonnet 0.22.0"

_BLANK = r"(?:\s|/\*(?s:.*?)\*/|//[^\n]*\n|#[^\n]*\n)*"
_IMPORT = pattern.compile(
    rf"""\bimport(str|bin)?{_BLANK}(?:@"((?:[^"]|"")*)"|@'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
)
_ESCAPE = pattern.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Import(msgspec.Struct, frozen=True):
    """One import of a text.

    Attributes:
        reference: the file, as the text has it.
        evaluated: it is read as a program; otherwise as text or bytes.
    """

    reference: str
    evaluated: bool


def imports(text: str) -> Iterator[Import]:
    """All that a program may import."""
    for kind, verbatim, simple, quoted, single in _IMPORT.findall(text):
        plain = verbatim.replace('""', '"') or simple.replace("''", "'")
        yield Import(plain or _ESCAPE.sub(_unescaped, quoted or single), evaluated=not kind)


def _unescaped(match: pattern.Match[str]) -> str:
    name = match[1]
    return chr(int(name[1:], 16)) if len(name) > 1 else _ESCAPES.get(name, name)


def candidates(folder: str | None, reference: str, libraries: Sequence[str]) -> Iterator[str]:
    """Where an import may be, in the order in which it is looked for; none of it outside of the repository.

    Args:
        folder: of the file that imports; None for code that stands in no file.
        libraries: folders, the first one first.
    """
    for place in (*(() if folder is None else (folder,)), *libraries):
        path = inside(place, reference)
        if path:
            yield path


def draft(
    options: JsonnetSource, environment: Environment, tree: Tree, path: str, programs: Mapping[str, Input]
) -> tuple[JsonnetJob, list[Input], list[str]]:
    """How the programs of a folder are evaluated, the files that they import, and those that were looked for and are
    not there.

    Args:
        path: the source's folder.
        programs: by their paths.

    Raises:
        RenderFailed: a library is missing, is no folder or lies outside of the repository.
    """
    libraries = tuple(_library(tree, each) for each in options.libs)
    job = JsonnetJob(
        programs=tuple(sorted(programs)),
        libraries=(*reversed(libraries), path),
        external=_arguments(options.ext_vars, environment),
        top_level=_arguments(options.tlas, environment),
    )
    closure = _Closure(tree, job.libraries)
    for name, program in programs.items():
        closure.read(name, program)
    for argument in (*job.external, *job.top_level):
        if argument.code:
            closure.take(None, argument.value)
    return job, [file for name, file in sorted(closure.found.items()) if name not in programs], sorted(closure.absent)


def _arguments(variables: Sequence[JsonnetVar], environment: Environment) -> tuple[JsonnetArgument, ...]:
    """Of one name the last."""
    named = {each.name: JsonnetArgument(each.name, environment.substitute(each.value), each.code) for each in variables}
    return tuple(named.values())


def _library(tree: Tree, text: str) -> str:
    path = inside("", text)
    if path is None:
        raise refuse_outside(text, "directory.jsonnet.libs")
    located = follow(tree, path, "directory.jsonnet.libs")
    if located is None or located.entry.mode is not Mode.DIRECTORY:
        raise RenderFailed(
            f"directory.jsonnet.libs: {text!r} is no folder of the repository",
            hint="write the library's path relative to the repository's root",
        )
    return path


class _Closure:
    """All that programs may import, with what that imports in turn."""

    def __init__(self, tree: Tree, libraries: Sequence[str]) -> None:
        self._tree, self._libraries = tree, libraries
        self.found: dict[str, Input] = {}
        self.absent: set[str] = set()
        self._read: set[str] = set()

    def read(self, path: str, file: Input) -> None:
        """Take a program, and all that it may import."""
        waiting = [(path, file)]
        while waiting:
            path, file = waiting.pop()
            if path in self._read:
                continue
            self._read.add(path)
            self.found[path] = file
            waiting += self.take(posixpath.dirname(path), salvaged(self._tree.read(file.entry)))

    def take(self, folder: str | None, text: str) -> list[tuple[str, Input]]:
        """Take what a text imports; what of it is a program, where that was not asked for by a file, with its own."""
        programs = []
        for each in imports(text):
            file = self._look(folder, each.reference)
            if file is None:
                continue
            self.found.setdefault(file.path, file)
            if each.evaluated:
                programs.append((file.path, file))
        if folder is None:
            for path, file in programs:
                self.read(path, file)
        return programs

    def _look(self, folder: str | None, reference: str) -> Input | None:
        for path in candidates(folder, reference, self._libraries):
            located = follow(self._tree, path, "import")
            if located is not None and located.entry.mode not in (Mode.DIRECTORY, Mode.SUBMODULE):
                return Input(path, located.entry)
            self.absent.add(path)
        return None
