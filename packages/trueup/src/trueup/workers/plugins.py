"""The plugins that an operator has configured: files of a folder."""

from pathlib import Path

from trueup.model.errors import TrueupError
from trueup.render.environment import Plugin
from trueup.render.plugin import plugin_of

_LARGEST = 1 << 20
_HINT = "correct it, or take it out of the folder of --plugins"


def plugins_in(folder: Path) -> tuple[Plugin, ...]:
    """Those of the files ``*.yaml`` and ``*.yml``, by name of file, in it and in its folders (as ``NAME/plugin.yaml``).

    Raises:
        TrueupError: one is malformed, two have one name, or the folder cannot be read.
    """
    found: dict[str, Plugin] = {}
    try:
        files = sorted(
            path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.suffix in (".yaml", ".yml")
        )
        texts = {path: path.read_bytes() for path in files if path.is_file()}
        if not folder.is_dir():
            raise TrueupError(f"{folder}: there is no such folder", hint="name the folder of plugins by --plugins")
    except OSError as error:
        raise TrueupError(f"{error.filename}: {error.strerror}", hint="make it readable for the engine") from error
    for path, text in texts.items():
        try:
            plugin = plugin_of(text[:_LARGEST], str(path))
        except ValueError as error:
            raise TrueupError(str(error), hint=_HINT) from error
        if plugin.name in found:
            raise TrueupError(f"{path}: metadata.name: there is a plugin {plugin.name} already", hint=_HINT)
        found[plugin.name] = plugin
    return tuple(found.values())
