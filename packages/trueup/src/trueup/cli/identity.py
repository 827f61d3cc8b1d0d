"""Who a command acts for: the user's Git identity."""

import os

import pygit2

from kubegrammar import pattern
from trueup.model.errors import TrueupError
from trueup.sources.writer import Author

_SPELT = pattern.compile(r"([^<>\n]+?)\s*<([^<>\s]+)>")


def parse_author(text: str) -> Author:
    """An author spelt as ``NAME <EMAIL>``.

    Raises:
        TrueupError: it is spelt otherwise.
    """
    found = _SPELT.fullmatch(text.strip()) if len(text) < 1000 and text.isprintable() else None
    if found is None:
        raise TrueupError(f"{text[:100]!r} is no author", hint="write it as 'NAME <EMAIL>'")
    return Author(found[1], found[2])


def git_author() -> Author:
    """What git itself would write: its environment, then the configuration of this folder's repository or the user's.

    Raises:
        TrueupError: git knows no name or no address.
    """
    config = _config()

    def known(variable: str, key: str) -> str:
        configured = config[key] if config and key in config else None
        return os.environ.get(variable, "").strip() or (configured or "").strip()

    name, email = known("GIT_AUTHOR_NAME", "user.name"), known("GIT_AUTHOR_EMAIL", "user.email")
    if not name or not email:
        raise TrueupError(
            "git does not know who you are, and the commit needs an author",
            hint="git config --global user.name NAME and user.email EMAIL, or --author 'NAME <EMAIL>'",
        )
    return Author(name, email)


def _config() -> pygit2.Config | None:
    try:
        place = pygit2.discover_repository(".")
        return pygit2.Repository(place).config if place else pygit2.Config.get_global_config()
    except (OSError, KeyError, pygit2.GitError):
        return None
