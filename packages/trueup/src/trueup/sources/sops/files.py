"""Encrypted files by their formats: YAML, JSON, lines of variables, INI, and bytes of any kind."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kubegrammar import yaml
from kubegrammar.encoding import salvaged
from trueup.model.errors import RenderFailed
from trueup.model.seal import SopsKeys
from trueup.sources.sops.keys import data_key
from trueup.sources.sops.metadata import SopsMetadata, read_metadata
from trueup.sources.sops.values import Values

_YAML = (".yaml", ".yml")
_SAID = "sops"
_FLAT = "sops_"
_VALUE = b"ENC[AES256_GCM,"
_DEFAULT = "DEFAULT"
_MOST_ENTRIES, _SHOWN = 256, 10
_EXACT = 1 << 53
BINARY = "data"
"""Of a file that holds bytes: the only key beside ``sops``."""


class Opened(msgspec.Struct, frozen=True):
    """A file that was encrypted.

    Attributes:
        content: as it was before.
        secrets: what was encrypted of it.
    """

    content: bytes
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return "Opened(…)"


def all_opened(files: Mapping[str, bytes], keys: SopsKeys) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Files by path, those that SOPS encrypted as they were before, and what was encrypted of them.

    Raises:
        RenderFailed: naming each that cannot be opened.
    """
    plain, secrets, problems = dict(files), list[str](), list[RenderFailed]()
    for path, data in files.items():
        try:
            found = opened(path, data, keys)
        except RenderFailed as error:
            problems.append(error)
            continue
        if found is not None:
            plain[path] = found.content
            secrets += found.secrets
    if problems:
        raise RenderFailed("; ".join(each.message for each in problems[:_SHOWN]), hint=problems[0].hint)
    return plain, tuple(dict.fromkeys(secrets))


def opened(path: str, data: bytes, keys: SopsKeys) -> Opened | None:
    """A file as it was before SOPS encrypted it; None where SOPS did not.

    Raises:
        RenderFailed: no key opens it, it was changed since then, or it cannot be read.
    """
    if _VALUE not in data or _SAID.encode() not in data:
        return None
    if path.endswith(_YAML):
        return _yaml(path, data, keys)
    text = salvaged(data)
    if text.lstrip().startswith("{"):
        return _json(path, data, keys)
    if any(line.startswith(f"{_FLAT}mac=") for line in text.splitlines()):
        return _variables(path, text, keys)
    if any(line.strip() == f"[{_SAID}]" for line in text.splitlines()):
        return _ini(path, text, keys)
    return None


def _yaml(path: str, data: bytes, keys: SopsKeys) -> Opened | None:
    try:
        documents = [each.value for each in yaml.load_all(data, path).documents if each.value is not None]
    except yaml.YamlError as error:
        raise RenderFailed(f"{path}: encrypted by SOPS, and cannot be read: {error}", hint="correct it") from None
    if not any(isinstance(each, dict) and _SAID in each for each in documents):
        return None
    # Of several documents each says the same of all of them.
    said = next(each[_SAID] for each in documents if isinstance(each, dict) and _SAID in each)
    values = _values(path, read_metadata(said, path), keys)
    plain = [
        values.plain({k: v for k, v in each.items() if k != _SAID}) for each in documents if isinstance(each, dict)
    ]
    values.check()
    return Opened("---\n".join(yaml.dump(each) for each in plain).encode(), tuple(values.secrets))


def _json(path: str, data: bytes, keys: SopsKeys) -> Opened | None:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(value, dict) or _SAID not in value:
        return None
    values = _values(path, read_metadata(value.pop(_SAID), path), keys)
    plain = values.plain(value)
    values.check()
    if plain.keys() == {BINARY} and not path.endswith(".json"):
        content = plain[BINARY]
        return Opened(content if isinstance(content, bytes) else str(content).encode(), tuple(values.secrets))
    return Opened(msgspec.json.encode(_whole(plain)), tuple(values.secrets))


def _variables(path: str, text: str, keys: SopsKeys) -> Opened:
    """Lines of ``NAME=value``."""
    said: dict[str, str] = {}
    lines: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or line.startswith("#"):
            continue
        value = value.replace("\\n", "\n")
        if name.startswith(_FLAT):
            said[name.removeprefix(_FLAT)] = value
        else:
            lines[name] = value
    values = _values(path, read_metadata(_unflattened(said, path), path), keys)
    plain = values.plain(lines)
    values.check()
    made = "".join("{}={}\n".format(name, _word(value).replace("\n", "\\n")) for name, value in plain.items())
    return Opened(made.encode(), tuple(values.secrets))


def _ini(path: str, text: str, keys: SopsKeys) -> Opened:
    sections: dict[str, dict[str, str]] = {}
    for section, name, value in _settings(text):
        sections.setdefault(section, {})[name] = value
    said = {name: value.replace("\\n", "\n") for name, value in sections.pop(_SAID, {}).items()}
    values = _values(path, read_metadata(_unflattened(said, path), path), keys)
    plain = values.plain(sections)
    values.check()
    made = ""
    for section, entries in plain.items():
        made += f"[{section}]\n" if section != _DEFAULT else ""
        made += "".join(f"{name} = {_word(value)}\n" for name, value in entries.items())
    return Opened(made.encode(), tuple(values.secrets))


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    section = _DEFAULT
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and line[0] not in "#;" and "=" in line:
            name, _, value = line.partition("=")
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
                value = value[1:-1]
            yield section, name.strip(), value


def _values(path: str, metadata: SopsMetadata, keys: SopsKeys) -> Values:
    return Values(data_key(metadata, keys, path), metadata, path)


def _whole(value: Any) -> Any:
    """JSON has one kind of numbers: those that are whole are written as such."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unflattened(said: Mapping[str, str], path: str) -> dict[str, Any]:
    """``age__list_0__map_enc`` and its like as what they mean."""
    found: dict[str, Any] = {}
    for name, value in said.items():
        kind, separator, rest = name.partition("__list_")
        if not separator:
            found[name] = value
            continue
        number, _, field = rest.partition("__map_")
        if not number.isdecimal() or int(number) >= _MOST_ENTRIES:
            raise RenderFailed(f"{path}: {_FLAT}{name[:80]} is not read", hint="encrypt the file anew")
        entries = found.setdefault(kind, [])
        if not isinstance(entries, list):
            raise RenderFailed(f"{path}: {_FLAT}{name[:80]} is there twice", hint="encrypt the file anew")
        entries += [{} for _ in range(int(number) + 1 - len(entries))]
        entries[int(number)][field] = value
    return found
