"""Evaluate Jsonnet in this process, which is a worker's: every import is an input, no file is opened."""

import posixpath
from collections.abc import Mapping
from typing import Any

from kubegrammar import yaml
from trueup.model.errors import RenderFailed
from trueup.render.job import JsonnetJob
from trueup.render.jsonnet import candidates

_HERE = "./"
"""Folder of programs at the repository's root: code that stands in no file has none."""
_SHOWN = 850


def evaluate(job: JsonnetJob, path: str, files: Mapping[str, bytes]) -> list[Any]:
    """The objects that a program makes: those of a list each for itself.

    Args:
        files: the bytes of every input by its path.

    Raises:
        RenderFailed: it is no Jsonnet, or Jsonnet refuses it.
    """
    # A runtime of Go of its own: only a child that evaluates Jsonnet pays.
    import _gojsonnet

    missing: list[str] = []

    def load(folder: str, reference: str) -> tuple[str, bytes]:
        for candidate in candidates(posixpath.normpath(folder) if folder else None, reference, job.libraries):
            if candidate in files:
                return _named(candidate), files[candidate]
        missing.append(reference)
        # What is raised here, the library cannot tell.
        return f"missing/{len(missing)}", b"error 'an import is missing'"

    try:
        text = _gojsonnet.evaluate_snippet(
            _named(path),
            _text(path, files[path]),
            import_callback=load,
            ext_vars={each.name: each.value for each in job.external if not each.code},
            ext_codes={each.name: each.value for each in job.external if each.code},
            tla_vars={each.name: each.value for each in job.top_level if not each.code},
            tla_codes={each.name: each.value for each in job.top_level if each.code},
        )
    except (RuntimeError, ValueError) as error:
        raise (
            _missing(path, missing)
            if missing
            else RenderFailed(f"{path}: {_problem(str(error))}", hint=f"try 'jsonnet {path}' in a checkout")
        ) from None
    if missing:
        raise _missing(path, missing)
    try:
        documents = yaml.load_all(text.encode(), f"{path}.json").documents
    except yaml.YamlError as error:
        raise RenderFailed(
            f"{path}: what it makes cannot be read: {error}", hint="make it smaller, or quote numbers that large"
        ) from error
    made = [document.value for document in documents]
    return made[0] if made and isinstance(made[0], list) else made


def _named(path: str) -> str:
    return path if "/" in path else f"{_HERE}{path}"


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RenderFailed(
            f"{path}: Jsonnet is UTF-8, and byte {error.start} is not", hint="save it as UTF-8"
        ) from None


def _missing(path: str, references: list[str]) -> RenderFailed:
    return RenderFailed(
        f"{path}: couldn't open import {references[0]!r}: no match in the folder of the file, in the libraries "
        "(directory.jsonnet.libs) or in the source's folder",
        hint="commit the file, or name its library relative to the repository's root; nothing outside of the "
        "repository is imported",
    )


def _problem(text: str) -> str:
    """What Jsonnet said, and where."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return "Jsonnet ended without a word"
    said, *trace = lines
    place = trace[0].strip().partition("\t")[0] if trace and trace[0].startswith("\t") else ""
    return f"{said} (at {place})"[:_SHOWN] if place else said[:_SHOWN]
