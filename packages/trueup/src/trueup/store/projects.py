"""Typed reads of AppProjects."""

import msgspec

from kubegrammar import depth
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project

SHALLOWER = "take out of that field what is nested"


def read_project(live: LiveObject) -> Project:
    """A project from the object that is stored. One that can be read in part only cannot be read: what is missing might
    have been a denial.

    Raises:
        InvalidSpec: naming the field.
    """
    if place := too_deep(live, "spec"):
        raise InvalidSpec(f"project {live.key.name} cannot be read: {place}", hint=SHALLOWER)
    try:
        project = msgspec.json.decode(live.body, type=Project)
    except msgspec.DecodeError as error:
        raise InvalidSpec(
            f"project {live.key.name} cannot be read: {error}", hint="correct the AppProject's field of that path"
        ) from error
    # Which project it is, is for the server to say.
    metadata = msgspec.structs.replace(project.metadata, name=live.key.name, namespace=live.key.namespace)
    return msgspec.structs.replace(project, metadata=metadata)


def too_deep(live: LiveObject, field: str) -> str:
    """What nests too deeply in a field of an object; empty where nothing does."""
    place = next((place for place in live.deep if place.partition(".")[0] == field), "")
    return f"{place} is nested more than {depth.DEEPEST} levels deep" if place else ""
