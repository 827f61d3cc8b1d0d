"""Names of fields as the tools read them: by Go's ``encoding/json``, in any case."""

from collections.abc import Mapping
from typing import Any

from trueup.model.errors import RenderFailed


def spellings(*names: str) -> dict[str, str]:
    """The proper name of each spelling, by what :func:`spelled` folds it to."""
    return {name.casefold(): name for name in names}


def spelled(mapping: Mapping[str, Any], names: Mapping[str, str], where: str) -> dict[str, Any]:
    """The mapping with its known fields spelled properly.

    Args:
        names: made by :func:`spellings`.
        where: of the mapping, for messages.

    Raises:
        RenderFailed: a field is there in two spellings, of which Go would make a mixture.
    """
    made: dict[str, Any] = {}
    for key, value in mapping.items():
        name = names.get(key.casefold(), key) if isinstance(key, str) else key
        if name in made:
            raise RenderFailed(f"{where}{name} is there twice, in two spellings that mean the same", hint="keep one")
        made[name] = value
    return made
