"""Whether a chart renders to the same objects the next time, at another time, and with a cluster that answers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubegrammar import yaml
from trueup.model.annotations import HELM_HOOK
from trueup.render.helm_words import LOOKUP, at_another_time, with_answers

_TEST_HOOKS = {"test", "test-success"}
_NOTES = "NOTES.txt"

_UNSTABLE = (
    "its outcome differs from render to render (the chart uses %s); keep generated values out of Git's templates"
)
_UNANSWERED = "it uses lookup, which answers nothing here: templates are rendered without the cluster"

Change = Callable[[bytes], bytes]
"""Of the text of a chart's file."""


def doubts(
    rendered: Mapping[str, str], again: Callable[[Change], Mapping[str, str] | None], suspects: Iterable[str]
) -> dict[str, str]:
    """The templates whose objects would be others, and why; of the empty name what is said of the chart.

    Args:
        rendered: texts by template.
        again: renders the chart with its files changed; None where that fails.
        suspects: of the chart's job.
    """
    found: dict[str, str] = {}
    moving = sorted(set(suspects) - {LOOKUP})
    if moving and (later := again(at_another_time)) is not None:
        found = dict.fromkeys(_differing(rendered, later), _UNSTABLE % ", ".join(moving))
    if LOOKUP in suspects:
        answered = again(with_answers)
        # What is asked for is not there: a template that cannot go on with it has looked at the answer.
        asking = [""] if answered is None else _differing(rendered, answered)
        found = {**dict.fromkeys(asking, _UNANSWERED), **found}
    return found


def is_run(path: str) -> bool:
    """Whether a file of a chart has a part in its objects: not its notes, and not its tests."""
    return not path.endswith(_NOTES) and "/templates/tests/" not in f"/{path}"


def is_test(value: Any) -> bool:
    """Whether an object is a test of a chart's, which nobody but ``helm test`` runs."""
    return any(event.strip() in _TEST_HOOKS for event in _hook(value).split(","))


def is_hook(value: Any) -> bool:
    """Whether an object is a hook of a chart's."""
    return bool(_hook(value))


def _hook(value: Any) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hook = annotations.get(HELM_HOOK) if isinstance(annotations, dict) else None
    return hook if isinstance(hook, str) else ""


def _differing(first: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [
        template
        for template, text in sorted(first.items())
        if text != other.get(template) and is_run(template) and _objects(text) != _objects(other.get(template, ""))
    ]


def _objects(text: str) -> list[Any]:
    try:
        values = [document.value for document in yaml.load_all(text.encode(), "template").documents]
    except yaml.YamlError:
        return [text]
    return [value for value in values if not is_test(value)]
