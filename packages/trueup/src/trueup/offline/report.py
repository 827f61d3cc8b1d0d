"""What a check found."""

from collections.abc import Iterable

import msgspec

from trueup.model.resource import ResourceKey


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that would not work.

    Attributes:
        application: ``namespace/name``; empty for what belongs to none.
        others: further applications that have the same fault from the same place.
        file: path from the repository's root, with ``:LINE`` where known; empty when unknown.
        object: ``apps/Deployment shop/web``; empty where there is no object yet.
        field: as the API server writes it, such as ``spec.replicas``; empty when it names none.
        message: what is wrong.
        hint: what to do about it.
    """

    application: str = ""
    others: tuple[str, ...] = ()
    file: str = ""
    object: str = ""
    field: str = ""
    message: str
    hint: str = ""


class Unverified(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be checked, which is no failure.

    Attributes:
        application: ``namespace/name``; empty for what belongs to none.
        what: the source, object or file.
        why: a phrase.
    """

    application: str
    what: str
    why: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """An application that was looked at.

    Attributes:
        name: ``namespace/name``.
        file: where it is declared; empty for a folder that was taken as one.
        paths: the folders it reads.
        objects: manifests rendered.
    """

    name: str
    file: str
    paths: tuple[str, ...]
    objects: int


class Report(msgspec.Struct, kw_only=True):
    """The outcome of a check, in the order in which things were looked at."""

    applications: list[Checked] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    unverified: list[Unverified] = []

    @property
    def objects(self) -> int:
        """How many manifests were checked."""
        return sum(application.objects for application in self.applications)


def told_once(problems: Iterable[Problem]) -> list[Problem]:
    """One for each fault: that of a base is the fault of every overlay, which are named beside it.

    Only a file says that two faults are one; the object of the first stands for all.
    """
    found: dict[Problem, Problem] = {}
    for problem in problems:
        place = msgspec.structs.replace(problem, application="", others=(), object="") if problem.file else problem
        first = found.setdefault(place, problem)
        named = (problem.application, *problem.others)
        others = dict.fromkeys((*first.others, *(name for name in named if name != first.application)))
        found[place] = msgspec.structs.replace(first, others=tuple(others))
    return list(found.values())


def shown(key: ResourceKey, generate_name: str = "") -> str:
    """An object as reports name it; ``NAME*`` for one that the server names."""
    return f"{key}{generate_name}*" if generate_name else str(key)
