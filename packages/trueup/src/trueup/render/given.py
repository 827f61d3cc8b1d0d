"""Manifests that come with an operation rather than from a repository."""

from collections.abc import Mapping, Sequence

from kubegrammar import json, yaml
from trueup.render.job import GivenJob, Recipe
from trueup.render.output import Objects

FIELD = "operation.sync.manifests"
NOTHING = f"{FIELD}: no object is in there"
_GENERATION = "1"


def given(texts: Sequence[str]) -> tuple[Recipe, dict[str, bytes]]:
    """The recipe of such manifests, and its inputs by the places of the texts."""
    files = {f"{FIELD}[{index}]": text.encode("utf-8", "surrogatepass") for index, text in enumerate(texts)}
    key = json.digest(json.canonical([_GENERATION, FIELD, [json.digest(data) for data in files.values()]]))
    return Recipe(key=key, tool="", job=GivenJob()), files


def read_given(files: Mapping[str, bytes], objects: Objects) -> None:
    """Read every text into ``objects``. Nobody passes over what is no manifest here: it was sent to be one."""
    objects.remedy = "correct what was sent, and send it again"
    for place, data in files.items():
        try:
            loaded = yaml.load_all(data, place)
        except yaml.YamlError as error:
            objects.fail(str(error))
            continue
        objects.warnings.extend(loaded.warnings)
        for document in loaded.documents:
            objects.read(document, place)
    if not objects.taken:
        # Pruning by it would take all that there is.
        objects.fail(NOTHING)
