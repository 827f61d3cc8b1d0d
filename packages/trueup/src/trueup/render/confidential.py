"""Which values of a render's inputs are secrets, told without reading the files as what they should be: they may be
broken, and an error about them quotes what it stumbled over."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from kubegrammar import json, pattern
from kubegrammar.encoding import salvaged
from kubegrammar.hidden import leaves
from kubegrammar.named_secrets import is_secret_name
from kubegrammar.redact import HARMLESS
from trueup.model.application import ApplicationSpec, HelmSource
from trueup.model.manifest import Manifest
from trueup.model.resource import SECRET
from trueup.render.job import DirectoryJob, HelmJob, Job, PluginJob, Recipe

MOST_FILES = 2000
MOST_BYTES = 4 * 1024 * 1024
"""Of all files together; a file's first :data:`MOST_OF_FILE` are looked at."""
MOST_OF_FILE = 256 * 1024
_TELLING = 3
"""Characters of a value that is told apart from chance where it stands."""

_YAML = (".yaml", ".yml", ".json", ".jsonnet", ".libsonnet", ".tpl", "Kustomization")
_ABOUT_SECRETS = pattern.compile(r"""(?i)secret|password|passwd|token|key|credential""")
_LINE = pattern.compile(r"""^( *)((?:- +)*)(?:["']?([^"':#{}\[\]]+)["']?\s*:(?:\s+|$))?(.*)$""")
_PAIR = pattern.compile(r"""["']?([\w.-]+)["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s,{}\[\]"'][^,{}\[\]]*))""")
_INLINE = pattern.compile(r"""[{,]\s*["']?(?:data|stringData|literals)["']?\s*:(.*)""")
_ITEM = pattern.compile(r"""[^\[\]{},"']+""")
_SETTING = pattern.compile(r"^\s*(?:export\s+)?[\w.-]+\s*=\s*(.+)$")
_KIND = pattern.compile(r"""\bkind["']?\s*:\s*["']?([A-Z][A-Za-z0-9]+)["']?(?:[\s,}#]|$)""")
_API_VERSION = pattern.compile(r"""\bapiVersion["']?\s*:\s*["']?((?:[a-z0-9.-]+/)?v[0-9][a-z0-9]*)["']?(?:[\s,}#]|$)""")
_FLOW_KEY = pattern.compile(r"""[{,]\s*(?:"([\w./-]+)"\s*:|([\w./-]+):\s)""")
_HOLDERS = frozenset(("data", "stringData", "literals"))


def confidential(files: Mapping[str, bytes], job: Job | None = None) -> Iterator[str]:
    """The values that look like secrets, some that are none among them: for hiding them in an error.

    Args:
        files: content by path.
        job: says what an Application sets by itself.
    """
    left = MOST_BYTES
    for path in sorted(files)[:MOST_FILES]:
        content = files[path][: min(MOST_OF_FILE, left)]
        left -= len(content)
        text = salvaged(content)
        if path.endswith(_YAML):
            yield from _of_yaml(text)
        else:
            # Files and settings of generators.
            yield from _of_text(text)
    if isinstance(job, HelmJob):
        yield from _of_settings(job)
    if isinstance(job, PluginJob):
        yield from (value for name, value in job.environment.items() if is_secret_name(name))
    if isinstance(job, DirectoryJob) and job.jsonnet is not None:
        variables = (*job.jsonnet.external, *job.jsonnet.top_level)
        yield from (each.value for each in variables if is_secret_name(each.name))


def told(files: Mapping[str, bytes]) -> Iterator[str]:
    """What is no secret though it may stand on one line with some: names of files, kinds and fields.

    Args:
        files: content by path, as for :func:`confidential`.
    """
    for path in sorted(files)[:MOST_FILES]:
        yield path
        text = salvaged(files[path][:MOST_OF_FILE]) if path.endswith(_YAML) else ""
        for word in (_KIND, _API_VERSION) if "{" in text else ():
            yield from word.findall(text)
        for quoted, plain in _FLOW_KEY.findall(text) if "{" in text else ():
            yield quoted or plain


def spec_secrets(spec: ApplicationSpec) -> Iterator[str]:
    """What an Application itself holds of secrets: in URLs of its sources and under their names in values.

    One with more values than are looked at is refused, so that nothing quotes them.
    """
    left = MOST_OF_FILE
    for source in spec.all_sources():
        yield from _of_url(source.repo_url)
        if source.helm is not None:
            yield from _of_settings(source.helm, left)
            left = max(left - len(source.helm.values), 0)
        if source.directory is not None and (jsonnet := source.directory.jsonnet) is not None:
            yield from (each.value for each in (*jsonnet.ext_vars, *jsonnet.tlas) if is_secret_name(each.name))
        if source.plugin is not None:
            yield from secret_leaves(msgspec.to_builtins(source.plugin))


def holds_secrets(recipe: Recipe, manifests: Iterable[Manifest]) -> bool:
    """Whether an outcome holds what is written nowhere: a Secret, or a value that an Application itself has under the
    name of one."""
    if recipe.confidential:
        return True
    own = [value for value in confidential({}, recipe.job) if len(value) >= _TELLING]
    needles = [part.encode() for value in dict.fromkeys(own) for part in _spelt(value)]
    return any(
        manifest.group_kind == SECRET or any(needle in manifest.body for needle in needles) for manifest in manifests
    )


def _spelt(value: str) -> Iterator[str]:
    """A value as it stands in JSON, and in base64 of one alone."""
    yield json.canonical(value).decode()[1:-1]
    yield base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()


def _of_settings(settings: HelmJob | HelmSource, most: int = MOST_BYTES) -> Iterator[str]:
    for parameter in settings.parameters:
        if is_secret_name(parameter.name):
            yield parameter.value
    yield from _of_yaml(settings.values[:most])
    yield from secret_leaves(settings.values_object)


def _of_url(url: str) -> Iterator[str]:
    """User and password, as they are spelt and as they are meant; values of the query."""
    userinfo, at, _ = url.partition("://")[2].rpartition("@")
    if at:
        _, colon, password = userinfo.partition(":")
        for text in (userinfo, password) if colon else (userinfo,):
            yield from (text, unquote(text))
    for part in url.partition("?")[2].replace(";", "&").split("&"):
        name, equals, value = part.partition("=")
        if equals and name not in HARMLESS:
            yield from (value, unquote(value))


def secret_leaves(value: Any) -> Iterator[str]:
    """The texts that stand under names of secrets in JSON-like data."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict() as mapping:
                for name, each in mapping.items():
                    if isinstance(name, str) and is_secret_name(name):
                        yield from leaves(each)
                    else:
                        pending.append(each)
            case list() as entries:
                pending += entries


def _of_yaml(text: str) -> Iterator[str]:
    """Values below ``data``, ``stringData`` and ``literals``, and those under names of secrets."""
    if not _ABOUT_SECRETS.search(text):
        return
    holder, block = -1, -1
    for line in text.splitlines():
        found = _LINE.match(line) if line.strip() else None
        if not found:
            continue
        depth = len(found[1]) + len(found[2])
        name, value = (found[3] or "").strip(), found[4].strip()
        # Items of a list may stand at the depth of their key.
        if holder >= 0 and len(found[1]) <= holder and not (found[2] and len(found[1]) == holder):
            holder = -1
        if block >= 0 and len(found[1]) <= block:
            block = -1
        if holder >= 0 or block >= 0 or is_secret_name(name):
            yield from _values(line.strip() if block >= 0 else value)
        if name in _HOLDERS:
            holder = depth if holder < 0 else holder
            for item in _ITEM.findall(value):
                yield from _values(item)
        if value[:1] in ("|", ">") and (holder >= 0 or is_secret_name(name)) and block < 0:
            block = len(found[1])
        if inline := _INLINE.search(line) if "{" in line or "," in line else None:
            for item in _ITEM.findall(inline[1]):
                yield from _values(item)
        within = holder >= 0 or any(each in line for each in _HOLDERS)
        for pair in _PAIR.finditer(line) if "{" in line else ():
            if within or is_secret_name(pair[1]):
                yield from _values(next(filter(None, pair.groups()[1:]), ""))


def _of_text(text: str) -> Iterator[str]:
    yield text.strip()
    for line in text.splitlines():
        yield line.strip()
        if setting := _SETTING.match(line):
            yield from _values(setting[1].strip())


def _values(value: str) -> Iterator[str]:
    """A scalar without its quotes, and what stands behind its first ``=``."""
    plain = value.strip().strip("\"'")
    if not plain or plain[:1] in ("|", ">"):
        return
    yield plain
    bare = plain.partition(" #")[0].strip().strip("\"'")
    if bare != plain:
        yield bare
    _, equals, behind = bare.partition("=")
    if equals and behind:
        yield behind.strip("\"'")
