"""``.trueup/pipeline.yaml``: ordered shell steps and an environment, nothing more."""

from typing import Any

import msgspec

from kubegrammar import yaml
from trueup.model.errors import InvalidSpec

FILE = ".trueup/pipeline.yaml"
LARGEST = 64 * 1024
MOST_STEPS = 100


class Step(msgspec.Struct, frozen=True):
    """One step: ``run`` is given to ``sh -eu``."""

    run: str
    name: str = ""


class Pipeline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pipeline.

    Attributes:
        branches: those whose pushes run it.
        env: for every step.
    """

    steps: list[Step]
    branches: tuple[str, ...] = ("main",)
    env: dict[str, str] = {}


def read_pipeline(data: bytes) -> Pipeline:
    """Read the file.

    Raises:
        InvalidSpec: it cannot be read; the message names the field.
    """
    if len(data) > LARGEST:
        raise InvalidSpec(f"{FILE} is larger than {LARGEST // 1024} KiB", hint="move the commands to scripts")
    try:
        found: Any = yaml.load(data, FILE)
        pipeline = msgspec.convert(found, type=Pipeline)
    except yaml.YamlError as error:
        raise InvalidSpec(str(error), hint="correct the file") from error
    except msgspec.ValidationError as error:
        raise InvalidSpec(f"{FILE}: {error}", hint="write steps: [{run: …}], env: {…} and branches: […]") from error
    if not pipeline.steps or len(pipeline.steps) > MOST_STEPS:
        raise InvalidSpec(f"{FILE}: {len(pipeline.steps)} steps", hint=f"write 1 to {MOST_STEPS} steps")
    for name in pipeline.env:
        if not name.isidentifier() or not name.isascii():
            raise InvalidSpec(f"{FILE}: env: {name[:60]!r} is no name of a variable", hint="use letters, digits and _")
    return pipeline
