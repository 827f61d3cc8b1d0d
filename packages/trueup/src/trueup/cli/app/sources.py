"""What is read in the place of what an application declares: revisions of single sources, a folder of this disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from trueup.model.application import Application
from trueup.model.errors import TrueupError


class Revisions(msgspec.Struct, frozen=True):
    """What a command line says of revisions.

    Attributes:
        whole: ``--revision``, of an application's only source.
        each: ``--revisions``.
        positions: the source that each of them is of, from 1.
        names: the same by ``spec.sources[].name``.
    """

    whole: str = ""
    each: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what no application could make sense of.

        Raises:
            click.UsageError: revisions and sources are not of one number, or are said twice.
        """
        if self.positions and self.names:
            raise click.UsageError("name sources by --source-positions or by --source-names, not by both")
        which = self.positions or self.names
        if len(which) != len(self.each):
            raise click.UsageError(
                "as many --revisions as --source-positions or --source-names, one after the other "
                f"({len(self.each)} and {len(which)} are given)"
            )
        if self.each and self.whole:
            raise click.UsageError("--revision is of the whole, --revisions of single sources: give one of them")
        if any(position < 1 for position in self.positions):
            raise click.UsageError("source-position should be larger than 0")
        if len(set(which)) < len(which):
            raise click.UsageError("a source is named twice")

    def of(self, app: Application) -> list[str]:
        """A revision for each source of an application, empty for the declared one; nothing where nothing is said.

        Raises:
            TrueupError: it has no such source, or several where one revision is given.
        """
        number = len(app.spec.all_sources())
        if self.whole and number > 1:
            raise TrueupError(
                f"application '{app.metadata.name}' has {number} sources, and --revision is of one",
                hint=f"name the source: --revisions {self.whole} --source-positions 1",
            )
        if not self.each:
            return [self.whole] if self.whole else []
        found = [""] * number
        for revision, at in zip(self.each, self._places(app), strict=True):
            found[at] = revision
        return found

    def _places(self, app: Application) -> list[int]:
        names = [source.name for source in app.spec.all_sources()]
        for position in self.positions:
            if position > len(names):
                raise TrueupError(
                    f"source-position should be less than or equal to {len(names)}, the sources of application "
                    f"'{app.metadata.name}'",
                    hint=f"`trueup app get {app.metadata.name}` shows them",
                )
        for name in self.names:
            if name not in names:
                raise TrueupError(
                    f"application '{app.metadata.name}' has no source that is named {name}",
                    hint=f"those with a name: {', '.join(filter(None, names)) or 'none'}",
                )
        return [position - 1 for position in self.positions] or [names.index(name) for name in self.names]


def revisions_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of single sources, as ``revisions``, ``source_positions`` and ``source_names``."""
    for option in (
        click.option(
            "--source-names", multiple=True, metavar="NAME", help="The sources of --revisions by name. Repeatable."
        ),
        click.option(
            "--source-positions",
            multiple=True,
            type=int,
            metavar="N",
            help="The sources of --revisions by position, from 1. Repeatable.",
        ),
        click.option(
            "--revisions", multiple=True, metavar="REVISION", help="Another revision of one source. Repeatable."
        ),
    ):
        command = option(command)
    return command


def revisions_of(
    revision: str, revisions: Sequence[str], source_positions: Sequence[int], source_names: Sequence[str]
) -> Revisions:
    """What a command line says of revisions.

    Raises:
        click.UsageError: it makes no sense.
    """
    said = Revisions(revision, tuple(revisions), tuple(source_positions), tuple(source_names))
    said.check()
    return said


class Here(msgspec.Struct, frozen=True):
    """A folder of this disk.

    Attributes:
        folder: takes the place of the application's.
        root: takes the place of its repository; None where what lies beside the folder is as the revision has it.
    """

    folder: Path
    root: Path | None = None


def folder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--local`` and ``--local-repo-root``, as ``folder`` and ``root``."""
    there = click.Path(path_type=Path, exists=True, file_okay=False)
    for option in (
        click.option(
            "--local-repo-root",
            "root",
            type=there,
            metavar="FOLDER",
            default=None,
            help="With --local: take this folder in the place of the repository, as Git would commit it.",
        ),
        click.option(
            "--local",
            "folder",
            type=there,
            metavar="FOLDER",
            default=None,
            help="Take this folder in the place of the application's, as it is on this disk.",
        ),
    ):
        command = option(command)
    return command


def here_of(folder: Path | None, root: Path | None) -> Here | None:
    """The folder that a command line names.

    Raises:
        click.UsageError: a root alone.
    """
    if folder is None and root is not None:
        raise click.UsageError("--local-repo-root goes with --local, which names the application's folder")
    return Here(folder, root) if folder is not None else None
