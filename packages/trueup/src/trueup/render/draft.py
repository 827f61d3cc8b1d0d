"""A recipe in the making."""

import dataclasses
from collections.abc import Mapping

from trueup.render.job import Input, Job


@dataclasses.dataclass
class Draft:
    """What one tool's module knows of a recipe before it has a key.

    Attributes:
        keyed: what stands for the job in the key, where the job holds more than its outcome depends on.
        named: inputs that files of the closure name, where there are others.
        confidential: as of the recipe.
        reasons: why each of the inputs is among them, where their paths do not say so.
        facts: further things the outcome depends on.
    """

    job: Job
    inputs: list[Input] = dataclasses.field(default_factory=list)
    absent: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    gaps: list[str] = dataclasses.field(default_factory=list)
    keyed: Job | None = None
    named: tuple[str, ...] = ()
    confidential: bool = False
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: dict[str, object] = dataclasses.field(default_factory=dict)
