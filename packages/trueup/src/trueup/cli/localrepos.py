"""``--allow-local-repos``: the folders whose repositories ``file://`` may read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def local_repositories_option(
    when: str = "", *, default: Path | None = None, resolve: bool = False, also: str = ""
) -> Callable[[Any], Any]:
    """The option, as the parameter ``local``.

    Args:
        when: what its help begins with, of a command that reads repositories in some cases alone.
        default: a folder that is allowed where none is named.
        resolve: of a command whose work is done in another folder.
        also: what else it allows.
    """
    return click.option(
        "--allow-local-repos",
        "local",
        multiple=True,
        type=click.Path(path_type=Path, file_okay=False, resolve_path=resolve),
        metavar="PREFIX",
        default=[default] if default else [],
        show_default=default is not None,
        help=f"{f'{when}: f' if when else 'F'}older whose repositories file:// may read{also}. Repeatable"
        + ("." if default else "; none by default."),
    )
